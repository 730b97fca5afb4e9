"""The phi modulation, and showers at new azimuths (note, Figures 9 and 10)."""

from collections.abc import Iterator, Mapping

from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.phi_modulation.draw import phi_modulation_figures
from calovox.report.topics.phi_modulation.measure import (
    PhiModulationResult,
    measure_phi_modulation,
)
from calovox.report.topics.phi_modulation.page import page_phi_modulation
from calovox.samples.samples import Samples
from calovox.scores.table import Scores

__all__ = ["PhiModulationTopic"]


class PhiModulationTopic:
    """The phi modulation, and showers at new azimuths."""

    name = "phi_modulation"
    heading = Heading("phi", "Phi modulation")

    def measure(self, samples: Samples) -> PhiModulationResult | NotShown:
        return measure_phi_modulation(samples)

    def figures(self, result: PhiModulationResult) -> Iterator[NamedFigure]:
        return phi_modulation_figures(result)

    def page(self, result: PhiModulationResult) -> Mapping[str, object]:
        return page_phi_modulation(result)

    def numbers(self, result: PhiModulationResult | None) -> Mapping[str, object]:
        return {"phi_modulation": result}

    def scores(self, result: PhiModulationResult) -> Scores:
        return Scores()
