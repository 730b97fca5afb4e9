from dataclasses import replace

import numpy as np
import pytest

from calovox.arrays import LAYERS, layer_position
from calovox.hits import concatenate_hits
from calovox.models.parametric_shapes import fine_grid, fold
from calovox.photons import Fixed, LogUniform, SignedUniform, draw_photons
from calovox.voxelization import hits_to_voxels
from tests.models.toy_parametric import ENERGY, ETA_RANGE, fitted_model, spread_showers

N_EVENTS = 1500


def photons_like(n_events, *, energy=ENERGY, seed=5):
    return draw_photons(
        np.arange(n_events), energy=Fixed(energy), eta=SignedUniform(0.205, 0.245), seed=seed
    )


def layer_energies(hits):
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    rows = 5 * event + layer_position(hits.layer)
    sums = np.bincount(rows, weights=hits.energy, minlength=5 * len(hits))
    return sums.reshape(-1, 5) / hits.photons.energy[:, None]


def two_energies():
    """A parametrisation with stored energies of 2^12 and 2^13 MeV and different responses."""
    one = fitted_model()
    n_bins = len(one.axes)
    scale = np.ones((2 * n_bins, 6, 1), dtype=np.float32)
    scale[n_bins:, 0] = 0.5
    return replace(
        one,
        energies=np.array([ENERGY, 2.0 * ENERGY]),
        **{name: np.tile(getattr(one, name), (2, 1)) for name in ("n_showers", "n_bins", "empty")},
        response=np.concatenate([one.response, 0.5 * one.response]),
        quantiles=np.tile(one.quantiles, (2, 1, 1)) * scale,
        axes=np.tile(one.axes, (2, 1, 1)),
        shapes=np.tile(one.shapes, (2, 1)),
    )


@pytest.fixture(scope="module")
def showers():
    return fitted_model().sample(photons_like(4000), seed=1)


def test_layer_energies_have_the_mean_and_the_covariance_of_the_showers(showers):
    expected, drawn = layer_energies(spread_showers(N_EVENTS)), layer_energies(showers)
    sigma = expected.std(axis=0)
    error = 4.0 * np.sqrt(1.0 / len(expected) + 1.0 / len(drawn))
    assert np.all(np.abs(drawn.mean(axis=0) - expected.mean(axis=0)) / sigma < error)
    difference = (np.cov(drawn.T) - np.cov(expected.T)) / np.outer(sigma, sigma)
    assert np.all(np.abs(difference[:3, :3]) < np.sqrt(2.0) * error)
    fractions = [e / e.sum(axis=1, keepdims=True) for e in (expected, drawn)]
    sigma = fractions[0].std(axis=0)
    covariances = [np.cov(part.T) / np.outer(sigma, sigma) for part in fractions]
    assert np.all(np.abs(covariances[1] - covariances[0]) < 2.0 * np.sqrt(2.0) * error)
    empty = [np.mean(e[:, 4] == 0.0) for e in (expected, drawn)]
    assert empty[1] == pytest.approx(empty[0], abs=0.5 * error)


def test_mean_lateral_shapes_are_those_of_the_showers(showers):
    grid = fine_grid()
    expected, drawn = (
        fold(hits_to_voxels(hits, grid, center=center).energy)
        for hits, center in ((spread_showers(N_EVENTS), "hits"), (showers, "photon"))
    )
    mean, other = expected.mean(axis=0), drawn.mean(axis=0)
    variance = expected.var(axis=0) / len(expected) + drawn.var(axis=0) / len(drawn)
    used = np.count_nonzero(expected, axis=0) > 100
    assert used.sum() > 300
    pulls = (other - mean)[used] / np.sqrt(variance[used])
    assert np.mean(pulls**2) < 1.2
    assert np.abs(pulls).max() < 5.0


