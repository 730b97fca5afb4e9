"""All scores, in bins and by feature."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import NamedFigure, NotShown
from calovox.report.topics.overview.measure import OverviewResult
from calovox.report.topics.scores.measure import measure_scores
from calovox.report.topics.scores.page import page_scores
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["ScoresTopic"]


class ScoresTopic:
    """All scores, in bins and by feature.

    Args:
        scores: All scores.
    """

    name = "scores"
    heading = None

    def __init__(self, scores: Scores) -> None:
        self._scores = scores

    def measure(self, samples: Samples) -> OverviewResult | NotShown:
        return measure_scores(samples, self._scores)

    def figures(self, result: OverviewResult) -> Iterator[NamedFigure]:
        return iter(())

    def page(self, result: OverviewResult) -> Mapping[str, object]:
        return page_scores(result)

    def numbers(self, result: OverviewResult | None) -> Mapping[str, object]:
        return {}

    def scores(self, result: OverviewResult) -> Scores:
        return Scores()
