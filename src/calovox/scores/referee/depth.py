"""How much the referee does: quickly for every report, or fully for what is published."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from calovox.samples.files import RefereeDepth
from calovox.scores.referee.kinds import FIGURE_OF_MERIT, KINDS, PARTS, Kind
from calovox.scores.referee.learning_curve import MOST_HALVINGS
from calovox.scores.referee.trees import N_SEEDS, N_TREES

__all__ = ["DEPTHS", "LOOKED_AT", "Depth"]

LOOKED_AT: Final[tuple[Kind, ...]] = (
    "cell observables, noise",
    "cell observables",
    "voxel observables",
)
"""Kinds of inputs of which the referee says what it sees."""


@dataclass(frozen=True)
class Depth:
    """How much the referee does.

    Attributes:
        n_seeds: How often trees are trained.
        most_showers: Showers of each sample at most.
        kinds: Inputs that are tested.
        curves: Those of them with a learning curve.
        curve_seeds: Seeds of each point of a learning curve.
        curve_halvings: How often the showers are halved for a learning curve.
        n_trees: Trees of each training.
        seen_trees: Trees that tell what is seen.
        n_alone: Observables of which the AUC alone is measured.
    """

    n_seeds: int
    most_showers: int
    kinds: tuple[Kind, ...]
    curves: tuple[Kind, ...]
    curve_seeds: int
    curve_halvings: int
    n_trees: int
    seen_trees: int
    n_alone: int


DEPTHS: Final[Mapping[RefereeDepth, Depth]] = {
    "quick": Depth(
        n_seeds=1,
        most_showers=2000,
        kinds=(FIGURE_OF_MERIT, *LOOKED_AT),
        curves=(FIGURE_OF_MERIT,),
        curve_seeds=1,
        curve_halvings=2,
        n_trees=100,
        seen_trees=30,
        n_alone=3,
    ),
    "full": Depth(
        n_seeds=N_SEEDS,
        most_showers=10_000,
        kinds=KINDS,
        curves=tuple(kind for kind in KINDS if kind not in PARTS),
        curve_seeds=2,
        curve_halvings=MOST_HALVINGS,
        n_trees=N_TREES,
        seen_trees=N_TREES,
        n_alone=12,
    ),
}
"""What is done in each depth."""
