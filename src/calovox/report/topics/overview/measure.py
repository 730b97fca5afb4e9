"""The worst score of every metric and sample."""

from dataclasses import dataclass

from calovox.samples.samples import Samples
from calovox.scores.overview import MetricOverview, metric_overviews
from calovox.scores.table import Scores

__all__ = ["OverviewResult", "measure_overview"]


@dataclass(frozen=True)
class OverviewResult:
    """The worst scores.

    Attributes:
        labels: Names of the samples, in the order of the columns.
        metrics: One entry per metric.
        n_scores: How many scores there are.
    """

    labels: tuple[str, ...]
    metrics: tuple[MetricOverview, ...]
    n_scores: int


def measure_overview(samples: Samples, scores: Scores) -> OverviewResult:
    """Find the worst scores; samples stand in the order of the report."""
    drawn = (sample.label for sample in samples.reconstructed[1:])
    labels = tuple(dict.fromkeys([*drawn, *(score.sample for score in scores)]))
    return OverviewResult(labels, tuple(metric_overviews(scores, labels)), len(scores))
