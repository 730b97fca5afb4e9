"""A critic finds differences, and opposite ones at other photons, too."""

import torch
from torch import Tensor

from calovox.models.base import Conditions, Showers
from calovox.models.comparing import Critic, CriticNumbers, ShowerObservables
from calovox.voxelization import VoxelGrid
from tests.models.fast.toy_fast import ENERGY_RANGE, GRIDS, normals

N = 400


def photons(energy: float, eta: float) -> Conditions[Tensor]:
    return Conditions(torch.full((N,), energy), torch.full((N,), eta))


def showers(grid: VoxelGrid, energy: float) -> Tensor:
    return energy / grid.n_voxels * normals(N, grid.n_voxels).exp()


def critic_of(grid: VoxelGrid, energies: tuple[float, float]) -> Critic:
    voxels = torch.cat([showers(grid, energy) / energy for energy in energies])
    conditions = Conditions(torch.tensor(energies).repeat_interleave(N), torch.full((2 * N,), 0.2))
    layers = torch.zeros(2 * N, len(grid.layer_sizes))
    given = Showers(conditions, layers, voxels, torch.arange(2 * N))
    numbers = CriticNumbers(ShowerObservables(grid, None), grid).fit([given], ENERGY_RANGE)
    return Critic(numbers, penalty=0.0)


def test_what_it_says_depends_on_the_photon() -> None:
    """All but what depends on the photon stays as it is, and says nothing."""
    grid = GRIDS["other layers"]
    critic = critic_of(grid, ENERGY_RANGE)
    pairs = []
    for energy, factor in zip(ENERGY_RANGE, (1.1, 1 / 1.1), strict=True):
        given = showers(grid, energy)
        pairs.append((given, factor * given, photons(energy, 0.2)))
    for values in critic.network.common.parameters():
        torch.nn.init.zeros_(values)
    optimizer = torch.optim.Adam([critic.network.local.weight], lr=0.03)
    for _ in range(60):
        optimizer.zero_grad()
        terms = [critic.losses(*pair, alone=True)["critic"] for pair in pairs]
        torch.stack(terms).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert min(float(critic.told_apart(*pair)) for pair in pairs) > 0.9
