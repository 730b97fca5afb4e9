import numpy as np
import pytest

from calovox.geometry import atlas_barrel
from calovox.hits import Hits
from calovox.hits.merging import MergingRadii, merge_hits
from calovox.photons import Photons
from tests.reference.merging import merge_event

BARREL = atlas_barrel()
LOOKUP = BARREL.cells.lookup()
STEPS = 2.0**18


def make_hits(n_events=4, n_hits=1500, seed=1):
    """Dense showers of a few mm in all layers, two of them next to phi = pi."""
    rng = np.random.default_rng(seed)
    photons = Photons(
        energy=np.full(n_events, 1e3),
        eta=rng.uniform(-1.3, 1.3, n_events),
        phi=np.resize([3.1415, -3.1415, 0.7, -2.0], n_events),
        index=np.arange(n_events),
    )
    event = np.repeat(np.arange(n_events), n_hits)
    layer = rng.choice([0, 1, 2, 3, 12], len(event)).astype(np.uint8)
    r = np.select([layer == 0, layer == 12], [1430.0, 2400.0], 1650.0) + 8 * rng.normal(
        size=len(event)
    )
    eta = photons.eta[event] + rng.normal(scale=0.001, size=len(event))
    phi = photons.phi[event] + rng.normal(scale=0.001, size=len(event))
    phi = np.mod(phi + np.pi, 2 * np.pi) - np.pi
    limit = np.floor(np.pi * STEPS) / STEPS
    return Hits(
        layer=layer,
        eta=(np.round(eta * STEPS) / STEPS).astype(np.float32),
        phi=np.clip(np.round(phi * STEPS) / STEPS, -limit, limit).astype(np.float32),
        r=r.astype(np.float32),
        energy=rng.exponential(size=len(event)).astype(np.float32),
        event_offsets=np.arange(n_events + 1) * n_hits,
        photons=photons,
    )


def cell_sums(hits):
    cells = LOOKUP.find(hits.layer, hits.eta, hits.phi)
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    keys = event * 10_000_000 + cells
    return {
        key: hits.energy[keys == key].sum(dtype=np.float64) for key in np.unique(keys).tolist()
    }


@pytest.mark.parametrize("radii", [MergingRadii.fine(), MergingRadii.coarse()])
def test_merging_equals_slow_twin(radii):
    hits = make_hits(n_events=2, n_hits=400)
    merged = merge_hits(hits, BARREL, radii)
    for event in range(len(hits)):
        rows = slice(*merged.event_offsets[event : event + 2])
        expected = merge_event(hits, event, LOOKUP, radii)
        columns = (merged.layer, merged.eta, merged.phi, merged.r, merged.energy)
        found = np.stack([column[rows] for column in columns], axis=1)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("radii", [MergingRadii.fine(), MergingRadii.coarse()])
def test_merging_keeps_the_energy_of_every_cell(radii):
    hits = make_hits()
    before, after = cell_sums(hits), cell_sums(merge_hits(hits, BARREL, radii))
    assert before.keys() == after.keys()
    np.testing.assert_allclose(list(after.values()), list(before.values()), rtol=1e-6)


def test_merging_keeps_cells_when_positions_are_stored_rounded():
    hits = make_hits()
    merged = merge_hits(hits, BARREL, MergingRadii.coarse())
    rounded = np.round(merged.eta.astype(np.float64) * STEPS) / STEPS
    np.testing.assert_array_equal(
        LOOKUP.find(merged.layer, merged.eta, merged.phi),
        LOOKUP.find(merged.layer, rounded.astype(np.float32), merged.phi),
    )


def test_merging_moves_hits_less_than_a_bin():
    hits = make_hits(n_events=1, n_hits=200)
    merged = merge_hits(hits, BARREL, MergingRadii.fine())
    for hit in range(merged.n_hits):
        same = hits.layer == merged.layer[hit]
        d_eta = (hits.eta[same] - merged.eta[hit]) * hits.r[same]
        d_phi = np.mod(hits.phi[same] - merged.phi[hit] + np.pi, 2 * np.pi) - np.pi
        assert np.min(np.hypot(d_eta, d_phi * hits.r[same])) < 0.8


def test_merging_fine_hits_is_finer_than_coarse():
    hits = make_hits()
    fine = merge_hits(hits, BARREL, MergingRadii.fine()).n_hits
    coarse = merge_hits(hits, BARREL, MergingRadii.coarse()).n_hits
    assert coarse < fine < hits.n_hits


def test_merging_keeps_empty_events():
    hits = make_hits(n_events=3)[0:0]
    assert merge_hits(hits, BARREL, MergingRadii.fine()).n_hits == 0


def test_longitudinal_size_is_an_eighth_of_the_layer_but_at_most_5_mm():
    photons = make_hits(n_events=2).photons
    photons = Photons(photons.energy, np.array([0.05, 1.3]), photons.phi, photons.index)
    lengths = MergingRadii.fine().lengths_along(photons, BARREL.layers)
    assert lengths[0, 2] == 5.0
    assert lengths[0, 3] == pytest.approx(31.7 / 8, abs=0.1)
    coarse = MergingRadii.coarse().lengths_along(photons, BARREL.layers)
    assert np.all(coarse == [5.0, 1.0, 5.0, 5.0, 5.0])


def test_merging_refuses_negative_energies():
    hits = make_hits(n_events=1)
    hits.energy[3] = -1.0
    with pytest.raises(ValueError, match="energies of 0 or more"):
        merge_hits(hits, BARREL, MergingRadii.fine())
