"""All scores, in bins and by feature."""

from calovox.report.topic import NotShown
from calovox.report.topics.overview.measure import OverviewResult, measure_overview
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["measure_scores"]


def measure_scores(samples: Samples, scores: Scores) -> OverviewResult | NotShown:
    """Arrange the scores by metric; without any, nothing is shown and nothing is missing."""
    return measure_overview(samples, scores) if scores else NotShown(())
