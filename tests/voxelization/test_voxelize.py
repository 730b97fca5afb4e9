import dataclasses
from typing import Literal

import numpy as np
import pytest

from calovox.arrays import Array, Float64
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.geometry.coordinates import wrap_phi
from calovox.hits import Hits
from calovox.photons import Photons
from calovox.voxelization import (
    VoxelGrid,
    Voxels,
    concatenate_voxels,
    hits_to_voxels,
    shower_centers,
)
from tests.reference.voxelize import slow_center, slow_voxels
from tests.toy_showers import toy_showers
from tests.voxelization.test_grid import shuffled

GRIDS = [VoxelGrid.optimal(), VoxelGrid.regular(), shuffled(VoxelGrid.optimal())]


def hit_sums(hits: Hits) -> Float64[Array, " event"]:
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    return np.bincount(event, hits.energy, len(hits)) / hits.photons.energy


def doubles(hits: Hits) -> Hits:
    """The same hits in double precision, so that symmetries hold to rounding."""
    columns = {name: getattr(hits, name).astype(np.float64) for name in ("eta", "phi", "energy")}
    return dataclasses.replace(hits, **columns)


def with_negative_hits(hits: Hits, seed: int = 3) -> Hits:
    """A tenth of the hits, and all of one layer of one event, become negative."""
    energy = hits.energy.copy()
    rng = np.random.default_rng(seed)
    energy[rng.random(len(energy)) < 0.1] *= -0.5
    first = slice(0, hits.event_offsets[1])
    energy[first] = np.where(hits.layer[first] == 3, -np.abs(energy[first]), energy[first])
    return dataclasses.replace(hits, energy=energy)


