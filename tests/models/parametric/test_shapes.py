import numpy as np
import pytest

from calovox.geometry import to_polar
from calovox.models.parametric.shapes import (
    cumulative_shapes,
    draw_hit_counts,
    fine_grid,
    fold,
    half_edges,
    place_hits,
)
from calovox.photons import Fixed, SignedUniform, draw_photons
from calovox.random_streams import Stream, event_keys
from calovox.voxelization import hits_to_voxels


def test_folding_adds_voxels_at_alpha_and_minus_alpha():
    grid = fine_grid()
    edges, boundaries = half_edges()
    assert len(edges) == boundaries[-1] == grid.n_voxels // 2
    assert edges[:, 3].max() <= np.pi * (1.0 + 1e-12)
    middle = 0.5 * (grid.alpha_min + grid.alpha_max)
    cosine = np.cos(middle)[None]
    np.testing.assert_allclose(fold(cosine), 2.0 * np.cos(0.5 * (edges[:, 2] + edges[:, 3]))[None])
    np.testing.assert_allclose(fold(np.sin(middle)[None]), 0.0, atol=1e-12)
    np.testing.assert_allclose(fold(grid.r_min[None]), 2.0 * edges[:, 0][None])


def test_counts_are_those_of_poisson_with_the_layers_resolution():
    n_events = 20_000
    energy = np.tile([5.0, 1e3, 50e3, 0.0, 2e3], (n_events, 1))
    counts = draw_hit_counts(energy, np.random.default_rng(1).random((n_events, 5)))
    gev = energy[0] / 1e3
    mean = 1.0 / (0.101**2 / gev[1:3] + 0.002**2)
    tile = 1.0 / (0.564**2 / gev[4] + 0.055**2)
    for column, expected in zip((1, 2, 4), (*mean, tile), strict=True):
        sample = counts[:, column]
        assert sample.mean() == pytest.approx(expected, abs=4.0 * np.sqrt(expected / n_events))
        assert sample.var() == pytest.approx(expected, rel=4.0 * np.sqrt(2.0 / n_events))
    assert counts[:, 0].min() == 1
    assert not counts[:, 3].any()


def test_counts_are_finite_for_every_uniform_number():
    uniforms = np.array([[0.0, 2.0**-53, 0.5, 1.0 - 2.0**-53, 0.9]])
    counts = draw_hit_counts(np.full((1, 5), 2e5), uniforms)
    assert np.all((counts > 0) & (counts < 40_000))


@pytest.fixture(scope="module")
def drawn():
    """Showers drawn from an arbitrary shape, and the shape."""
    _, boundaries = half_edges()
    shapes = np.random.default_rng(2).gamma(0.5, size=(2, boundaries[-1]))
    n_events = 40
    photons = draw_photons(
        np.arange(n_events), energy=Fixed(65e3), eta=SignedUniform(0.1, 1.2), seed=3
    )
    energy = np.tile([1e3, 1e4, 5e4, 1e3, 1e3], (n_events, 1))
    counts = np.full((n_events, 5), 1000)
    bins = np.arange(n_events) % 2
    keys = event_keys(1, Stream.HITS, photons.index)
    hits = place_hits(photons, energy, counts, bins, cumulative_shapes(shapes), keys)
    return hits, shapes, energy


def test_hits_of_a_layer_share_its_energy(drawn):
    hits, _, energy = drawn
    assert np.unique(hits.energy).tolist() == [1.0, 10.0, 50.0]
    assert hits.energy.sum(dtype=float) == pytest.approx(energy.sum())


def test_hits_follow_the_shapes_and_both_signs_of_alpha(drawn):
    hits, shapes, _ = drawn
    _, boundaries = half_edges()
    fractions = hits_to_voxels(hits, fine_grid(), center="photon").energy * 65e3
    for b in range(2):
        voxels = fold(fractions)[b::2].sum(axis=0)
        for start, stop, unit in zip(
            boundaries[:-1], boundaries[1:], (1.0, 10.0, 50.0, 1.0, 1.0), strict=True
        ):
            expected = shapes[b, start:stop] / shapes[b, start:stop].sum() * 20_000
            observed = voxels[start:stop] / unit
            used = expected > 5.0
            chi2 = ((observed - expected)[used] ** 2 / expected[used]).mean()
            assert chi2 == pytest.approx(1.0, abs=5.0 * np.sqrt(2.0 / used.sum()))
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    photons = hits.photons
    _, alpha = to_polar(hits.eta, hits.phi, photons.eta[event], photons.phi[event], hits.r)
    above = np.mean(alpha < np.pi)
    assert above == pytest.approx(0.5, abs=4.0 * 0.5 / np.sqrt(hits.n_hits))


def test_hits_are_independent(drawn):
    hits, shapes, _ = drawn
    _, boundaries = half_edges()
    layer = slice(boundaries[1], boundaries[2])
    fractions = fold(hits_to_voxels(hits, fine_grid(), center="photon").energy) * 65e3 / 10.0
    counts = fractions[::2, layer][:, :150].sum(axis=1)
    p = shapes[0, layer][:150].sum() / shapes[0, layer].sum()
    n_showers = len(counts)
    expected = 1000 * p * (1.0 - p)
    assert counts.var(ddof=1) == pytest.approx(expected, rel=4.0 * np.sqrt(2.0 / n_showers))
