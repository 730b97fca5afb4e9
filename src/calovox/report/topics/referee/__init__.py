"""Boosted trees that tell simulated showers from those of the reference, and what they see."""

from collections.abc import Callable, Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.referee.draw import referee_figures
from calovox.report.topics.referee.measure import RefereeTopicResult, measure_referee
from calovox.report.topics.referee.page import page_referee
from calovox.samples.samples import Samples
from calovox.scores.referee.scores import score_referee
from calovox.scores.table import Scores

__all__ = ["RefereeTopic"]


class RefereeTopic:
    """Boosted trees that tell simulated showers from those of the reference.

    Args:
        say: Called with one line before each training.
    """

    name = "referee"
    heading = Heading("referee", "Referee")

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def measure(self, samples: Samples) -> RefereeTopicResult | NotShown:
        return measure_referee(samples, self._say)

    def figures(self, result: RefereeTopicResult) -> Iterator[NamedFigure]:
        return referee_figures(result)

    def page(self, result: RefereeTopicResult) -> Mapping[str, object]:
        return page_referee(result)

    def numbers(self, result: RefereeTopicResult | None) -> Mapping[str, object]:
        return {"referee": None if result is None else result.numbers()}

    def scores(self, result: RefereeTopicResult) -> Scores:
        return sum((score_referee(part.result) for part in result.parts), Scores())
