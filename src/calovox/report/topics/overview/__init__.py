"""The worst scores of every metric and sample."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure
from calovox.report.topics.overview.measure import OverviewResult, measure_overview
from calovox.report.topics.overview.page import page_overview
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["OverviewTopic"]


class OverviewTopic:
    """The worst scores of every metric and sample.

    Args:
        scores: All scores.
    """

    name = "overview"
    heading = Heading("overview", "Overview")

    def __init__(self, scores: Scores) -> None:
        self._scores = scores

    def measure(self, samples: Samples) -> OverviewResult:
        return measure_overview(samples, self._scores)

    def figures(self, result: OverviewResult) -> Iterator[NamedFigure]:
        return iter(())

    def page(self, result: OverviewResult) -> Mapping[str, object]:
        return page_overview(result)

    def numbers(self, result: OverviewResult | None) -> Mapping[str, object]:
        return {}

    def scores(self, result: OverviewResult) -> Scores:
        return Scores()
