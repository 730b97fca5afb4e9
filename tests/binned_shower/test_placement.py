from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from calovox.binned_shower import (
    HitEnergy,
    SubVoxelProbabilities,
    average_sub_voxels,
    voxels_to_hits,
)
from calovox.geometry import layer_radius, to_polar
from calovox.geometry.barrel import atlas_barrel
from calovox.voxelization import VoxelGrid, hits_to_voxels
from calovox.voxelization.reflection import mirrored_voxels
from tests.binned_shower.showers import GRID, random_probabilities, toy_voxels
from tests.reference.placement import hit_count, hit_energy_of, voxels_to_hits_twin

COLUMNS = ("layer", "eta", "phi", "r", "energy")


def events_of(hits):
    return np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))


def polar(hits, voxels):
    """Coordinates of hits around the centres that the voxels had."""
    event = events_of(hits)
    return to_polar(hits.eta, hits.phi, voxels.eta_center[event], voxels.phi_center[event], hits.r)


def voxelized_again(voxels, probabilities, *, seed=1):
    """Place hits, and sum them in voxels around the very same centres."""
    bare = replace(voxels, photon_eta=None, photon_phi=None)  # photons point to the centres
    return hits_to_voxels(
        voxels_to_hits(bare, probabilities, seed=seed), voxels.grid, center="photon"
    )


def hits_of_one_voxel(layer, probabilities, *, fraction_events=200):
    """Positions across one voxel, (alpha, r) in [0, 2], of very many hits."""
    voxel = GRID.layer_slice(layer).start + 21
    energy = np.zeros((fraction_events, GRID.n_voxels), dtype=np.float32)
    energy[:, voxel] = 1.0
    one = toy_voxels(fraction_events)
    hits = voxels_to_hits(replace(one, energy=energy), probabilities, seed=3)
    assert hits.n_hits == 100 * fraction_events
    r, alpha = polar(hits, one)
    r = 2 * (r - GRID.r_min[voxel]) / (GRID.r_max[voxel] - GRID.r_min[voxel])
    width = GRID.alpha_max[voxel] - GRID.alpha_min[voxel]
    return 2 * (alpha - GRID.alpha_min[voxel]) / width, r


def only(quarters):
    return SubVoxelProbabilities(
        GRID, np.array([1e3]), np.broadcast_to(quarters, (1, GRID.n_voxels, 4)).copy()
    )


@pytest.mark.parametrize("grid", [GRID, VoxelGrid.regular()], ids=["optimal", "regular"])
def test_every_hit_lies_in_its_voxel(grid):
    voxels = toy_voxels(12, grid=grid)
    again = voxelized_again(voxels, random_probabilities(grid))
    np.testing.assert_allclose(again.energy, voxels.energy, rtol=1e-5)
    assert np.all(again.dropped_fraction == 0)


def test_hits_forced_to_all_edges_lie_in_their_voxel():
    voxels = replace(toy_voxels(20), energy=np.full((20, GRID.n_voxels), 1 / 382, np.float32))
    for corner in range(4):  # all in one quarter: the steepest density that EMB2 can have
        quarters = np.full(4, 0.0)
        quarters[corner] = 1.0
        again = voxelized_again(voxels, only(quarters), seed=corner)
        np.testing.assert_allclose(again.energy, voxels.energy, rtol=1e-5)


def test_energy_of_each_event_is_conserved():
    voxels = toy_voxels(12)
    hits = voxels_to_hits(voxels, None, seed=1)
    sums = np.bincount(events_of(hits), np.float64(hits.energy))
    expected = np.sum(voxels.energy, axis=1, dtype=np.float64) * voxels.incident_energy
    np.testing.assert_allclose(sums, expected, rtol=1e-6)


def test_kernel_is_the_slow_twin():
    voxels, table = toy_voxels(4), random_probabilities()
    hits = voxels_to_hits(voxels, table, seed=11)
    twin = np.array(voxels_to_hits_twin(voxels, table, 11))
    np.testing.assert_array_equal(events_of(hits), twin[:, 0])
    for position, name in enumerate(COLUMNS, start=1):
        got = np.float64(getattr(hits, name))
        np.testing.assert_allclose(got, twin[:, position], rtol=1e-6, atol=3e-7, err_msg=name)


