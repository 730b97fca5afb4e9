"""Where a shower seems to be: barycentres of its cells less the direction of the photon."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.position.draw import position_figures
from calovox.report.topics.position.measure import PositionResult, measure_position
from calovox.report.topics.position.page import page_position
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["PositionTopic"]


class PositionTopic:
    """Where a shower seems to be."""

    name = "position"
    heading = Heading("position", "Position")

    def measure(self, samples: Samples) -> PositionResult | NotShown:
        return measure_position(samples)

    def figures(self, result: PositionResult) -> Iterator[NamedFigure]:
        return position_figures(result)

    def page(self, result: PositionResult) -> Mapping[str, object]:
        return page_position(result)

    def numbers(self, result: PositionResult | None) -> Mapping[str, object]:
        return {"position": None if result is None else result.settings}

    def scores(self, result: PositionResult) -> Scores:
        return Scores()
