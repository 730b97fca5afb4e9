"""Figures of positions: histograms of the barycentres less the photon, each with a ratio panel."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from matplotlib.figure import Figure

from calovox.report.histogram_pages import HistogramPanel, histogram_page, simulations_of
from calovox.report.topic import NamedFigure
from calovox.report.topics.position.measure import PositionResult, PositionSetting

__all__ = ["position_figure", "position_figures", "position_name"]

_LOGARITHMIC: Final = ("bary_eta_1",)
"""Counts on a logarithmic axis; the others have no tails, since their cells are wide."""


def position_figures(result: PositionResult) -> Iterator[NamedFigure]:
    """List the figures: without noise, and with it if it was asked for."""
    for setting in result.settings:
        yield position_name(setting), partial(position_figure, setting)


def position_name(setting: PositionSetting) -> str:
    """Name the figure of all barycentres."""
    return "position-noise" if setting.noise else "position"


def position_figure(setting: PositionSetting) -> Figure:
    """Draw all barycentres."""
    panels = [
        HistogramPanel(
            *(entry.result, entry.observable.label, f"({letter})", ""),
            log=entry.observable.name in _LOGARITHMIC,
        )
        for letter, entry in zip("abcd", setting.barycentres, strict=True)
    ]
    how = "with electronic noise" if setting.noise else "without noise, cells above 1 MeV"
    simulations = simulations_of(setting.barycentres[0].result)
    return histogram_page(panels, f"Position – {how}", simulations, n_columns=2)