@pytest.mark.parametrize("eta", [0.2, 0.75, -0.78, 0.8, 0.81])
def test_number_of_hits_is_that_of_the_note(eta):
    energies = np.array([0.0, 1e-3, 3.9, 4.0, 5.9, 6.0, 7.99, 8.0, 399.9, 400.0, 1e4])
    voxels = toy_voxels(2)[1:]
    energy = np.zeros((1, GRID.n_voxels), dtype=np.float32)
    energy[0, :: GRID.n_voxels // 10][: len(energies)] = energies / 65536.0
    voxels = replace(
        voxels, energy=energy, eta_center=np.array([eta]), incident_energy=np.array([65536.0])
    )
    hits = voxels_to_hits(voxels, None, seed=1)
    given = np.float64(energy[0]) * 65536.0
    expected = [hit_count(value, hit_energy_of(eta)) for value in given]
    shares = np.repeat(given / np.maximum(expected, 1), expected)
    np.testing.assert_allclose(hits.energy, shares, rtol=1e-6)


def test_hit_energy_is_a_parameter():
    voxels = toy_voxels(3)
    few = voxels_to_hits(voxels, None, seed=1, hit_energy=HitEnergy(default=50.0, transition=50.0))
    many = voxels_to_hits(voxels, None, seed=1, hit_energy=HitEnergy(default=0.1, transition=0.1))
    assert few.n_hits < many.n_hits <= 100 * np.count_nonzero(voxels.energy)
    with pytest.raises(ValueError, match="`default` must be above 0, got 0"):
        HitEnergy(default=0.0)


def test_events_do_not_depend_on_their_batch():
    voxels, table = toy_voxels(6), random_probabilities()
    whole = voxels_to_hits(voxels, table, seed=7)
    part = voxels_to_hits(voxels[np.array([5, 2])], table, seed=7)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(part[0:1], name), getattr(whole[5:6], name))
        np.testing.assert_array_equal(getattr(part[1:2], name), getattr(whole[2:3], name))
    other = voxels_to_hits(voxels, table, seed=8)
    assert not np.array_equal(other.eta, whole.eta)


@pytest.mark.parametrize("layer", [0, 1, 2, 3, 12])
def test_quarters_are_filled_with_their_probabilities(layer):
    quarters = np.array([0.4, 0.2, 0.25, 0.15])
    alpha, r = hits_of_one_voxel(layer, only(quarters))
    found = np.bincount(2 * (r > 1) + (alpha > 1), minlength=4) / len(r)
    sigma = np.sqrt(quarters * (1 - quarters) / len(r))
    assert np.all(np.abs(found - quarters) < 5 * sigma)


def test_averages_of_placed_hits_are_the_probabilities():
    n_events = 60
    voxels = replace(
        toy_voxels(n_events),
        energy=np.full((n_events, GRID.n_voxels), 1 / 382, np.float32),
        incident_energy=np.full(n_events, 2.0**20),
        photon_eta=None,
        photon_phi=None,
    )
    shares = random_probabilities(energies=(2.0**20,)).probabilities
    # averages are alike on both sides in phi
    mirror = mirrored_voxels(GRID)
    first = (np.arange(GRID.n_voxels) < mirror)[None, :, None]
    shares = np.where(first, shares, shares[:, mirror][:, :, [1, 0, 3, 2]])
    table = SubVoxelProbabilities(GRID, np.array([2.0**20]), shares)
    hits = voxels_to_hits(voxels, table, seed=2)
    found = average_sub_voxels([hits], GRID, center="photon").probabilities[0]
    expected = table.probabilities[0]
    sigma = np.sqrt(expected * (1 - expected) / (100 * n_events))
    inner = expected[:, :2] / (expected[:, :2] + expected[:, 2:])  # alpha low, alpha high
    linear = (GRID.layer == 2) & np.any((inner < 0.25) | (inner > 0.75), axis=1)
    assert np.count_nonzero(linear) > 20
    assert np.all(np.abs(found - expected)[~linear] < 5 * sigma[~linear])


