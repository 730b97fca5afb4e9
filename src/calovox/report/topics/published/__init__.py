"""Published results of the CaloChallenge, with one's own beside them."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.published.measure import PublishedTable, measure_published
from calovox.report.topics.published.page import page_published
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["PublishedTopic"]


class PublishedTopic:
    """Published results of the data set, with one's own beside them.

    Args:
        scores: All scores.
    """

    name = "published"
    heading = Heading("challenge", "CaloChallenge")

    def __init__(self, scores: Scores) -> None:
        self._scores = scores

    def measure(self, samples: Samples) -> PublishedTable | NotShown:
        return measure_published(samples, self._scores)

    def figures(self, result: PublishedTable) -> Iterator[NamedFigure]:
        return iter(())

    def page(self, result: PublishedTable) -> Mapping[str, object]:
        return page_published(result)

    def numbers(self, result: PublishedTable | None) -> Mapping[str, object]:
        return {"published": result}

    def scores(self, result: PublishedTable) -> Scores:
        return Scores()
