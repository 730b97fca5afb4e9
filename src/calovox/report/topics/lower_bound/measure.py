"""The largest AUC of each sample, and the AUC on all cells with noise."""

from dataclasses import dataclass

from calovox.report.topic import NotShown
from calovox.scores.overview import distance
from calovox.scores.referee.kinds import FIGURE_OF_MERIT
from calovox.scores.referee.scores import LARGEST
from calovox.scores.table import Score, Scores

__all__ = ["LowerBound", "measure_lower_bound"]


@dataclass(frozen=True)
class LowerBound:
    """How well one sample can be told apart, at least.

    Attributes:
        sample: Name of the sample.
        largest: The largest AUC; its feature says which classifier gave it.
        merit: AUC of all cells with noise; None if it was not measured.
        distance: How far the largest is from its floor, in standard deviations.
    """

    sample: str
    largest: Score
    merit: Score | None
    distance: float


def measure_lower_bound(scores: Scores) -> tuple[LowerBound, ...] | NotShown:
    """Find the largest AUC of each sample; without classifiers, nothing is missing here."""
    merits = {row.sample: row for row in scores.select(metric="tree_auc", feature=FIGURE_OF_MERIT)}
    found = tuple(
        LowerBound(row.sample, row, merits.get(row.sample), distance(row))
        for row in scores.select(metric=LARGEST)
    )
    return found or NotShown(())
