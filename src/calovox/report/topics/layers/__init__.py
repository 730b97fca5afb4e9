"""Layers by their voxels, for any detector: shares, occupancies, centres and widths."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.layers.draw import layers_figures
from calovox.report.topics.layers.measure import LayersResult, measure_layers
from calovox.report.topics.layers.page import page_layers
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["LayersTopic"]


class LayersTopic:
    """Layers by their voxels."""

    name = "layers"
    heading = Heading("layers", "Layers")

    def measure(self, samples: Samples) -> LayersResult | NotShown:
        return measure_layers(samples)

    def figures(self, result: LayersResult) -> Iterator[NamedFigure]:
        return layers_figures(result)

    def page(self, result: LayersResult) -> Mapping[str, object]:
        return page_layers(result)

    def numbers(self, result: LayersResult | None) -> Mapping[str, object]:
        return {"layers": None if result is None else result}

    def scores(self, result: LayersResult) -> Scores:
        return Scores()
