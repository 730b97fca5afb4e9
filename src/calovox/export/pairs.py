"""Pairs of trained models: the energies of the layers, and the voxels for given energies."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from calovox.models.inn import CaloINN
from calovox.models.two_stage import ShapeModel, TwoStageSampler
from calovox.nn import count_parameters
from calovox.runtime.metadata import ModelMetadata
from calovox.training.runs import TrainedModel
from calovox.training.shape_sizes import ModelKind

__all__ = ["ModelPair", "pair_runs"]

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
        card = {"energies": _card(self.energies), "shapes": _card(self.shapes)}
        return ModelMetadata(
            self.energies.grid,
            (max(low, other_low), min(high, other_high)),
            self.energies.eta_range,
            card,
        )


def pair_runs(runs: Sequence[TrainedModel]) -> tuple[ModelPair, ...]:
    """Find the pairs, by equal ranges of abs(eta).

    The shape models of different ranges may be of different kinds, but all must take as much
    noise: an event has its noise before its model is known.

    Args:
        runs: Trained models, an INN and one model of shapes for each range, in any order.

    Returns:
        The pairs by rising abs(eta).

    Raises:
        ValueError: If a model is alone or there is more than one for a range, ranges overlap, or
            the grids or the numbers of noise differ.
    """
    pairs = [
        _pair([run for run in runs if run.eta_range == eta_range])
        for eta_range in sorted({run.eta_range for run in runs})
    ]
    for below, above in itertools.pairwise(pairs):
        if above.energies.eta_range[0] < below.energies.eta_range[1]:
            raise ValueError(
                f"export: the ranges of |eta| {below.energies.eta_range} and "
                f"{above.energies.eta_range} overlap"
            )
    for run in runs:
        if run.grid != runs[0].grid:
            raise ValueError(
                f"export: expected runs on one grid, got {run.grid} and {runs[0].grid}"
            )
    for pair in pairs:
        found, first = (p.sampler().shapes.noise_shape[0] for p in (pair, pairs[0]))
        if found != first:
            raise ValueError(
                f"export: expected models of shapes that take as much noise, got {first} and "
                f"{found} numbers: give students of as many evaluations"
            )
    return tuple(pairs)


def _pair(runs: Sequence[TrainedModel]) -> ModelPair:
    """Join the runs of one range."""
    low, high = runs[0].eta_range
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


def _card(run: TrainedModel) -> dict[str, Any]:
    return {
        "kind": run.kind,
        "model": repr(run.model),
        "parameters": count_parameters(run.model),
        "energy_range": run.energy_range,
        "recipe": run.recipe,
        "data": run.data,
        "metrics": run.metrics,
    }
