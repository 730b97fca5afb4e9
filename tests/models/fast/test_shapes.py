"""Voxels for given layers: a plain twin, sums, and what cannot be."""

import numpy as np
import pytest
import torch
from torch import Tensor

from calovox.models.fast.shapes import FastShapes
from calovox.voxelization import VoxelGrid
from tests.models.fast.toy_fast import GRIDS, normals, photons, sums, toy_fast
from tests.reference.fast import numbers, voxels_of_layers


@pytest.fixture(params=GRIDS)
def grid(request: pytest.FixtureRequest) -> VoxelGrid:
    return GRIDS[request.param]


def inputs(
    grid: VoxelGrid, n_events: int, *, spread: float = 1.0, gain: float = 2.0
) -> tuple[FastShapes, Tensor, Tensor, Tensor, Tensor]:
    model = toy_fast(grid, gain=gain)
    energy, eta = photons(n_events)
    shares = torch.softmax(2.0 * normals(n_events, len(grid.layer_sizes)), dim=1)
    noise = spread * normals(n_events, grid.n_voxels, seed=5)
    return model.shapes, model.photons(energy, eta), shares, shares * energy, noise


@torch.no_grad()
def test_voxels_are_those_of_a_plain_loop(grid: VoxelGrid) -> None:
    shapes, *given = inputs(grid, 30)
    found = shapes(*given)
    assert found.count_nonzero() < found.numel()
    for k in range(30):
        expected = voxels_of_layers(shapes, *(numbers(x[k]) for x in given))
        np.testing.assert_allclose(found[k], expected, rtol=1e-3, atol=1e-5 * expected.sum())


@torch.no_grad()
@pytest.mark.parametrize("spread", [1.0, 30.0, 1e4])
@pytest.mark.parametrize("gain", [1.0, 20.0])
def test_voxels_add_up_to_their_layers(grid: VoxelGrid, spread: float, gain: float) -> None:
    shapes, *given = inputs(grid, 1000, spread=spread, gain=gain)
    found = shapes(*given)
    assert ((found >= 0.0) & found.isfinite()).all()
    torch.testing.assert_close(sums(found, grid), given[2], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_first_voxel_holds_a_layer_whose_voxels_are_all_empty(grid: VoxelGrid) -> None:
    shapes, *given = inputs(grid, 50)
    _, _, *threshold = torch.split(shapes.for_shower.bias, shapes.sizes)
    threshold[0].fill_(1e6)
    found = shapes(*given)
    first = [0, *np.cumsum(grid.layer_sizes)[:-1]]
    torch.testing.assert_close(found[:, first], given[2])
    assert found.count_nonzero() == given[2].count_nonzero()


@torch.no_grad()
def test_a_layer_without_energy_has_no_voxels(grid: VoxelGrid) -> None:
    shapes, features, shares, energy, noise = inputs(grid, 50)
    shares[:, 1], energy[:, 1] = 0.0, 0.0
    found = sums(shapes(features, shares, energy, noise), grid)
    assert not found[:, 1].any()
    torch.testing.assert_close(found, energy, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_energy_centre_goes_where_the_noise_says() -> None:
    grid = GRIDS["barrel"]
    shapes, features, shares, energy, noise = inputs(grid, 400)
    centre = torch.split(shapes.for_shower.bias, shapes.sizes)[-1]
    shapes.for_shower.weight[-2:] = 0.0

    def distances(strength: float) -> float:
        centre.copy_(torch.tensor([0.5, strength]))
        voxels = shapes(features, shares, energy, noise)
        found = voxels @ shapes.positions / energy.sum(1, keepdim=True)
        return float((found - 0.5 * noise @ shapes.directions).norm(dim=1).median())

    assert distances(0.01) < 0.8 * distances(0.0)


@torch.no_grad()
def test_voxels_fluctuate_on_their_own() -> None:
    """Two voxels of one shower share what the network adds, and hardly anything else."""
    shapes, *given = inputs(GRIDS["barrel"], 2000, gain=1.0)
    same = [x[:1].expand(2000, -1) for x in given[:3]]
    y = shapes.scores(shapes.voxel_parameters(*same), given[3])
    correlation = np.corrcoef(torch.cat([y, given[3]], dim=1).T)[:30, 30:]
    assert np.diag(correlation).min() > 0.9
    assert np.abs(correlation - np.diag(np.diag(correlation))).max() < 0.3
