"""How well each sample can be told apart, at least: the largest AUC of all classifiers."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import NamedFigure, NotShown
from calovox.report.topics.lower_bound.measure import LowerBound, measure_lower_bound
from calovox.report.topics.lower_bound.page import page_lower_bound
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["LowerBoundTopic"]


class LowerBoundTopic:
    """How well each sample can be told apart, at least.

    Args:
        scores: All scores.
    """

    name = "lower_bound"
    heading = None

    def __init__(self, scores: Scores) -> None:
        self._scores = scores

    def measure(self, samples: Samples) -> tuple[LowerBound, ...] | NotShown:
        return measure_lower_bound(self._scores)

    def figures(self, result: tuple[LowerBound, ...]) -> Iterator[NamedFigure]:
        return iter(())

    def page(self, result: tuple[LowerBound, ...]) -> Mapping[str, object]:
        return page_lower_bound(result)

    def numbers(self, result: tuple[LowerBound, ...] | None) -> Mapping[str, object]:
        return {"lower_bounds": result or ()}

    def scores(self, result: tuple[LowerBound, ...]) -> Scores:
        return Scores()
