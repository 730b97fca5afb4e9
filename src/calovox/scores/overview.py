"""An overview of scores: the worst score of every metric and sample, against its floor.

The worst score is the farthest from its floor, towards the side on which the metric is bad, in
units of the uncertainties of the score and of its floor, added in quadrature. Among many scores, a
distance of three is expected somewhere. The number of scores, and of those farther than three,
therefore stands beside the worst. The same is given bin by bin, and feature by feature.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.scores.table import Score, Scores

__all__ = [
    "CLEAR",
    "LARGER_IS_BETTER",
    "NOTABLE",
    "MetricOverview",
    "OverviewCell",
    "OverviewRow",
    "distance",
    "metric_overviews",
]

LARGER_IS_BETTER: Final = frozenset({"precision", "recall", "density", "coverage"})
"""Metrics that fall when a simulation gets worse; all others rise."""

NOTABLE: Final = 3.0
"""Standard deviations from the floor up to which a score is called at the floor."""

CLEAR: Final = 5.0
"""Standard deviations from the floor beyond which it is called clearly off."""

_BY_FEATURE: Final = frozenset({"auc", "divergence"})


@dataclass(frozen=True)
class OverviewCell:
    """The worst of some scores of one metric and sample.

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
    """The worst scores of one metric in one bin, or of one feature.

    Attributes:
        title: Texts that say which scores these are.
        cells: One per sample; None where a sample has no such score.
    """

    title: tuple[str, ...]
    cells: tuple[OverviewCell | None, ...]


@dataclass(frozen=True)
class MetricOverview:
    """The scores of one metric, at several depths.

    Attributes:
        metric: Name of the metric.
        feature: Name of the feature, of metrics whose features stand apart; else empty.
        floor: Median floor of the scores of all events; NaN without any.
        n_scores: How many scores there are.
        total: Worst scores of all events.
        binned: Worst scores of all bins.
        bins: Worst score in each bin, all events first; titles are bins of energy and abs(eta).
        features: Scores of all events for each feature; titles are features.
    """

    metric: str
    feature: str
    floor: float
    n_scores: int
    total: OverviewRow
    binned: OverviewRow
    bins: tuple[OverviewRow, ...]
    features: tuple[OverviewRow, ...]


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


def metric_overviews(scores: Scores, samples: Sequence[str]) -> list[MetricOverview]:
    """Find the worst scores of every metric and sample: in all, by bin and by feature.

    Args:
        scores: All scores.
        samples: Names of the samples, in the order of the columns.

    Returns:
        The metrics in their order among the scores.
    """
    groups: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        feature = score.feature if score.metric in _BY_FEATURE else ""
        groups.setdefault((score.metric, feature), []).append(score)
    return [_overview(*key, group, samples) for key, group in groups.items()]


def _overview(
    metric: str, feature: str, scores: Sequence[Score], samples: Sequence[str]
) -> MetricOverview:
    total = [score for score in scores if score.integrated]
    floors = [score.floor for score in total if np.isfinite(score.floor)]
    return MetricOverview(
        metric=metric,
        feature=feature,
        floor=float(np.median(floors)) if floors else math.nan,
        n_scores=len(scores),
        total=_row((), total, samples),
        binned=_row((), [score for score in scores if not score.integrated], samples),
        bins=_rows(scores, samples, lambda score: (score.energy_bin, score.eta_bin)),
        features=_rows(total, samples, lambda score: (score.feature,)),
    )


def _rows(
    scores: Sequence[Score], samples: Sequence[str], title: Callable[[Score], tuple[str, ...]]
) -> tuple[OverviewRow, ...]:
    groups: dict[tuple[str, ...], list[Score]] = {}
    for score in scores:
        groups.setdefault(title(score), []).append(score)
    return tuple(_row(key, group, samples) for key, group in groups.items())


def _row(title: tuple[str, ...], scores: Sequence[Score], samples: Sequence[str]) -> OverviewRow:
    cells = (_worst(score for score in scores if score.sample == name) for name in samples)
    return OverviewRow(title, tuple(cells))


def _worst(scores: Iterable[Score]) -> OverviewCell | None:
    known = [(distance(score), score) for score in scores if np.isfinite(score.value)]
    if not known:
        return None
    farthest, worst = max(known, key=lambda pair: -np.inf if np.isnan(pair[0]) else pair[0])
    return OverviewCell(worst, farthest, len(known), sum(far > NOTABLE for far, _ in known))