def test_energy_is_conserved_from_layers_to_voxels(showers):
    total = layer_energies(showers).sum(axis=1)
    voxels = hits_to_voxels(showers, fine_grid())
    np.testing.assert_allclose(voxels.total_fraction + voxels.dropped_fraction, total, rtol=1e-5)
    assert showers.energy.min() > 0.0
    assert set(showers.layer) <= set(LAYERS)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_hits_do_not_depend_on_the_batch_size(batch_size):
    photons = photons_like(20)
    whole = fitted_model().sample(photons, seed=3)
    starts = range(0, 20, batch_size)
    parts = concatenate_hits(
        [fitted_model().sample(photons[s : s + batch_size], seed=3) for s in starts]
    )
    for name in ("layer", "eta", "phi", "r", "energy", "event_offsets"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_hits_depend_on_the_seed():
    first, second = (fitted_model().sample(photons_like(5), seed=seed) for seed in (1, 2))
    assert not np.array_equal(first.energy, second.energy)


@pytest.mark.parametrize("position", [0, 1])
def test_at_a_stored_energy_it_is_that_energys_own_parametrisation(position):
    both, photons = two_energies(), photons_like(50, energy=ENERGY * 2.0**position)
    n_bins = len(fitted_model().axes)
    own = slice(position * n_bins, (position + 1) * n_bins)
    names = ("quantiles", "empty", "axes", "shapes")
    alone = replace(
        both,
        energies=both.energies[position : position + 1],
        **{name: getattr(both, name)[position : position + 1] for name in ("n_bins", "response")},
        n_showers=both.n_showers[position : position + 1],
        **{name: getattr(both, name)[own] for name in names},
    )
    hits, expected = both.sample(photons, seed=4), alone.sample(photons, seed=4)
    np.testing.assert_array_equal(hits.event_offsets, expected.event_offsets)
    np.testing.assert_array_equal(hits.eta, expected.eta)
    np.testing.assert_allclose(hits.energy, expected.energy, rtol=1e-6)


def test_between_stored_energies_both_have_the_interpolated_response():
    model, energy = two_energies(), ENERGY * 2.0**0.25
    photons = photons_like(3000, energy=energy)
    fraction = layer_energies(model.sample(photons, seed=6)).sum(axis=1)
    expected = model.response[0, 0] * (1.0 - 0.25 * 0.5)  # two points: linear in log E
    assert fraction.mean() == pytest.approx(expected, abs=4.0 * fraction.std() / np.sqrt(3000))
    numbers = np.random.default_rng(1).random(10_000)
    chosen = model._choose_energy(np.full(10_000, energy), numbers)
    assert chosen.mean() == pytest.approx(0.25, abs=4.0 * np.sqrt(0.25 * 0.75 / 10_000))


def test_the_range_is_that_of_stored_energies_and_slices():
    model = two_energies()
    assert model.energy_range == (ENERGY, 2.0 * ENERGY)
    assert model.eta_range == ETA_RANGE
    energy = np.array([ENERGY, 2 * ENERGY, ENERGY, 0.99 * ENERGY, 2.1 * ENERGY, ENERGY, ENERGY])
    eta = np.array([0.2, -0.25, -0.21, 0.21, 0.21, 0.19, np.nan])
    expected = [True, True, True, False, False, False, False]
    np.testing.assert_array_equal(model.in_range(energy, eta), expected)


def test_outside_the_range_energies_scale_with_the_photons():
    photons = draw_photons(
        np.arange(300), energy=LogUniform(256.0, 1e5), eta=SignedUniform(0.5, 1.3), seed=7
    )
    fraction = layer_energies(fitted_model().sample(photons, seed=1)).sum(axis=1)
    assert np.all((fraction > 0.5) & (fraction < 1.6))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"eta_edges": np.array([0.2, 0.25, 0.3])},
            r"`n_showers` of shape \(1, 2\), got \(1, 1\)",
        ),
        ({"response": np.full((1, 1), np.nan)}, "finite numbers in `response`"),
        ({"response": np.zeros((1, 1))}, "`response` above 0"),
        ({"eta_edges": np.array([0.25, 0.2])}, "rising `eta_edges`"),
    ],
)
def test_what_makes_no_parametrisation_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(fitted_model(), **changes)


def test_shapes_must_hold_the_layers_that_have_energy():
    model = fitted_model()
    with pytest.raises(ValueError, match="`shapes` of all layers with energy"):
        replace(model, shapes=np.zeros_like(model.shapes))
    with pytest.raises(ValueError, match="no negative number in `shapes`"):
        replace(model, shapes=-model.shapes)
