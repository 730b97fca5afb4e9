"""The figures of a report: their names, and how each is drawn."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from matplotlib.figure import Figure

from calovox.report.collection import Report
from calovox.report.histogram_pages import simulations_of
from calovox.report.page import average_name
from calovox.report.topics.energy_slices.figures import slices_figure, slices_summary_figure
from calovox.report.topics.energy_slices.page import slices_name
from calovox.report.topics.inputs.figures import interpolation_figure, spectrum_figure
from calovox.report.topics.phi_modulation.figures import (
    curves_figure,
    energies_figure,
    loss_figure,
)
from calovox.report.topics.response.figures import (
    fractions_figure,
    gap_figure,
    response_figure,
    response_profiles_figure,
    response_slices_figure,
)
from calovox.report.topics.shapes.figures import shapes_figure, summary_figure
from calovox.report.topics.shapes.page import shapes_name, summary_name
from calovox.report.topics.showers.figures import average_figure, image_figure
from calovox.voxelization import VoxelGrid

__all__ = ["NamedFigure", "report_figures"]

NamedFigure: TypeAlias = tuple[str, Callable[[], Figure]]
"""Name of a figure, and a function that draws it."""


def report_figures(report: Report) -> Iterator[NamedFigure]:
    """List all figures of a report.

    Args:
        report: All results.

    Yields:
        The name of each figure and a function that draws it.
    """
    for compared in report.regions:
        if simulations_of(compared.observables[0]):
            yield summary_name(compared), partial(summary_figure, compared)
        yield shapes_name(compared), partial(shapes_figure, compared)
    yield from _response_figures(report)
    shown = [result for result in report.slices if result.slices]
    for result in shown:
        yield slices_name(result), partial(slices_figure, result)
    if any(result.averages for result in shown):
        yield "slices-summary", partial(slices_summary_figure, shown)
    for shower in report.averages:
        yield average_name(shower, report.averages), partial(average_figure, shower)
    if report.image is not None:
        yield "one-shower", partial(image_figure, report.image, VoxelGrid.optimal())
    yield from _phi_modulation_figures(report)
    yield "spectrum", partial(spectrum_figure, report.spectrum)
    yield "interpolation", partial(interpolation_figure, report.interpolations)


def _response_figures(report: Report) -> Iterator[NamedFigure]:
    if report.responses:
        first = report.responses[0]
        yield "response", partial(response_figure, first)
        yield "response-profiles", partial(response_profiles_figure, report.responses)
        yield "layer-fractions", partial(fractions_figure, first)
    if report.sliced_response is not None and report.sliced_response.maps:
        yield "response-gap", partial(gap_figure, report.sliced_response)
    if report.sliced_response is not None and report.sliced_response.slices:
        yield "response-slices", partial(response_slices_figure, report.sliced_response)


def _phi_modulation_figures(report: Report) -> Iterator[NamedFigure]:
    if report.phi_modulation is None:
        return
    yield "phi-modulation", partial(curves_figure, report.phi_modulation)
    yield "phi-modulation-loss", partial(loss_figure, report.phi_modulation)
    if report.phi_modulation.test is not None:
        yield "phi-modulation-energies", partial(energies_figure, report.phi_modulation.test)
