"""What the simulation draws from (note, Figures 5 and 7)."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.inputs.draw import inputs_figures
from calovox.report.topics.inputs.measure import InputsResult, measure_inputs
from calovox.report.topics.inputs.page import page_inputs
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["InputsTopic"]


class InputsTopic:
    """What the simulation draws from: energies, and radii inside a voxel."""

    name = "inputs"
    heading = Heading("inputs", "Spectrum and interpolation")

    def measure(self, samples: Samples) -> InputsResult | NotShown:
        return NotShown(()) if samples.of_challenge else measure_inputs()

    def figures(self, result: InputsResult) -> Iterator[NamedFigure]:
        return inputs_figures(result)

    def page(self, result: InputsResult) -> Mapping[str, object]:
        return page_inputs(result)

    def numbers(self, result: InputsResult | None) -> Mapping[str, object]:
        return {
            "spectrum": None if result is None else result.spectrum,
            "interpolations": () if result is None else result.interpolations,
        }

    def scores(self, result: InputsResult) -> Scores:
        return Scores()
