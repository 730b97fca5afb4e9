"""Run folders of small models with random weights, on a small grid."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.models.inn import CaloINN
from calovox.models.shapes.dit import CaloDiT
from calovox.models.shapes.kinds import PathKind, SolverName, TokenKind, VoxelSpaceKind
from calovox.models.shapes.students import ConsistencyModel
from calovox.models.two_stage import ShapeModel
from calovox.preprocessing import (
    ConditionTransform,
    EnergyBounds,
    LayerEnergyTransform,
    LogitVoxelTransform,
    LogVoxelTransform,
    QuantileVoxelTransform,
    ScaledConditions,
    Standardization,
    VoxelSpace,
)
from calovox.preprocessing.energy_bounds import N_BOUNDS
from calovox.training.runs.model import write_weights
from calovox.training.runs.record import RunRecord, grid_to_json, write_record
from calovox.training.sizes.kinds import InnSizes, StudentSizes
from calovox.training.sizes.options import ConditionKind
from calovox.training.sizes.shapes import CfmSizes, DitSizes
from calovox.voxelization import Ring, VoxelGrid

ShapeSizes = CfmSizes | DitSizes | StudentSizes
ENERGY_RANGE = (256.0, 524288.0)
ETA_RANGE = (0.0, 0.7)
TOY_FILE = {
    "name": "toy.h5",
    "sha256": "0" * 64,
    "n_showers": 10,
    "provenance": {"hits": [{"seed": 201}, {"seed": 202}]},
}


def toy_grid() -> VoxelGrid:
    rings = (Ring(0.0, 20.0, 10.0, 2), Ring(20.0, 100.0, 80.0, 3))
    wide = (Ring(0.0, 100.0, 100.0, 2),)
    return VoxelGrid(dict.fromkeys(BARREL_NUMBERS, rings) | {12: wide}, "toy")


def toy_dit(
    *,
    tokens: TokenKind = "rings",
    voxels: VoxelSpaceKind = "quantiles",
    path: PathKind = "karras",
    solver: SolverName = "heun",
    solver_steps: int = 2,
) -> DitSizes:
    """Give sizes of a small transformer that sees the note's conditions in the note's space.

    Graphs hold every step: two are enough to see that a step goes on from the one before.
    """
    conditions: ConditionKind = "maxima" if voxels == "note" else "standardized"
    return DitSizes(
        tokens, 24, 2, 1, conditions, voxels, path=path, solver=solver, solver_steps=solver_steps
    )


def toy_student(teacher: CfmSizes | DitSizes, *, evaluations: int) -> StudentSizes:
    return StudentSizes(teacher.kind, asdict(teacher), evaluations)


def fill(model: CaloINN | ShapeModel, *, gain: float, seed: int = 1) -> None:
    """Give a model the standardisations of photon showers, and stronger weights.

    Args:
        model: A model with random weights; it is changed.
        gain: Factor on the weights of its networks.
        seed: Seed of the standardisation of the voxels.
    """
    inner: Any = model.model if isinstance(model, ConsistencyModel) else model
    if not isinstance(inner, CaloDiT):
        fill_conditions(inner.conditions, inner.layer_energies)
    elif isinstance(inner.conditions, ScaledConditions):
        inner.conditions.maxima.copy_(torch.tensor([524288.0, 0.7, 1.0, 1.0, 1.0, 1.0, 1.0]))
    else:
        fill_conditions(inner.conditions.photons, inner.conditions.layers)
    rng = torch.Generator().manual_seed(seed)
    if isinstance(inner, CaloINN):
        inner.bounds = toy_bounds(inner.layer_energies.n_layers)
    else:
        inner.voxels = toy_space(inner.voxels, rng)
    with torch.no_grad():
        for parameter in inner.network.parameters():
            if isinstance(inner, CaloDiT) and not parameter.any():
                nn.init.normal_(parameter, std=0.05, generator=rng)
            parameter *= gain


def fill_conditions(photons: ConditionTransform, layers: LayerEnergyTransform) -> None:
    n = layers.n_layers
    photons.log_energy = Standardization(torch.tensor([10.5]), torch.tensor([2.9]))
    layers.standardization = Standardization(
        torch.tensor([0.96, -4.0, -1.3, 1.0, 3.0])[:n],
        torch.tensor([0.03, 1.5, 1.2, 1.5, 3.0])[:n],
    )


def toy_bounds(n_layers: int) -> EnergyBounds:
    """Bounds that some of the toy showers are beyond, the more the higher the energy."""
    nodes = torch.linspace(5.5, 13.2, N_BOUNDS)
    widest = torch.tensor([0.9, 1.05, 0.98, 0.8, 1.0, 0.4, 0.2])[: n_layers + 2]
    tightest = torch.tensor([0.94, 0.98, 0.3, 0.5, 1.0, 0.2, 0.05])[: n_layers + 2]
    t = torch.linspace(0.0, 1.0, N_BOUNDS)[:, None]
    return EnergyBounds(nodes, widest + t * (tightest - widest), torch.eye(n_layers)[2])


def toy_space(voxels: VoxelSpace, rng: torch.Generator) -> VoxelSpace:
    """Make tables like those of photon showers, of numbers drawn at random."""
    sizes, n_voxels = voxels.layer_sizes, voxels.n_voxels
    if isinstance(voxels, LogVoxelTransform):
        return LogVoxelTransform(sizes, Standardization(Tensor([-7.0]), Tensor([3.0])))
    if isinstance(voxels, LogitVoxelTransform):
        mean = torch.randn(n_voxels, generator=rng) - 5.0
        return LogitVoxelTransform(sizes, Standardization(mean, torch.full((n_voxels,), 2.5)))
    n_energies, n_layers, n_fractions = voxels.fractions.shape
    tilt = 0.5 * torch.rand(n_energies, n_fractions, n_voxels, generator=rng)
    climbs = 0.5 * torch.rand(n_energies, 1, n_voxels, len(voxels.knots) - 1, generator=rng) + 0.5
    gaps = 0.5 * torch.rand(n_energies, n_layers, n_fractions, generator=rng) + 0.5
    return QuantileVoxelTransform(
        sizes,
        torch.linspace(5.5, 13.2, n_energies),
        gaps.cumsum(dim=2) - 6.0,
        4.0 * torch.rand(n_energies, 1, n_voxels, generator=rng) - 3.0 + tilt,
        climbs + 0.1 * tilt[..., None],
    )


def build(
    grid: VoxelGrid, inn: InnSizes, shapes: ShapeSizes, *, gain: float = 1.0, seed: int = 1
) -> tuple[CaloINN, ShapeModel]:
    """Build two models with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        models = inn.build(grid), shapes.build(grid)
    for model in models:
        fill(model, gain=gain)
    return models[0].eval(), models[1].eval()


def write_runs(
    folder: Path,
    *,
    grid: VoxelGrid | None = None,
    inn: InnSizes | None = None,
    shapes: ShapeSizes | None = None,
) -> list[Path]:
    """Write the run folders of an INN and a model of shapes, a CFM by default."""
    grid = toy_grid() if grid is None else grid
    inn = InnSizes(n_blocks=4, width=16) if inn is None else inn
    shapes = (
        CfmSizes(width=32, path="line", solver="euler", solver_steps=2)
        if shapes is None
        else shapes
    )
    paths = []
    for sizes, model in zip((inn, shapes), build(grid, inn, shapes), strict=True):
        path = folder / sizes.kind
        path.mkdir()
        write_weights(path, model)
        record = RunRecord(
            kind=sizes.kind,
            sizes=asdict(sizes),
            grid=grid_to_json(grid),
            energy_range=ENERGY_RANGE,
            eta_range=ETA_RANGE,
            recipe={"lr": 1e-3, "seed": 1},
            data={"training": {"n_showers": 7, "files": [TOY_FILE]}},
            n_steps=1,
            step=1,
            metrics={"loss": 0.5},
        )
        write_record(path, record)
        paths.append(path)
    return paths
