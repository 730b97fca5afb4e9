"""The overview of a report: the worst score of every metric and sample, against its floor.

What counts as worst is the distance from the floor towards the side on which the metric is bad, in
units of the uncertainties of the score and of its floor, added in quadrature. Among many scores a
distance of three is expected somewhere: how many there are, and how many are off, stands beside
the worst.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.evaluation.scores import Score, Scores

__all__ = [
    "CLEAR",
    "LARGER_IS_BETTER",
    "NOTABLE",
    "OverviewCell",
    "OverviewRow",
    "distance",
    "overview_rows",
]

LARGER_IS_BETTER: Final = frozenset({"precision", "recall", "density", "coverage"})
"""Metrics that fall when a simulation gets worse; all others rise."""

NOTABLE: Final = 3.0
"""Standard deviations from the floor up to which a score is called at the floor."""

CLEAR: Final = 5.0
"""Standard deviations from the floor beyond which it is called clearly off."""


@dataclass(frozen=True)
class OverviewCell:
    """The worst score of one metric and sample.

    Attributes:
        worst: The score.
        distance: Its `distance` from the floor; NaN if not known.
        n_scores: Scores that it is the worst of.
        n_off: Those more than `NOTABLE` from their floors.
    """

    worst: Score
    distance: float
    n_scores: int
    n_off: int


@dataclass(frozen=True)
class OverviewRow:
    """The worst scores of one metric.

    Attributes:
        metric: Name of the metric.
        integrated: Whether the scores are of all events, not of bins.
        cells: One per sample; None where a sample has no such score.
    """

    metric: str
    integrated: bool
    cells: tuple[OverviewCell | None, ...]


def distance(score: Score) -> float:
    """Measure how far a score is from its floor.

    Args:
        score: A score.

    Returns:
        Standard deviations towards the bad side, below 0 if it is better than the floor; NaN if
        the uncertainties are not known.

    Example:
        >>> score = Score("A", "auc", "voxels", "all", "all", 0.65, 0.03, 0.5, 0.04, 9, 9)
        >>> round(distance(score), 6)
        3.0
    """
    uncertainty = math.hypot(score.uncertainty, score.floor_uncertainty)
    if not uncertainty > 0:
        return math.nan
    sign = -1.0 if score.metric in LARGER_IS_BETTER else 1.0
    return sign * (score.value - score.floor) / uncertainty


def overview_rows(scores: Scores, samples: Sequence[str]) -> list[OverviewRow]:
    """Find the worst score of every metric and sample, of all events and of bins.

    Args:
        scores: All scores.
        samples: Names of the samples, in the order of the columns.

    Returns:
        The rows: metrics in their order among the scores, first of all events, then of bins.
    """
    rows = []
    for metric in dict.fromkeys(score.metric for score in scores):
        for integrated in (True, False):
            chosen = [s for s in scores if s.metric == metric and s.integrated == integrated]
            if chosen:
                cells = [_worst(s for s in chosen if s.sample == name) for name in samples]
                rows.append(OverviewRow(metric, integrated, tuple(cells)))
    return rows


def _worst(scores: Iterable[Score]) -> OverviewCell | None:
    known = [(distance(score), score) for score in scores if np.isfinite(score.value)]
    if not known:
        return None
    farthest, worst = max(known, key=lambda pair: -np.inf if np.isnan(pair[0]) else pair[0])
    return OverviewCell(worst, farthest, len(known), sum(far > NOTABLE for far, _ in known))
