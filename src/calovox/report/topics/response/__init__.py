"""E_tot / E_kin and the layers against abs(eta) (note, Figure 12)."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.response.figures import response_figures
from calovox.report.topics.response.measure import ResponseResult, measure_all
from calovox.report.topics.response.page import page_response
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["ResponseTopic"]


class ResponseTopic:
    """E_tot / E_kin and the layers against abs(eta)."""

    name = "response"
    heading = Heading("response", "Response and layers")

    def measure(self, samples: Samples) -> ResponseResult | NotShown:
        return measure_all(samples)

    def figures(self, result: ResponseResult) -> Iterator[NamedFigure]:
        return response_figures(result)

    def page(self, result: ResponseResult) -> Mapping[str, object]:
        return page_response(result)

    def numbers(self, result: ResponseResult | None) -> Mapping[str, object]:
        return {
            "responses": () if result is None else result.responses,
            "sliced_response": None if result is None else result.sliced,
        }

    def scores(self, result: ResponseResult) -> Scores:
        return Scores()