@pytest.mark.parametrize("grid", GRIDS, ids=repr)
@pytest.mark.parametrize("center", ["hits", "photon"])
def test_voxels_agree_with_the_slow_twin(
    grid: VoxelGrid, center: Literal["hits", "photon"]
) -> None:
    hits = with_negative_hits(toy_showers(4, n_hits=150))
    voxels = hits_to_voxels(hits, grid, center=center)
    energy, dropped = slow_voxels(hits, grid, center)
    np.testing.assert_allclose(voxels.energy, energy, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(voxels.dropped_fraction, dropped, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS, ids=repr)
def test_energy_is_conserved_with_what_is_dropped(grid: VoxelGrid) -> None:
    hits = with_negative_hits(toy_showers(20, n_hits=500))
    far = np.arange(hits.n_hits) % 50 == 0
    hits = dataclasses.replace(
        hits, eta=np.where(far, hits.eta + 1.0, hits.eta).astype(np.float32)
    )
    voxels = hits_to_voxels(hits, grid, center="photon")
    assert np.all(voxels.energy >= 0)
    assert np.any(voxels.dropped_fraction > 1e-3)
    total = voxels.total_fraction + voxels.dropped_fraction
    np.testing.assert_allclose(total, hit_sums(hits), rtol=1e-6)


def test_negative_voxels_leave_the_layer_energy_unchanged() -> None:
    hits = with_negative_hits(toy_showers(20, n_hits=500))
    voxels = hits_to_voxels(hits, VoxelGrid.optimal())
    event = np.repeat(np.arange(20), np.diff(hits.event_offsets))
    assert not np.any(voxels.dropped_fraction[1:])
    assert voxels.dropped_fraction[0] < 0
    for position, layer in enumerate(BARREL_NUMBERS):
        expected = np.bincount(event, hits.energy * (hits.layer == layer), 20)
        expected = np.maximum(expected, 0) / hits.photons.energy
        np.testing.assert_allclose(voxels.layer_energy[:, position], expected, rtol=1e-6)


@pytest.mark.parametrize("offset", [0.1, 2.0, np.pi, -3.0])
def test_rotating_all_hits_changes_no_voxel(offset: float) -> None:
    hits = doubles(toy_showers(10, n_hits=300))
    turned = dataclasses.replace(
        hits,
        phi=wrap_phi(hits.phi + offset),
        photons=dataclasses.replace(hits.photons, phi=wrap_phi(hits.photons.phi + offset)),
    )
    before, after = (hits_to_voxels(h, VoxelGrid.optimal()) for h in (hits, turned))
    np.testing.assert_allclose(after.energy, before.energy, atol=1e-7)
    np.testing.assert_allclose(
        wrap_phi(after.phi_center - before.phi_center - offset), 0, atol=1e-9
    )


def test_mirroring_in_eta_changes_no_voxel() -> None:
    # the note mirrors eta of a shower at negative eta: alpha = 0 always points to larger |eta|
    hits = toy_showers(10, n_hits=300)
    mirrored = dataclasses.replace(
        hits, eta=-hits.eta, photons=dataclasses.replace(hits.photons, eta=-hits.photons.eta)
    )
    before, after = (hits_to_voxels(h, VoxelGrid.optimal()) for h in (hits, mirrored))
    np.testing.assert_array_equal(after.energy, before.energy)
    np.testing.assert_array_equal(after.eta_center, -before.eta_center)


def test_mirroring_in_phi_mirrors_alpha() -> None:
    hits = doubles(toy_showers(10, n_hits=300))
    mirrored = dataclasses.replace(
        hits, phi=-hits.phi, photons=dataclasses.replace(hits.photons, phi=-hits.photons.phi)
    )
    grid = VoxelGrid.optimal()
    before, after = (hits_to_voxels(h, grid) for h in (hits, mirrored))
    opposite = 2 * np.pi - (grid.alpha_min + grid.alpha_max) / 2
    partner = grid.find(grid.layer, (grid.r_min + grid.r_max) / 2, opposite)
    np.testing.assert_allclose(after.energy[:, partner], before.energy, atol=1e-7)


def test_alpha_points_to_larger_eta_and_then_to_larger_phi() -> None:
    grid = VoxelGrid.optimal()
    photons = Photons(
        energy=np.full(4, 1e3), eta=np.full(4, -0.4), phi=np.full(4, 3.14), index=np.arange(4)
    )
    away = 8.0 / 1500.0
    hits = Hits(
        layer=np.ones(4, dtype=np.uint8),
        eta=-0.4 + away * np.array([-1.0, 0.0, 1.0, 0.0]),
        phi=wrap_phi(3.14 + away * np.array([0.0, 1.0, 0.0, -1.0])),
        r=np.full(4, 1500.0),
        energy=np.full(4, 1e3),
        event_offsets=np.arange(5),
        photons=photons,
    )
    voxels = hits_to_voxels(hits, grid, center="photon")
    found = np.argmax(voxels.energy, axis=1)
    directions = np.arange(4) * np.pi / 2
    # the first lies on the edge between the last bin and the first: rounding decides
    assert grid.alpha_min[found[0]] == 0 or np.isclose(grid.alpha_max[found[0]], 2 * np.pi)
    assert np.all(grid.alpha_min[found[1:]] <= directions[1:] + 1e-9)
    assert np.all(directions[1:] - 1e-9 <= grid.alpha_max[found[1:]])
    assert np.all((grid.r_min[found] < 8) & (grid.r_max[found] > 8))


def test_the_shower_centre_is_the_energy_weighted_mean_across_pi() -> None:
    hits = toy_showers(12, n_hits=100)
    centers = shower_centers(hits)
    expected = np.array([slow_center(hits, event) for event in range(12)])
    np.testing.assert_allclose(centers[0], expected[:, 0], rtol=1e-9)
    np.testing.assert_allclose(wrap_phi(centers[1] - expected[:, 1]), 0, atol=1e-9)
    assert np.all((centers[1] >= -np.pi) & (centers[1] < np.pi))
    assert np.max(np.abs(wrap_phi(centers[1] - hits.photons.phi))) < 0.01


def test_events_without_positive_energy_are_centred_on_the_photon() -> None:
    hits = toy_showers(3, n_hits=50)
    offsets = hits.event_offsets
    energy = hits.energy.copy()
    energy[: offsets[1]] *= -1
    hits = dataclasses.replace(hits, energy=energy)
    eta, _ = shower_centers(hits)
    assert eta[0] == hits.photons.eta[0] != eta[1]
    voxels = hits_to_voxels(hits, VoxelGrid.optimal())
    assert not np.any(voxels.energy[0])
    np.testing.assert_allclose(voxels.dropped_fraction[0], hit_sums(hits)[0])
    empty = dataclasses.replace(
        hits[:1],
        **{name: getattr(hits, name)[:0] for name in ("layer", "eta", "phi", "r", "energy")},
        event_offsets=np.zeros(2, dtype=np.int64),
    )
    assert hits_to_voxels(empty, VoxelGrid.optimal()).total_fraction.tolist() == [0.0]


def test_an_unknown_centre_is_refused() -> None:
    with pytest.raises(Exception, match="center"):
        hits_to_voxels(toy_showers(1, n_hits=20), VoxelGrid.optimal(), center="truth")


def test_voxels_slice_and_join() -> None:
    voxels = hits_to_voxels(toy_showers(6, n_hits=100), VoxelGrid.optimal())
    parts = [voxels[:2], voxels[np.array([2, 3])], voxels[4:]]
    joined = concatenate_voxels(parts)
    for field in dataclasses.fields(Voxels)[1:]:
        np.testing.assert_array_equal(getattr(joined, field.name), getattr(voxels, field.name))
    bare = dataclasses.replace(voxels, phi_center=None)
    assert concatenate_voxels([voxels, bare]).phi_center is None
    other = hits_to_voxels(toy_showers(1, n_hits=100), VoxelGrid.regular())
    with pytest.raises(ValueError, match="same grid"):
        concatenate_voxels([voxels, other])


def test_voxels_refuse_wrong_columns() -> None:
    voxels = hits_to_voxels(toy_showers(3, n_hits=50), VoxelGrid.optimal())
    with pytest.raises(ValueError, match=r"expected `energy` of shape \(3, 1680\)"):
        dataclasses.replace(voxels, grid=VoxelGrid.regular())
    with pytest.raises(ValueError, match=r"above 0, got -1\.0 in event 1"):
        dataclasses.replace(voxels, incident_energy=np.array([1.0, -1.0, 1.0]))


def test_energies_that_cancel_are_refused(toy_hits):
    first = slice(0, toy_hits.event_offsets[1])
    eta, energy = toy_hits.eta[first].astype("f8"), toy_hits.energy.copy()
    energy[first] = np.where(eta > np.median(eta), 1.0, -1.0)
    energy[0] += 1e-3 - energy[first].sum(dtype="f8")
    with pytest.raises(ValueError, match=r"hits: the energies of event 0 cancel: .* eta = "):
        shower_centers(dataclasses.replace(toy_hits, energy=energy))
