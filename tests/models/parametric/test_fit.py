from dataclasses import replace

import numpy as np
import pytest

from calovox.models.parametric.fit import (
    ENOUGH_SHOWERS,
    MAX_BINS,
    SHOWERS_PER_BIN,
    fit_parametric,
)
from tests.models.toy_parametric import ENERGY, ETA_RANGE, fitted_model, spread_showers

ARRAYS = ("n_showers", "n_bins", "response", "quantiles", "empty", "axes", "shapes")


def fit(*batches, **options):
    return fit_parametric(lambda title: batches, **{"eta_range": ETA_RANGE} | options)


def assert_equal(first, second):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_the_fit_depends_neither_on_its_batches_nor_on_chance():
    hits = spread_showers(120)
    whole = fit(hits)
    assert_equal(whole, fit(hits))
    parts = fit(hits[:50], hits[50:51], hits[51:])
    for name in ARRAYS[:-1]:
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_allclose(parts.shapes, whole.shapes, rtol=2e-3, atol=1e-7)


@pytest.mark.parametrize(("n_showers", "n_bins"), [(20, 1), (65, 2), (1500, MAX_BINS)])
def test_the_number_of_bins_follows_from_the_number_of_showers(n_showers, n_bins):
    model = fitted_model() if n_showers == 1500 else fit(spread_showers(n_showers))
    assert model.n_showers.tolist() == [[n_showers]]
    assert model.n_bins.tolist() == [[n_bins]]
    assert n_bins == MAX_BINS or n_showers < SHOWERS_PER_BIN * (n_bins + 1)


def test_showers_count_for_the_nearest_stored_energy_as_fractions_of_their_own():
    hits = spread_showers(300, energies=(ENERGY / 1.4, 2.0 * ENERGY))
    model = fit(hits)
    assert model.energies.tolist() == [ENERGY, 2.0 * ENERGY]
    lower = hits.photons.energy < np.sqrt(2.0) * ENERGY
    assert model.n_showers.tolist() == [[lower.sum()], [(~lower).sum()]]
    total = np.add.reduceat(hits.energy, hits.event_offsets[:-1]) / hits.photons.energy
    expected = [[total[lower].mean()], [total[~lower].mean()]]
    np.testing.assert_allclose(model.response, expected, rtol=1e-5)


def test_a_range_of_energies_selects_the_stored_ones():
    hits = spread_showers(300, energies=(ENERGY / 1.4, 2.0 * ENERGY))
    model = fit(hits, energy_range=(0.6 * ENERGY, 1.9 * ENERGY))
    assert model.energies.tolist() == [ENERGY]


def test_a_small_sample_takes_showers_of_its_neighbours_but_none_beyond_the_border():
    inner = spread_showers(40, eta=(0.71, 0.74))
    next_to_it = spread_showers(30, eta=(0.76, 0.79), first=100)
    beyond = spread_showers(80, eta=(0.81, 0.84), first=200)
    model = fit(inner, next_to_it, beyond, eta_range=(0.7, 0.85))
    assert ENOUGH_SHOWERS > 40
    assert model.n_showers.tolist() == [[70, 70, 80]]


def test_showers_outside_the_slices_are_left_out():
    inside, outside = spread_showers(40), spread_showers(40, eta=(0.31, 0.34), first=100)
    assert_equal(fit(outside, inside), fit(inside))


def test_a_layer_without_energy_stays_empty():
    hits = spread_showers(40)
    hits = replace(hits, energy=np.where(hits.layer == 3, np.float32(0.0), hits.energy))
    model = fit(hits)
    new = model.sample(hits.photons, seed=1)
    assert not np.any(new.layer == 3)
    assert np.any(new.layer == 12)


def test_a_photon_that_leaves_nothing_is_a_shower_too():
    hits = spread_showers(40)
    hits = replace(hits, energy=np.zeros_like(hits.energy))
    with pytest.raises(ValueError, match="`response` above 0"):
        fit(hits)
    energy = spread_showers(40).energy.copy()
    energy[: hits.event_offsets[20]] = 0.0
    model = fit(replace(hits, energy=energy))
    assert model.empty[:, 0].tolist() == [0.5]
    counts = np.diff(model.sample(spread_showers(300).photons, seed=1).event_offsets)
    assert np.mean(counts == 0) == pytest.approx(0.5, abs=4.0 * 0.5 / np.sqrt(300))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eta_range": (0.2, 0.26)}, r"both multiples of 0\.05, got 0\.2:0\.26"),
        ({"eta_range": (0.9, 1.0)}, "expected showers in the range"),
        ({"energy_range": (300.0, 500.0)}, "a range that holds a power of two"),
        ({"energy_range": (2.0, 2.0)}, r"at least 10 showers within half an octave of 2 MeV"),
    ],
)
def test_what_cannot_be_fitted_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fit(spread_showers(40), **options)


def test_hits_that_cannot_be_parametrised_are_refused():
    hits = spread_showers(40)
    with pytest.raises(ValueError, match=r"negative energy, got .* in layer 0 of event 0"):
        fit(replace(hits, energy=-hits.energy))
    with pytest.raises(ValueError, match="expected showers, got none"):
        fit()
