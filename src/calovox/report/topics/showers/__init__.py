"""Pictures of showers: averages on grids, and one in pixels (note, Figures 2 to 4)."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.showers.draw import showers_figures
from calovox.report.topics.showers.measure import NamedAverage, ShowersResult, measure_showers
from calovox.report.topics.showers.page import page_showers
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["ShowersTopic"]


class ShowersTopic:
    """Pictures of showers: averages on grids, and one in pixels."""

    name = "showers"
    heading = Heading("showers", "Showers and grids")

    def measure(self, samples: Samples) -> ShowersResult | NotShown:
        return measure_showers(samples)

    def figures(self, result: ShowersResult) -> Iterator[NamedFigure]:
        return showers_figures(result)

    def page(self, result: ShowersResult) -> Mapping[str, object]:
        return page_showers(result)

    def numbers(self, result: ShowersResult | None) -> Mapping[str, object]:
        return {
            "average_showers": [] if result is None else [*map(_numbers, result.averages)],
            "one_shower": None if result is None else result.image,
        }

    def scores(self, result: ShowersResult) -> Scores:
        return Scores()


def _numbers(shown: NamedAverage) -> Mapping[str, object]:
    shower = shown.shower
    borders = ("layer", "r_min", "r_max", "alpha_min", "alpha_max")
    return {
        "name": shown.name,
        "region": shower.region,
        "n_events": shower.n_events,
        **{name: getattr(shower.grid, name) for name in borders},
        "density": shower.density,
    }