def test_radial_density_is_linear_in_emb2_and_stepped_elsewhere():
    low = np.array([0.2, 0.48, 0.3, 0.02])  # inner halves: 40 % and 96 %, clipped to 75 %
    for layer, inner in ((2, 0.75), (1, 0.96)):
        alpha, r = hits_of_one_voxel(layer, only(low))
        for half, p in ((r[alpha < 1], 0.4), (r[alpha > 1], inner)):
            if layer == 2:
                cumulative = stats.kstest(
                    half, lambda x, p=p: (2 * p - 0.5) * x + (1 - 2 * p) * x**2 / 2
                )
            else:
                cumulative = stats.kstest(half, lambda x, p=p: np.interp(x, [0, 1, 2], [0, p, 1]))
            assert cumulative.pvalue > 1e-3


def test_positions_are_uniform_in_r_and_alpha_without_probabilities():
    for layer in (2, 3):
        for coordinate in hits_of_one_voxel(layer, None):
            assert stats.kstest(coordinate, lambda x: x / 2).pvalue > 1e-3


def test_mirrored_and_rotated_showers_give_mirrored_and_rotated_hits():
    voxels = replace(toy_voxels(3), phi_center=np.array([0.1, 0.2, 0.3]))
    hits = voxels_to_hits(voxels, None, seed=1)
    turned = replace(voxels, eta_center=-voxels.eta_center, phi_center=voxels.phi_center + 1.0)
    other = voxels_to_hits(turned, None, seed=1)
    np.testing.assert_allclose(other.eta, -hits.eta, atol=1e-6)
    np.testing.assert_allclose(np.mod(other.phi - hits.phi - 1.0 + 3, 6.283185), 3, atol=2e-6)


def test_hits_are_at_the_radii_of_their_layers():
    voxels = toy_voxels(5)
    hits = voxels_to_hits(voxels, None, seed=1)
    for layer in np.unique(hits.layer):
        rows = hits.layer == layer
        radii = layer_radius(int(layer), voxels.eta_center[events_of(hits)[rows]])
        np.testing.assert_allclose(hits.r[rows], radii, rtol=1e-7)
    assert set(atlas_barrel().positions(hits.layer)) == {0, 1, 2, 3, 4}


def test_photons_are_those_of_the_voxels():
    voxels = toy_voxels(3)
    photons = voxels_to_hits(voxels, None, seed=1).photons
    np.testing.assert_array_equal(photons.eta, voxels.photon_eta)
    np.testing.assert_array_equal(photons.energy, voxels.incident_energy)
    bare = replace(voxels, photon_eta=None, photon_phi=None)
    photons = voxels_to_hits(bare, None, seed=1).photons
    np.testing.assert_array_equal(photons.phi, voxels.phi_center)


def test_empty_showers_and_no_showers_give_no_hits():
    voxels = toy_voxels(2)
    empty = voxels_to_hits(replace(voxels, energy=np.zeros_like(voxels.energy)), None, seed=1)
    assert (len(empty), empty.n_hits) == (2, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"phi_center": None}, "`phi_center` is needed"), ({"index": None}, "`index` is needed")],
)
def test_incomplete_voxels_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        voxels_to_hits(replace(toy_voxels(2), **change), None, seed=1)


@pytest.mark.parametrize("value", [-1e-9, np.nan, np.inf])
def test_energies_that_cannot_be_placed_are_refused(value):
    voxels = toy_voxels(3)
    voxels.energy[1, 7] = value
    with pytest.raises(ValueError, match=r"finite and not negative, got .* in event 1, voxel 7"):
        voxels_to_hits(voxels, None, seed=1)


def test_probabilities_of_another_grid_are_refused():
    with pytest.raises(ValueError, match="expected those of the voxels' grid"):
        voxels_to_hits(toy_voxels(2), random_probabilities(VoxelGrid.regular()), seed=1)
