"""Figures of the phi modulation: axes laid out on pages, filled by the plot functions."""

from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calovox.report.histograms import BAND_COLOR, plot_distribution, plot_ratio
from calovox.report.style import REFERENCE_COLOR, drawn_name, simulated_line
from calovox.report.topics.phi_modulation.draw import (
    plot_average_profile,
    plot_curves,
    plot_loss,
    plot_phase_response,
    plot_widths,
)
from calovox.report.topics.phi_modulation.measure import EnergyTest, PhiModulationResult
from calovox.samples.sample import REFERENCE_LABEL
from calovox.units import GEV, format_energy

__all__ = ["curves_figure", "energies_figure", "loss_figure"]

_ROW_HEIGHT: Final = 3.6


def curves_figure(result: PhiModulationResult) -> Figure:
    """Draw average showers, E_tot(T) before and after, and the learned curves (Figure 9).

    Args:
        result: The phi modulation's numbers.

    Returns:
        The page: average showers above if they are known, then a row per |eta| range.
    """
    modulation = result.fit.modulation
    n_ranges = len(modulation.values)
    n_rows = n_ranges + (result.average is not None)
    figure = Figure(figsize=(11.0, 0.5 + _ROW_HEIGHT * n_rows), layout="constrained")
    grid = figure.add_gridspec(n_rows, 2)
    if result.average is not None:
        ax = figure.add_subplot(grid[0, :])
        plot_average_profile(result.average, ax)
        ax.set_title("(a) average shower in bins of $T$", loc="left")
    for row in range(n_ranges):
        low, high = modulation.eta_edges[row : row + 2]
        where = f"{low:g} ≤ |η| < {high:g}, {result.fit.n_showers[row]} placed showers"
        left = figure.add_subplot(grid[n_rows - n_ranges + row, 0])
        plot_phase_response(result.fit, row, left)
        left.set_title(f"(b) {where}", loc="left")
        right = figure.add_subplot(grid[n_rows - n_ranges + row, 1])
        plot_curves(modulation, result.truth, row, right)
        right.set_title(f"(c) {low:g} ≤ |η| < {high:g}", loc="left")
    return figure


def loss_figure(result: PhiModulationResult) -> Figure:
    """Draw the loss of the fit.

    Args:
        result: The phi modulation's numbers.

    Returns:
        One panel.
    """
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    plot_loss(result.fit, figure.subplots())
    return figure


def energies_figure(test: EnergyTest) -> Figure:
    """Draw raw and calibrated energies of displaced showers, and their widths (Figure 10).

    Args:
        test: Energies of displaced showers against Geant4.

    Returns:
        Two histograms with ratio panels, and the widths.
    """
    figure = Figure(figsize=(13.0, 4.9))
    outer = figure.add_gridspec(1, 3, left=0.05, right=0.99, bottom=0.105, top=0.84, wspace=0.22)
    titles = (r"(a) raw energy", r"(b) calibrated energy, corrected in $T$")
    labels = (r"$E_\mathrm{raw}$ [GeV]", r"$E_\mathrm{cal}$ [GeV]")
    for place, observable in enumerate((test.raw, test.calibrated)):
        inner = outer[place].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.05)
        main, ratio = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        plot_distribution(observable, main, scale=1.0 / GEV)
        plot_ratio(observable, ratio, scale=1.0 / GEV)
        main.set_title(titles[place], loc="left")
        main.tick_params(labelbottom=False)
        main.set_ylabel("Showers")
        ratio.set_ylabel(f"Sim. / {REFERENCE_LABEL}", fontsize=9)
        ratio.set_xlabel(labels[place])
    widths = figure.add_subplot(outer[2])
    plot_widths(test, widths)
    widths.set_title("(c) iterated width within 3σ", loc="left")
    reference: Any = (Patch(facecolor=BAND_COLOR), Line2D([], [], color=REFERENCE_COLOR))
    n_lines = len(test.widths) - 1
    figure.legend(
        [reference, *(Line2D([], [], **simulated_line(place)) for place in range(n_lines))],
        [f"{drawn_name(width.label)} ({width.n_events} showers)" for width in test.widths],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.955),
        ncols=1 + n_lines,
        fontsize=10.5,
    )
    figure.text(
        0.5,
        0.965,
        f"{format_energy(test.energy)} photons at random azimuths",
        ha="center",
        fontsize=11,
    )
    return figure
