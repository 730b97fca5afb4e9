"""E_tot / E_kin in slices of kinetic energy (note, Figures C.1 and C.2)."""

from collections.abc import Iterator, Mapping

from calovox.report.comparison import score_chi2
from calovox.report.topic import Heading, NamedFigure, NotShown
from calovox.report.topics.energy_slices.draw import slices_figures
from calovox.report.topics.energy_slices.measure import SlicesResults, slice_samples
from calovox.report.topics.energy_slices.page import page_slices
from calovox.samples.samples import Samples
from calovox.scores.table import Score, Scores
from calovox.units import format_energy

__all__ = ["EnergySlicesTopic"]


class EnergySlicesTopic:
    """E_tot / E_kin in slices of kinetic energy."""

    name = "energy_slices"
    heading = Heading("slices", "Energy in slices")

    def measure(self, samples: Samples) -> SlicesResults | NotShown:
        return slice_samples(samples)

    def figures(self, result: SlicesResults) -> Iterator[NamedFigure]:
        return slices_figures(result.ranges)

    def page(self, result: SlicesResults) -> Mapping[str, object]:
        return page_slices(result.ranges)

    def numbers(self, result: SlicesResults | None) -> Mapping[str, object]:
        return {"energy_slices": () if result is None else result.ranges}

    def scores(self, result: SlicesResults) -> Scores:
        rows: list[Score] = []
        for entry in result.ranges:
            for part in entry.slices:
                where = format_energy(part.energy), str(entry.eta_range)
                rows += score_chi2(part.observable, *where)
        return Scores(tuple(rows))
