"""Shower shapes, region by region (note, Figures 13 to 16 and D.1)."""

from collections.abc import Iterator, Mapping

from calovox.report.comparison import score_chi2
from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.shapes.draw import shapes_figures
from calovox.report.topics.shapes.measure import ShapesResult, measure_shapes
from calovox.report.topics.shapes.page import page_shapes
from calovox.samples.samples import Samples
from calovox.scores.table import Score, Scores

__all__ = ["ShapesTopic"]


class ShapesTopic:
    """Shower shapes, region by region."""

    name = "shapes"
    heading = Heading("shapes", "Shower shapes")

    def measure(self, samples: Samples) -> ShapesResult | NotShown:
        return measure_shapes(samples)

    def figures(self, result: ShapesResult) -> Iterator[NamedFigure]:
        return shapes_figures(result)

    def page(self, result: ShapesResult) -> Mapping[str, object]:
        return page_shapes(result)

    def numbers(self, result: ShapesResult | None) -> Mapping[str, object]:
        return {"regions": () if result is None else result.regions}

    def scores(self, result: ShapesResult) -> Scores:
        rows: list[Score] = []
        for entry in result.regions:
            energy, eta = str(entry.region).split(", ", maxsplit=1)
            for observable in entry.observables:
                rows += score_chi2(observable, energy, eta)
        return Scores(tuple(rows))
