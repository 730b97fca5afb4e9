"""Pairs of trained models: the energies of the layers, and the voxels for given energies."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calovox.models.cfm import CaloCFM
from calovox.models.inn import CaloINN
from calovox.models.two_stage import TwoStageSampler
from calovox.nn import count_parameters
from calovox.runtime.metadata import ModelMetadata
from calovox.training.runs import TrainedModel

__all__ = ["ModelPair", "pair_runs"]


@dataclass(frozen=True, eq=False)
class ModelPair:
    """Two models that together give showers.

    Attributes:
        energies: The energy model, a CaloINN.
        shapes: The shape model, a CaloCFM.
    """

    energies: TrainedModel
    shapes: TrainedModel

    def sampler(self) -> TwoStageSampler:
        """Join the models."""
        energies, shapes = self.energies.model, self.shapes.model
        assert isinstance(energies, CaloINN)
        assert isinstance(shapes, CaloCFM)
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

    Args:
        runs: Trained models, an INN and a CFM for each range, in any order.

    Returns:
        The pairs by rising abs(eta).

    Raises:
        ValueError: If a model is alone or there is more than one for a range, ranges overlap, or
            the grids differ.
    """
    pairs = []
    for eta_range in sorted({run.eta_range for run in runs}):
        found = {
            kind: [run for run in runs if run.kind == kind and run.eta_range == eta_range]
            for kind in ("inn", "cfm")
        }
        for kind, of_kind in found.items():
            if len(of_kind) != 1:
                raise ValueError(
                    f"export: expected one run of kind {kind} for |eta| from {eta_range[0]:g} to "
                    f"{eta_range[1]:g}, got {len(of_kind)}: give an INN and a CFM of each range"
                )
        pairs.append(ModelPair(found["inn"][0], found["cfm"][0]))
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
    return tuple(pairs)


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
