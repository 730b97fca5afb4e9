"""What the gates say."""

from collections.abc import Iterator, Mapping, Sequence

from calovox.report.topic import NamedFigure, NotShown
from calovox.report.topics.gates.measure import measure_gates
from calovox.report.topics.gates.page import page_gates
from calovox.samples.samples import Samples
from calovox.scores.gates.gates import GateOutcome
from calovox.scores.gates.summary import GateSummary
from calovox.scores.table import Scores

__all__ = ["GatesTopic"]


class GatesTopic:
    """What the gates say.

    Args:
        outcomes: What they say of each score.
    """

    name = "gates"
    heading = None

    def __init__(self, outcomes: Sequence[GateOutcome]) -> None:
        self._outcomes = outcomes

    def measure(self, samples: Samples) -> tuple[GateSummary, ...] | NotShown:
        return measure_gates(self._outcomes)

    def figures(self, result: tuple[GateSummary, ...]) -> Iterator[NamedFigure]:
        return iter(())

    def page(self, result: tuple[GateSummary, ...]) -> Mapping[str, object]:
        return page_gates(result)

    def numbers(self, result: tuple[GateSummary, ...] | None) -> Mapping[str, object]:
        return {"gates": result or ()}

    def scores(self, result: tuple[GateSummary, ...]) -> Scores:
        return Scores()
