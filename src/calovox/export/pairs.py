"""What gives showers in a range of |eta|: models of energies and of voxels, or one alone."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from calovox.export.provenance import group_hits, name_files_once
from calovox.models.fast import CaloFast
from calovox.models.gan import CaloGAN
from calovox.models.inn import CaloINN
from calovox.models.two_stage import ShapeModel, TwoStageSampler, WholeSampler
from calovox.nn import count_parameters
from calovox.runtime.metadata import ModelMetadata
from calovox.training.runs.model import TrainedModel
from calovox.training.sizes.shapes import ModelKind
from calovox.voxelization import VoxelGrid

__all__ = ["ModelPair", "RangeModel", "WholeModel", "describe_run", "pair_runs"]

_WHOLE: Final[tuple[ModelKind, ...]] = ("gan", "fast")
"""Kinds that give showers alone."""

_KINDS: Final[dict[str, tuple[ModelKind, ...]]] = {
    "energies": ("inn",),
    "shapes": ("cfm", "dit", "student"),
}


@dataclass(frozen=True, eq=False)
class ModelPair:
    """Two models that together give showers.

    Attributes:
        energies: The energy model, a CaloINN.
        shapes: The shape model: a CaloCFM, a CaloDiT-2 or a student.
    """

    energies: TrainedModel
    shapes: TrainedModel

    @property
    def grid(self) -> VoxelGrid:
        """The voxels."""
        return self.energies.grid

    @property
    def eta_range(self) -> tuple[float, float]:
        """Lowest and highest abs(eta)."""
        return self.energies.eta_range

    def sampler(self) -> TwoStageSampler:
        """Join the models."""
        energies, shapes = self.energies.model, self.shapes.model
        assert isinstance(energies, CaloINN)
        assert isinstance(shapes, ShapeModel)
        return TwoStageSampler(energies, shapes).eval()

    def metadata(self) -> ModelMetadata:
        """Describe the pair; its range of energies is the common one of its models."""
        ranges = (self.energies.energy_range, self.shapes.energy_range)
        (low, high), (other_low, other_high) = ranges
        card = {"energies": describe_run(self.energies), "shapes": describe_run(self.shapes)}
        return ModelMetadata(
            self.energies.grid,
            (max(low, other_low), min(high, other_high)),
            self.energies.eta_range,
            card,
            self.energies.detector,
            self.energies.particle,
        )


@dataclass(frozen=True, eq=False)
class WholeModel:
    """One model that gives showers.

    Attributes:
        showers: The model, a CaloGAN or a CaloFast.
    """

    showers: TrainedModel

    @property
    def grid(self) -> VoxelGrid:
        """The voxels."""
        return self.showers.grid

    @property
    def eta_range(self) -> tuple[float, float]:
        """Lowest and highest abs(eta)."""
        return self.showers.eta_range

    def sampler(self) -> CaloGAN | CaloFast:
        """Return the model."""
        model = self.showers.model
        assert isinstance(model, CaloGAN | CaloFast)
        return model.eval()

    def metadata(self) -> ModelMetadata:
        """Describe the model."""
        card = {"showers": describe_run(self.showers)}
        run = self.showers
        return ModelMetadata(
            self.grid, run.energy_range, self.eta_range, card, run.detector, run.particle
        )


RangeModel = ModelPair | WholeModel
"""Whatever gives showers in a range of abs(eta)."""


def pair_runs(runs: Sequence[TrainedModel]) -> tuple[RangeModel, ...]:
    """Find what gives showers in each range: a pair of models of this range, or one alone.

    The models of different ranges may be of different kinds, but all must take as much noise: an
    event has its noise before its model is known.

    Args:
        runs: Trained models in any order: for each range an INN and one model of shapes, a GAN or
            a CaloFast.

    Returns:
        What was found by rising abs(eta).

    Raises:
        ValueError: If a model lacks its partner or there is more than one for a range, ranges
            overlap, or the grids or the numbers of noise differ.
    """
    models = [
        _join([run for run in runs if run.eta_range == eta_range])
        for eta_range in sorted({run.eta_range for run in runs})
    ]
    for below, above in itertools.pairwise(models):
        if above.eta_range[0] < below.eta_range[1]:
            raise ValueError(
                f"export: the ranges of |eta| {below.eta_range} and {above.eta_range} overlap"
            )
    for run in runs:
        if run.grid != runs[0].grid:
            raise ValueError(
                f"export: expected runs on one grid, got {run.grid} and {runs[0].grid}"
            )
        own, other = (None if m is None else m.layers for m in (run.detector, runs[0].detector))
        if own != other:
            raise ValueError("export: expected runs of one detector, got those of several")
        if run.particle != runs[0].particle:
            raise ValueError(
                f"export: expected runs of one particle, got {runs[0].particle} and {run.particle}"
            )
    samplers: list[WholeSampler] = [model.sampler() for model in models]
    for sampler in samplers:
        found, first = sampler.noise_parts[1], samplers[0].noise_parts[1]
        if found != first:
            raise ValueError(
                f"export: expected models of shapes that take as much noise, got {first} and "
                f"{found} numbers: give students of as many evaluations"
            )
    return tuple(models)


def _join(runs: Sequence[TrainedModel]) -> RangeModel:
    """Join the runs of one range."""
    if len(runs) == 1 and runs[0].kind in _WHOLE:
        return WholeModel(runs[0])
    low, high = runs[0].eta_range
    if any(run.kind in _WHOLE for run in runs):
        raise ValueError(
            f"export: expected a GAN or a CaloFast alone for |eta| from {low:g} to {high:g}, got "
            f"{', '.join(run.kind for run in runs)}: give one run of this range"
        )
    parts = []
    for what, kinds in _KINDS.items():
        found = [run for run in runs if run.kind in kinds]
        if len(found) != 1:
            raise ValueError(
                f"export: expected one run of {what} ({', '.join(kinds)}) for |eta| from {low:g} "
                f"to {high:g}, got {len(found)}: give an INN and one model of shapes of each range"
            )
        parts.append(found[0])
    return ModelPair(*parts)


def describe_run(run: TrainedModel) -> dict[str, Any]:
    """Say what a model card has of a run.

    Args:
        run: The trained model.

    Returns:
        Kind, sizes, ranges, recipe, data and metrics: all that JSON can hold.
    """
    return {
        "kind": run.kind,
        "model": repr(run.model),
        "parameters": count_parameters(run.model),
        "energy_range": run.energy_range,
        "recipe": run.recipe,
        "data": name_files_once(group_hits(run.data)),
        "metrics": run.metrics,
    }
