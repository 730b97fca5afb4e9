"""Mean energies of showers say whether units are right."""

from dataclasses import replace

import numpy as np
import pytest

from calovox.geometry import atlas_barrel
from calovox.hits.shares import EnergyShares, ShareCounter
from tests.foreign.foreign_files import showers
from tests.toy_detector import disks, showers_in

HITS = showers()
BARREL = atlas_barrel()


def shares_of(*batches, cells=BARREL.cells):
    counter = ShareCounter(BARREL, cells)
    for hits in batches:
        counter.add(hits)
    return counter.shares()


def is_away(detector, layer, eta, r):
    """Slow plain twin: whether a hit is a tenth of the radius or more outside of its layer."""
    position = next(one for one in detector.layers if one.number == layer).position
    middle, half = float(position.radius(float(eta))), 0.5 * float(position.thickness(float(eta)))
    if position.surface == "plane":
        half /= np.sinh(abs(eta))
    return not 0.9 * (middle - half) <= r <= 1.1 * (middle + half)


@pytest.mark.parametrize("detector", [BARREL, disks()], ids=["cylinders", "planes"])
def test_hits_away_from_their_layer_are_those_of_the_slow_twin(detector):
    hits = HITS if detector is BARREL else showers_in(detector, 6)
    factors = np.random.default_rng(1).choice([0.5, 0.88, 1.0, 1.12, 2.0], hits.n_hits)
    hits = replace(hits, r=(hits.r * factors).astype("f4"))
    counter = ShareCounter(detector)
    counter.add(hits)
    expected = [is_away(detector, *hit) for hit in zip(hits.layer, hits.eta, hits.r, strict=True)]
    assert counter.shares().outside_layers == np.mean(expected)
    assert 0.0 < np.mean(expected) < 1.0


def test_shares_are_the_mean_over_events():
    energy = HITS.energy.astype("f8")
    event = np.repeat(np.arange(len(HITS)), np.diff(HITS.event_offsets))
    shares = shares_of(HITS[:2], HITS[2:])
    for number in BARREL.numbers:
        sums = np.bincount(event, energy * (HITS.layer == number), minlength=len(HITS))
        expected = np.mean(sums / HITS.photons.energy)
        assert shares.layers[number] == pytest.approx(expected, rel=1e-9)
    assert shares.total == pytest.approx(0.97, abs=1e-4)
    assert shares.warnings() == []
    assert f"{shares}".startswith("0.97 (by layer 0: 0.0")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda h: replace(h, energy=h.energy / 1e3), "are the hits in GeV"),
        (lambda h: replace(h, energy=h.energy * 1e3), "are the photons in GeV"),
        (lambda h: replace(h, energy=h.energy * np.float32(0.18)), "sampling fraction"),
        (lambda h: replace(h, energy=h.energy * 3), "other units, or of other particles"),
        (lambda h: replace(h, r=h.r / 10), "100 % of the hits are not at the radius of their lay"),
        (lambda h: replace(h, eta=h.eta + 3), "are in no cell"),
    ],
)
def test_units_that_cannot_be_right_are_warned_of(change, match):
    (warning,) = shares_of(change(HITS)).warnings()
    assert match in warning


def test_nobody_looks_into_cells_unless_asked():
    shares = shares_of(HITS, cells=None)
    assert shares.outside_cells is None
    assert "no cell" not in f"{shares}"
    assert EnergyShares(0, {}).warnings() == []
