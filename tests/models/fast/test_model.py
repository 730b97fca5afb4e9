"""CaloFast as a sampler of whole showers."""

import pytest
import torch

from calovox.models.base import Conditions, Sampler
from calovox.voxelization import VoxelGrid
from tests.models.fast.toy_fast import GRIDS, normals, photons, sums, toy_fast


@pytest.fixture(params=GRIDS)
def grid(request: pytest.FixtureRequest) -> VoxelGrid:
    return GRIDS[request.param]


def test_model_keeps_the_contract_of_sampling(grid: VoxelGrid) -> None:
    model = toy_fast(grid)
    assert isinstance(model, Sampler)
    assert model.noise_parts == (len(grid.layer_sizes), grid.n_voxels)
    assert model.noise_shape == (sum(model.noise_parts),)
    assert model.layer_sizes == grid.layer_sizes
    assert repr(model).startswith(f"CaloFast({grid.n_voxels} voxels, ")


@torch.no_grad()
def test_voxels_add_up_to_layers_and_to_all(grid: VoxelGrid) -> None:
    model = toy_fast(grid)
    energy, eta = photons(500)
    noise = torch.split(normals(500, *model.noise_shape), list(model.noise_parts), dim=1)
    voxels = model(energy, eta, *noise)
    visible, shares = model.energies(model.photons(energy, eta), energy, noise[0])
    layers = shares * visible * energy
    torch.testing.assert_close(sums(voxels, grid), layers, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(voxels.sum(1, keepdim=True), visible * energy, rtol=1e-4, atol=0.0)
    found = model.sample(Conditions(energy[:, 0], eta[:, 0]), torch.cat(noise, dim=1))
    torch.testing.assert_close(found * energy, voxels)


@torch.no_grad()
def test_the_sign_of_eta_does_not_matter(grid: VoxelGrid) -> None:
    model = toy_fast(grid)
    energy, eta = (x[:, 0] for x in photons(20))
    noise = normals(20, *model.noise_shape)
    one, other = (model.sample(Conditions(energy, sign * eta), noise) for sign in (1.0, -1.0))
    assert torch.equal(one, other)


@torch.no_grad()
def test_an_event_does_not_depend_on_its_batch(grid: VoxelGrid) -> None:
    model = toy_fast(grid).double()
    energy, eta = (x[:, 0].double() for x in photons(40))
    noise = normals(40, *model.noise_shape).double()
    together = model.sample(Conditions(energy, eta), noise)
    for size in (1, 3, 16):
        parts = [
            model.sample(Conditions(energy[k : k + size], eta[k : k + size]), noise[k : k + size])
            for k in range(0, 40, size)
        ]
        torch.testing.assert_close(torch.cat(parts), together, rtol=1e-9, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_showers_are_finite_and_not_negative_anywhere(grid: VoxelGrid, spread: float) -> None:
    model = toy_fast(grid, gain=4.0)
    energy = torch.logspace(-3, 15, 1000)
    noise = spread * normals(1000, *model.noise_shape)
    for eta in (0.0, 0.8, 1.35, 10.0):
        voxels = model.sample(Conditions(energy, torch.full((1000,), eta)), noise)
        assert ((voxels >= 0.0) & voxels.isfinite()).all()
