"""Small models of toy showers: three layers, seven voxels."""

import torch
from torch import Tensor, nn

from calovox.models.base import Conditions, Showers
from calovox.models.inn import CaloINN, inn_network
from calovox.models.shapes.cfm import CaloCFM, LayerWeighting, cfm_network, condition_energies
from calovox.models.shapes.dit import CaloDiT
from calovox.models.shapes.sampling import Sampling
from calovox.models.shapes.students import ConsistencyModel
from calovox.models.two_stage import TwoStageSampler
from calovox.nn import DiffusionTransformer, TokenLayout
from calovox.preprocessing import (
    ConditionTransform,
    LayerEnergyTransform,
    LogitVoxelTransform,
    LogVoxelTransform,
    StandardizedConditions,
)

LAYER_SIZES = (2, 4, 1)


def toy_conditions(n_events: int, *, seed: int = 1) -> Conditions[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    energy = 256.0 * 2.0 ** (14 * torch.rand(n_events, generator=rng))
    eta = 2.7 * torch.rand(n_events, generator=rng) - 1.35
    return Conditions(energy, eta)


def toy_batch(n_events: int, *, seed: int = 1) -> Showers[Tensor]:
    """Showers with empty voxels and empty layers, and more than the kinetic energy in some."""
    rng = torch.Generator().manual_seed(seed)
    voxels = torch.rand(n_events, sum(LAYER_SIZES), generator=rng) ** 3
    voxels[::4, 1] = 0.0
    voxels[::3, -1] = 0.0
    voxels *= (0.97 + 0.05 * torch.randn(n_events, 1, generator=rng)) / voxels.sum(1, True)
    layers = torch.stack([part.sum(1) for part in voxels.split(list(LAYER_SIZES), 1)], 1)
    return Showers(toy_conditions(n_events, seed=seed), layers, voxels, torch.arange(n_events))


def toy_inn(data: Showers[Tensor]) -> CaloINN:
    torch.manual_seed(1)
    return CaloINN(
        inn_network(len(LAYER_SIZES), n_blocks=4, width=24),
        ConditionTransform.fit([data.conditions.energy]),
        LayerEnergyTransform.unfitted(len(LAYER_SIZES)).fit([data.layer_energy]),
    )


def toy_cfm(data: Showers[Tensor], *, layer_weighting: LayerWeighting = "equal") -> CaloCFM:
    torch.manual_seed(2)
    return CaloCFM(
        cfm_network(sum(LAYER_SIZES), len(LAYER_SIZES), width=64, n_embedded=8),
        ConditionTransform.fit([data.conditions.energy]),
        condition_energies(len(LAYER_SIZES)).fit([data.layer_energy]),
        LogitVoxelTransform(LAYER_SIZES).fit([data.voxels]),
        layer_weighting=layer_weighting,
    )


def toy_dit(data: Showers[Tensor]) -> CaloDiT:
    """A transformer with a token per voxel, whose output is not zero."""
    torch.manual_seed(3)
    positions = torch.stack([torch.arange(7.0), torch.tensor([0.0, 0, 1, 1, 1, 1, 2])], dim=1)
    layout = TokenLayout((torch.arange(7)[:, None],), positions)
    network = DiffusionTransformer(
        layout, n_scalars=5, width=32, n_heads=2, n_blocks=2, embedding_width=32
    )
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.05)
    conditions = StandardizedConditions(
        ConditionTransform.fit([data.conditions.energy]),
        condition_energies(3).fit([data.layer_energy]),
    )
    voxels = LogVoxelTransform(LAYER_SIZES).fit([data.voxels])
    return CaloDiT(network, conditions, voxels, sampling=Sampling("karras", "heun", 3))


def toy_student(data: Showers[Tensor]) -> ConsistencyModel:
    return ConsistencyModel(toy_dit(data), n_evaluations=2)


def toy_flow_student(data: Showers[Tensor]) -> ConsistencyModel:
    return ConsistencyModel(toy_cfm(data))


def toy_sampler(data: Showers[Tensor]) -> TwoStageSampler:
    return TwoStageSampler(toy_inn(data), toy_cfm(data))
