"""How to read the numbers: bins, chi2, matched showers, the calibration."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure
from calovox.report.topics.method.measure import MethodResult, measure_method
from calovox.report.topics.method.page import page_method
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["MethodTopic"]


class MethodTopic:
    """How to read the numbers: bins, chi2, matched showers, the calibration."""

    name = "method"
    heading = Heading("method", "How to read the numbers")

    def measure(self, samples: Samples) -> MethodResult:
        return measure_method(samples)

    def figures(self, result: MethodResult) -> Iterator[NamedFigure]:
        return iter(())

    def page(self, result: MethodResult) -> Mapping[str, object]:
        return page_method(result)

    def numbers(self, result: MethodResult | None) -> Mapping[str, object]:
        return {"calibration": {} if result is None else _calibration(result)}

    def scores(self, result: MethodResult) -> Scores:
        return Scores()


def _calibration(result: MethodResult) -> Mapping[str, object]:
    arrays = {} if result.calibration is None else result.calibration.to_arrays()
    return {"stored": result.stored, **arrays}
