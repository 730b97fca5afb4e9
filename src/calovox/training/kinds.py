"""The kinds of models: their sizes, and models of these sizes.

A model is built with transforms that are not fitted yet; `fitted` gives it transforms fitted to
showers. Both have the same weights and buffers by name, so that what was saved from the second
can be loaded into the first.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from torch import nn

from calovox.models.cfm import CaloCFM, LayerWeighting, cfm_network, condition_energies
from calovox.models.consistency import ConsistencyModel
from calovox.models.denoisers import as_denoiser
from calovox.models.diffusion import CaloDiT
from calovox.models.inn import CaloINN, inn_network
from calovox.models.solvers import SOLVERS
from calovox.models.tokens import TokenKind, grid_to_tokens
from calovox.nn import DiffusionTransformer
from calovox.preprocessing import (
    ConditionTransform,
    LayerEnergyTransform,
    LogitVoxelTransform,
    LogVoxelTransform,
    QuantileVoxelTransform,
    ScaledConditions,
    ShapeConditions,
    StandardizedConditions,
    VoxelSpace,
    VoxelSpaceKind,
)
from calovox.training.fitting import fit_quantiles, seeded, training_voxels
from calovox.training.showers import ShowerFiles
from calovox.voxelization import VoxelGrid

__all__ = [
    "AnyModel",
    "CfmSizes",
    "ConditionKind",
    "DitSizes",
    "InnSizes",
    "MakeModel",
    "ModelKind",
    "Sizes",
    "StudentSizes",
    "read_sizes",
]

ModelKind = Literal["inn", "cfm", "dit", "student"]
"""Models by the names that the command line uses; a student is what `calovox distill` makes."""

ConditionKind = Literal["maxima", "standardized"]
"""What a transformer sees of photons: see `calovox.preprocessing.shape_conditions`."""

AnyModel = CaloINN | CaloCFM | CaloDiT | ConsistencyModel
"""A model of any kind."""


@runtime_checkable
class MakeModel(Protocol):
    """Makes what is to be trained."""

    def __call__(self, files: ShowerFiles, *, seed: int, reflect: bool) -> nn.Module:
        """Build it.

        Args:
            files: Showers to which the standardisations are fitted.
            seed: Seed of the weights.
            reflect: Whether the showers are reflected in training.

        Returns:
            A `Trainable` model.
        """
        ...


@dataclass(frozen=True)
class InnSizes:
    """Sizes of CaloINN; by default the note's.

    Attributes:
        n_blocks: Coupling blocks.
        width: Neurons of both hidden layers in each block.
        n_bins: Bins of each spline.
        spread_eta: Whether eta is spread where the detector changes (not in the note).
    """

    kind: ClassVar[ModelKind] = "inn"

    n_blocks: int = 14
    width: int = 60
    n_bins: int = 10
    spread_eta: bool = True

    def build(self, grid: VoxelGrid) -> CaloINN:
        """Build a model with random weights.

        Args:
            grid: The voxels.

        Returns:
            The model.
        """
        n_layers = len(grid.layers)
        network = inn_network(
            n_layers, n_blocks=self.n_blocks, width=self.width, n_bins=self.n_bins
        )
        conditions = ConditionTransform(spread=self.spread_eta)
        return CaloINN(network, conditions, LayerEnergyTransform.unfitted(n_layers))

    def fitted(self, files: ShowerFiles, *, seed: int, reflect: bool) -> CaloINN:
        """Build a model with random weights for given showers.

        Args:
            files: Showers to which the standardisations are fitted.
            seed: Seed of the weights.
            reflect: Whether the showers are reflected in training; layers do not notice.

        Returns:
            The model.
        """
        raw = seeded(seed, lambda: self.build(files.grid))
        return CaloINN(
            raw.network,
            ConditionTransform.fit(
                (part.conditions.energy for part in files.batches()), spread=self.spread_eta
            ),
            raw.layer_energies.fit(part.layer_energy for part in files.batches()),
        )


@dataclass(frozen=True)
class CfmSizes:
    """Sizes of CaloCFM; by default those of the note's small model.

    Attributes:
        width: Neurons of the three hidden layers: 1024 (small) or 1500 (large).
        layer_weighting: How the loss weighs voxels.
        voxels: The space of the flow: "note" is a logit.
        solver: How samples are integrated.
        solver_steps: In how many steps.
    """

    kind: ClassVar[ModelKind] = "cfm"

    width: int = 1024
    layer_weighting: LayerWeighting = "note"
    voxels: VoxelSpaceKind = "quantiles"
    solver: str = "midpoint"
    solver_steps: int = 5

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise ValueError(f"solver: expected one of {', '.join(SOLVERS)}, got '{self.solver}'")

    def build(self, grid: VoxelGrid) -> CaloCFM:
        """Build a model with random weights.

        Args:
            grid: The voxels.

        Returns:
            The model.
        """
        layers = condition_energies(len(grid.layers))
        return self._model(ConditionTransform(), layers, self._space(_layer_sizes(grid)))

    def fitted(self, files: ShowerFiles, *, seed: int, reflect: bool) -> CaloCFM:
        """Build a model with random weights for given showers.

        Args:
            files: Showers to which the standardisations are fitted.
            seed: Seed of the weights.
            reflect: Whether the showers are reflected in training: both ways count then.

        Returns:
            The model.
        """
        raw = self.build(files.grid)
        conditions = ConditionTransform.fit(p.conditions.energy for p in files.batches())
        layers = raw.layer_energies.fit(part.layer_energy for part in files.batches())
        voxels = _fit_voxels(raw.voxels, files, seed=seed, reflect=reflect)
        return seeded(seed, lambda: self._model(conditions, layers, voxels))

    def _space(self, layer_sizes: tuple[int, ...]) -> VoxelSpace:
        if self.voxels == "note":
            return LogitVoxelTransform(layer_sizes)
        return QuantileVoxelTransform.unfitted(layer_sizes)

    def _model(
        self, conditions: ConditionTransform, layers: LayerEnergyTransform, voxels: VoxelSpace
    ) -> CaloCFM:
        network = cfm_network(voxels.n_voxels, layers.n_layers, width=self.width)
        return CaloCFM(
            network,
            conditions,
            layers,
            voxels,
            layer_weighting=self.layer_weighting,
            solver=SOLVERS[self.solver],
            n_steps=self.solver_steps,
        )


@dataclass(frozen=True)
class DitSizes:
    """Sizes of CaloDiT-2; by default the note's.

    Attributes:
        tokens: What a token is made of; patches need a grid whose layers have the same bins.
        width: Numbers per token.
        heads: Heads of the attention.
        blocks: Blocks.
        conditions: What the network sees of photons: "maxima" is the note's.
        voxels: The space of the diffusion: "note" is a logarithm.
        steps: In how many steps samples are made.
    """

    kind: ClassVar[ModelKind] = "dit"

    tokens: TokenKind = "patches"
    width: int = 144
    heads: int = 8
    blocks: int = 4
    conditions: ConditionKind = "standardized"
    voxels: VoxelSpaceKind = "quantiles"
    steps: int = 32

    def build(self, grid: VoxelGrid) -> CaloDiT:
        """Build a model with random weights.

        Args:
            grid: The voxels.

        Returns:
            The model.
        """
        n_layers = len(grid.layers)
        conditions: ShapeConditions
        if self.conditions == "maxima":
            conditions = ScaledConditions.unfitted(n_layers)
        else:
            energies = condition_energies(n_layers)
            conditions = StandardizedConditions(ConditionTransform(), energies)
        return self._model(grid, conditions, self._space(_layer_sizes(grid)))

    def fitted(self, files: ShowerFiles, *, seed: int, reflect: bool) -> CaloDiT:
        """Build a model with random weights for given showers.

        Args:
            files: Showers to which the standardisations are fitted.
            seed: Seed of the weights.
            reflect: Whether the showers are reflected in training: both ways count then.

        Returns:
            The model.
        """
        conditions = self._fitted_conditions(files)
        space = self._space(files.layer_sizes)
        voxels = _fit_voxels(space, files, seed=seed, reflect=reflect)
        return seeded(seed, lambda: self._model(files.grid, conditions, voxels))

    def _space(self, layer_sizes: tuple[int, ...]) -> VoxelSpace:
        if self.voxels == "note":
            return LogVoxelTransform(layer_sizes)
        return QuantileVoxelTransform.unfitted(layer_sizes)

    def _fitted_conditions(self, files: ShowerFiles) -> ShapeConditions:
        if self.conditions == "maxima":
            return ScaledConditions.fit(
                (part.conditions.energy, part.conditions.eta, part.layer_energy)
                for part in files.batches()
            )
        energies = condition_energies(len(files.layer_sizes))
        return StandardizedConditions(
            ConditionTransform.fit(part.conditions.energy for part in files.batches()),
            energies.fit(part.layer_energy for part in files.batches()),
        )

    def _model(self, grid: VoxelGrid, conditions: ShapeConditions, voxels: VoxelSpace) -> CaloDiT:
        network = DiffusionTransformer(
            grid_to_tokens(grid, self.tokens),
            n_scalars=conditions.n_scalars,
            width=self.width,
            n_heads=self.heads,
            n_blocks=self.blocks,
        )
        return CaloDiT(network, conditions, voxels, n_steps=self.steps)


@dataclass(frozen=True)
class StudentSizes:
    """Sizes of a student, which are its teacher's.

    Attributes:
        teacher: Kind of the teacher.
        teacher_sizes: Its sizes, as plain values.
        evaluations: How often a shower evaluates the network.
    """

    kind: ClassVar[ModelKind] = "student"

    teacher: ModelKind = "dit"
    teacher_sizes: dict[str, Any] = field(default_factory=lambda: asdict(DitSizes()))
    evaluations: int = 1

    def build(self, grid: VoxelGrid) -> ConsistencyModel:
        """Build a student with random weights.

        Args:
            grid: The voxels.

        Returns:
            The student.
        """
        teacher = read_sizes(self.teacher, self.teacher_sizes).build(grid)
        return ConsistencyModel(as_denoiser(teacher), n_evaluations=self.evaluations)


Sizes = InnSizes | CfmSizes | DitSizes | StudentSizes
"""Sizes of any kind of model."""

_KINDS: dict[str, type[Sizes]] = {
    "inn": InnSizes,
    "cfm": CfmSizes,
    "dit": DitSizes,
    "student": StudentSizes,
}


def read_sizes(kind: str, values: Mapping[str, Any]) -> Sizes:
    """Make sizes from plain values.

    Args:
        kind: Kind of the model.
        values: What `dataclasses.asdict` gave.

    Returns:
        The sizes.

    Raises:
        ValueError: If there is no such kind, or a size is missing or unknown.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind: expected one of {', '.join(_KINDS)}, got '{kind}'")
    known = asdict(_KINDS[kind]())
    if known.keys() != values.keys():
        raise ValueError(f"sizes of {kind}: expected {list(known)}, got {list(values)}")
    return _KINDS[kind](**values)


def _fit_voxels(space: VoxelSpace, files: ShowerFiles, *, seed: int, reflect: bool) -> VoxelSpace:
    if isinstance(space, QuantileVoxelTransform):
        return fit_quantiles(space, files, seed=seed, reflect=reflect)
    return space.fit(training_voxels(files, reflect=reflect))


def _layer_sizes(grid: VoxelGrid) -> tuple[int, ...]:
    return tuple(np.diff(grid.layer_boundaries).tolist())
