import dataclasses
from pathlib import Path

import numpy as np
import pytest

from calovox.voxelization import Ring, VoxelGrid, hits_to_voxels
from calovox.voxelization.reflection import mirrored_voxels
from tests.toy_showers import toy_photons, toy_showers

GRIDS = {
    "optimal": VoxelGrid.optimal(),
    "regular": VoxelGrid.regular(),
    "coarse": VoxelGrid.from_toml(Path(__file__).parents[2] / "grids" / "coarse.toml"),
    "odd": VoxelGrid({layer: (Ring(0.0, 90.0, 30.0, 5),) for layer in (0, 1, 2, 3, 12)}),
}
GRIDS["shuffled"] = dataclasses.replace(
    GRIDS["odd"], places=np.arange(75).reshape(5, 15)[:, ::-1].ravel()
)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_reflecting_twice_changes_nothing(grid: VoxelGrid) -> None:
    mirror = mirrored_voxels(grid)
    np.testing.assert_array_equal(mirror[mirror], np.arange(grid.n_voxels))
    np.testing.assert_array_equal(grid.layer[mirror], grid.layer)
    np.testing.assert_array_equal(grid.r_max[mirror], grid.r_max)
    np.testing.assert_allclose(grid.alpha_max[mirror], 2.0 * np.pi - grid.alpha_min)


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_reflected_hits_are_in_reflected_voxels(grid: VoxelGrid) -> None:
    photons = toy_photons(10)
    photons = dataclasses.replace(photons, phi=np.zeros(10))
    hits = toy_showers(10, photons=photons)
    voxels = hits_to_voxels(hits, grid)
    reflected = hits_to_voxels(dataclasses.replace(hits, phi=-hits.phi), grid)
    expected = voxels.energy[:, mirrored_voxels(grid)]
    # rounding of alpha may move single hits over an edge
    moved = np.abs(reflected.energy - expected).sum(axis=1)
    assert moved.max() < 0.01
    assert np.abs(expected - voxels.energy).sum(axis=1).min() > 0.1
    np.testing.assert_allclose(reflected.layer_energy, voxels.layer_energy, rtol=1e-5)
