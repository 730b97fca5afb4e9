from dataclasses import replace

import numpy as np
import pytest

from calovox.geometry.barrel import BARREL_NUMBERS, atlas_barrel
from calovox.hits import concatenate_hits
from calovox.models.parametric.energies import principal_bins
from calovox.models.parametric.fit import MAX_BINS
from calovox.models.parametric.model import N_VARIABLES
from calovox.models.parametric.shapes import fine_grid, fold, half_edges
from calovox.photons import Fixed, LogUniform, SignedUniform, draw_photons
from calovox.random_streams import Stream, event_keys, event_uniforms
from calovox.voxelization import hits_to_voxels
from tests.models.toy_parametric import ENERGY, ETA_RANGE, fitted_model, spread_showers

N_EVENTS = 1500
N_BINS = MAX_BINS


def photons_like(n_events, *, energy=ENERGY, seed=5):
    return draw_photons(
        np.arange(n_events), energy=Fixed(energy), eta=SignedUniform(0.205, 0.245), seed=seed
    )


def layer_energies(hits):
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    rows = 5 * event + atlas_barrel().positions(hits.layer)
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


def bins_of_showers():
    """Bin of the first PCA of each shower that was fitted."""
    hits = spread_showers(N_EVENTS)
    energy = layer_energies(hits)
    total = energy.sum(axis=1, keepdims=True)
    ties = event_uniforms(event_keys(0, Stream.TIES, hits.photons.index), N_VARIABLES)
    return principal_bins(np.hstack([total, energy / total]), ties, N_BINS)


def drawn_bins(showers, seed=1):
    """Bin of each shower that was drawn."""
    keys = event_keys(seed, Stream.MODEL, showers.photons.index)
    numbers = event_uniforms(keys, 2 + N_VARIABLES + len(BARREL_NUMBERS))
    return fitted_model()._draw_energies(showers.photons, numbers)[0]


def moments(values):
    """Means and covariances of variables, and the squares of their statistical errors."""
    deviation = values - values.mean(axis=0)
    products = deviation[:, :, None] * deviation[:, None, :]
    all_values = np.hstack([values, products.reshape(len(values), -1)])
    return all_values.mean(axis=0), all_values.var(axis=0) / len(values)


def voxels_of(hits, center):
    """Voxels, alpha and -alpha together, as fractions of the kinetic energy."""
    return fold(hits_to_voxels(hits, fine_grid(), center=center).energy)


@pytest.mark.parametrize("b", [None, *range(N_BINS)])
def test_fractions_of_layers_have_the_mean_and_the_covariance_of_the_showers(showers, b):
    found = []
    for hits, bins in (
        (spread_showers(N_EVENTS), bins_of_showers()),
        (showers, drawn_bins(showers)),
    ):
        energy = layer_energies(hits)[slice(None) if b is None else bins == b]
        total = energy.sum(axis=1, keepdims=True)
        found.append(moments(np.hstack([total, energy / total])))
    (expected, variance), (drawn, drawn_variance) = found
    pulls = (drawn - expected) / np.sqrt(variance + drawn_variance)
    assert len(pulls) == 6 + 36
    assert np.abs(pulls).max() < 3.0  # sigma
    empty = [np.mean(layer_energies(h)[:, 4] == 0.0) for h in (spread_showers(N_EVENTS), showers)]
    error = np.sqrt(0.25 / N_EVENTS + 0.25 / len(showers))
    assert empty[1] == pytest.approx(empty[0], abs=3.0 * error)


def test_bins_of_the_first_component_are_drawn_with_the_same_probability(showers):
    counts = np.bincount(drawn_bins(showers), minlength=N_BINS)
    expected = len(showers) / N_BINS
    assert np.abs(counts - expected).max() < 4.0 * np.sqrt(expected * (1.0 - 1.0 / N_BINS))


@pytest.fixture(scope="module")
def shapes(showers):
    """For each bin, the energy of its showers in the voxels, and hits that were drawn with it."""
    ones = replace(showers, energy=np.ones_like(showers.energy))
    counts = np.rint(voxels_of(ones, "photon") * showers.photons.energy[:, None])
    energy, bins, drawn = (
        voxels_of(spread_showers(N_EVENTS), "hits"),
        bins_of_showers(),
        drawn_bins(showers),
    )
    return [(energy[bins == b].sum(axis=0), counts[drawn == b].sum(axis=0)) for b in range(N_BINS)]


def excess_of_hits(energy, counts):
    """chi2 of hits that are drawn independently, with the probability of the energy, in sigma."""
    expected = energy / energy.sum() * counts.sum()
    few = expected < 10.0
    expected, counts = (np.append(n[~few], n[few].sum()) for n in (expected, counts))
    used = expected >= 10.0
    chi2, ndf = np.sum((counts - expected)[used] ** 2 / expected[used]), used.sum() - 1
    return (chi2 - ndf) / np.sqrt(2.0 * ndf)


@pytest.mark.parametrize("position", range(len(BARREL_NUMBERS)))
def test_lateral_shapes_are_those_of_the_showers_of_each_bin(shapes, position):
    voxels = slice(*half_edges()[1][position : position + 2])
    for b, (energy, counts) in enumerate(shapes):
        assert abs(excess_of_hits(energy[voxels], counts[voxels])) < 4.0  # sigma
        others = (shapes[other][0] for other in range(N_BINS) if other != b)
        mixed_up = [excess_of_hits(other[voxels], counts[voxels]) for other in others]
        assert min(mixed_up) > 10.0


def test_energy_is_conserved_from_layers_to_voxels(showers):
    total = layer_energies(showers).sum(axis=1)
    voxels = hits_to_voxels(showers, fine_grid())
    np.testing.assert_allclose(voxels.total_fraction + voxels.dropped_fraction, total, rtol=1e-5)
    assert showers.energy.min() > 0.0
    assert set(showers.layer) <= set(BARREL_NUMBERS)


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
        ({"eta_edges": np.array([np.inf, np.inf])}, "rising `eta_edges`"),
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
