"""Sizes of the models of shapes, CaloCFM and CaloDiT-2, and models of these sizes."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from calovox.models.shapes.centroid import VoxelCentroid
from calovox.models.shapes.cfm import CaloCFM, cfm_network, condition_energies
from calovox.models.shapes.dit import CaloDiT
from calovox.models.shapes.sampling import Sampling
from calovox.models.shapes.tokens import grid_to_tokens
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
)
from calovox.training.data.showers import ShowerFiles
from calovox.training.fits.centroid import fit_centroid, unfitted_centroid
from calovox.training.fits.layers import read_layers
from calovox.training.fits.quantiles import fit_quantiles, seeded, training_voxels
from calovox.training.sizes.options import CfmOptions, DitOptions, SampledOptions
from calovox.voxelization import VoxelGrid

__all__ = ["CfmSizes", "DitSizes", "ModelKind", "SampledSizes"]

ModelKind = Literal["inn", "cfm", "dit", "student", "gan", "fast", "correction"]
"""Models by the names that the command line uses; a student is what `calovox distill` makes, and a
correction, which is no model by itself, what `calovox correct` makes."""


class SampledSizes(SampledOptions):
    """Options that say how samples are made."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sampling()

    def sampling(self) -> Sampling:
        """Say how samples are made.

        Returns:
            Path, solver and steps.

        Raises:
            ValueError: If they do not fit.
        """
        return Sampling(self.path, self.solver, self.solver_steps)


@dataclass(frozen=True)
class CfmSizes(CfmOptions, SampledSizes):
    """Sizes of CaloCFM, and models of these sizes."""

    kind: ClassVar[ModelKind] = "cfm"

    def build(self, grid: VoxelGrid) -> CaloCFM:
        """Build a model with random weights.

        Args:
            grid: The voxels.

        Returns:
            The model.
        """
        layers = condition_energies(len(grid.layers))
        space = self._space(grid.layer_sizes)
        return self._model(ConditionTransform(), layers, space, unfitted_centroid(grid))

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
        parts = read_layers(files)
        conditions = ConditionTransform.fit(part.energy for part in parts)
        layers = raw.layer_energies.fit(part.layer_energy for part in parts)
        voxels = _fit_voxels(raw.voxels, files, seed=seed, reflect=reflect)
        centroid = fit_centroid(files)
        return seeded(seed, lambda: self._model(conditions, layers, voxels, centroid))

    def _space(self, layer_sizes: tuple[int, ...]) -> VoxelSpace:
        if self.voxels == "note":
            return LogitVoxelTransform(layer_sizes)
        return QuantileVoxelTransform.unfitted(layer_sizes)

    def _model(
        self,
        conditions: ConditionTransform,
        layers: LayerEnergyTransform,
        voxels: VoxelSpace,
        centroid: VoxelCentroid | None,
    ) -> CaloCFM:
        network = cfm_network(
            voxels.n_voxels,
            layers.n_layers,
            width=self.width,
            preconditioned=self.preconditioned,
        )
        return CaloCFM(
            network,
            conditions,
            layers,
            voxels,
            layer_weighting=self.layer_weighting,
            sampling=self.sampling(),
            centroid=centroid,
        )


@dataclass(frozen=True)
class DitSizes(DitOptions, SampledSizes):
    """Sizes of CaloDiT-2, and models of these sizes."""

    kind: ClassVar[ModelKind] = "dit"

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
        space = self._space(grid.layer_sizes)
        return self._model(grid, conditions, space, unfitted_centroid(grid))

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
        space = self._space(files.grid.layer_sizes)
        voxels = _fit_voxels(space, files, seed=seed, reflect=reflect)
        centroid = fit_centroid(files)
        return seeded(seed, lambda: self._model(files.grid, conditions, voxels, centroid))

    def _space(self, layer_sizes: tuple[int, ...]) -> VoxelSpace:
        if self.voxels == "note":
            return LogVoxelTransform(layer_sizes)
        return QuantileVoxelTransform.unfitted(layer_sizes)

    def _fitted_conditions(self, files: ShowerFiles) -> ShapeConditions:
        parts = read_layers(files)
        if self.conditions == "maxima":
            return ScaledConditions.fit((p.energy, p.eta, p.layer_energy) for p in parts)
        energies = condition_energies(len(files.grid.layer_sizes))
        return StandardizedConditions(
            ConditionTransform.fit(part.energy for part in parts),
            energies.fit(part.layer_energy for part in parts),
        )

    def _model(
        self,
        grid: VoxelGrid,
        conditions: ShapeConditions,
        voxels: VoxelSpace,
        centroid: VoxelCentroid | None,
    ) -> CaloDiT:
        network = DiffusionTransformer(
            grid_to_tokens(grid, self.tokens),
            n_scalars=conditions.n_scalars,
            width=self.width,
            n_heads=self.heads,
            n_blocks=self.blocks,
        )
        return CaloDiT(network, conditions, voxels, sampling=self.sampling(), centroid=centroid)


def _fit_voxels(space: VoxelSpace, files: ShowerFiles, *, seed: int, reflect: bool) -> VoxelSpace:
    if isinstance(space, QuantileVoxelTransform):
        return fit_quantiles(space, files, seed=seed, reflect=reflect)
    return space.fit(training_voxels(files, reflect=reflect))
