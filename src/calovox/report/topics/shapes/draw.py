"""Figures of shower shapes in one region (note, Figures 13 to 16 and D.1), and their summary.

A figure is a function of the reference, the simulations and the region:

```python
files = EvaluationFiles(
    reference=[Path("geant4.h5")], simulated={"CaloCFM": [Path("calocfm.h5")]}
)
geant4, *others = read_samples(files).reconstructed
with style():
    figure = shapes_figure(compare_region(geant4, others, CENTRAL))
    figure.savefig("figure_14.pdf")
```
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter

from calovox.arrays import Array, Float64
from calovox.reconstruction import SHAPE_VARIABLES, ShapeVariable
from calovox.report.comparison import ObservableResult
from calovox.report.histogram_pages import (
    HistogramPanel,
    histogram_page,
    legend_size,
    simulations_of,
)
from calovox.report.histograms import SMALLEST_CHI2, Drawn
from calovox.report.style import simulated_marker
from calovox.report.topic import NamedFigure
from calovox.report.topics.shapes.measure import RegionResult, ShapesResult
from calovox.samples.files import REFERENCE_LABEL
from calovox.samples.sample import OBSERVABLES
from calovox.units import GEV, format_energy

__all__ = [
    "SMALLEST_SPREAD",
    "plot_chi2",
    "plot_shifts",
    "plot_spreads",
    "shapes_figure",
    "shapes_figures",
    "shapes_name",
    "summary_figure",
    "summary_name",
]

SMALLEST_SPREAD: Final = 0.3
"""Spreads below this, in per cent, are drawn at this value."""

_PLAIN_NUMBERS: Final = StrMethodFormatter("{x:g}")
_VARIABLES: Final = {variable.name: variable for variable in OBSERVABLES}


def shapes_figures(result: ShapesResult) -> Iterator[NamedFigure]:
    """List the figures of all regions."""
    for region in result.regions:
        if simulations_of(region.observables[0]):
            yield summary_name(region), partial(summary_figure, region)
        yield shapes_name(region), partial(shapes_figure, region)


def shapes_name(result: RegionResult) -> str:
    """Name the figure of a region's shower shapes."""
    return f"shapes-{result.region.name}"


def summary_name(result: RegionResult) -> str:
    """Name the figure that sums up a region."""
    return f"summary-{result.region.name}"


def shapes_figure(result: RegionResult) -> Figure:
    """Draw the nine shower shapes of one region, each with a ratio panel.

    Args:
        result: All comparisons of the region.

    Returns:
        The page.
    """
    by_name = {observable.name: observable for observable in result.observables}
    panels = [
        _panel(by_name[variable.name], variable, f"({letter})", result.describe(variable))
        for letter, variable in zip("abcdefghi", SHAPE_VARIABLES, strict=True)
    ]
    region = result.region
    scaled = "" if region.discrete else f", energies scaled to {format_energy(region.energy)}"
    return histogram_page(
        panels,
        f"{region} – {result.n_reference} {REFERENCE_LABEL} events{scaled}",
        simulations_of(result.observables[0]),
    )


def summary_figure(result: RegionResult) -> Figure:
    """Draw chi2 and event-by-event differences of all observables of one region.

    Args:
        result: All comparisons of the region.

    Returns:
        Three panels with a common list of observables.
    """
    figure = Figure(figsize=(11.0, 4.9))
    axes = figure.subplots(1, 3, sharey=True)
    figure.subplots_adjust(left=0.085, right=0.985, bottom=0.115, top=0.86, wspace=0.08)
    left_out = _left_out(result)
    for ax, plot in zip(axes, (plot_chi2, plot_shifts, plot_spreads), strict=True):
        plot(result, ax)
        if plot is not plot_chi2:
            ax.set_title(left_out, fontsize=8, color="0.35", pad=3)
        for row in range(1, len(result.observables), 2):
            ax.axhspan(row - 0.5, row + 0.5, color="0.96", zorder=-2)
        ax.tick_params(axis="y", which="both", left=False, right=False)
        ax.grid(axis="x", color="0.88", linewidth=0.6, zorder=-1)
        ax.set_axisbelow(True)
    rows = np.arange(len(result.observables))
    axes[0].set_yticks(rows, [_VARIABLES[entry.name].symbol for entry in result.observables])
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    simulations = simulations_of(result.observables[0])
    labels = [f"{REFERENCE_LABEL} halves (68 % of splits)", *simulations.values()]
    figure.legend(
        [
            Patch(facecolor="0.82"),
            *(Line2D([], [], **simulated_marker(place)) for place in simulations),
        ],
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.945),
        ncols=len(labels),
        fontsize=legend_size(labels),
    )
    figure.text(0.5, 0.955, str(result.region), ha="center", fontsize=11)
    return figure


def _left_out(result: RegionResult) -> str:
    """Say how many simulations have no showers to compare with one by one."""
    simulated = [entry.simulated for entry in result.observables]
    n_alone = sum(all(one.paired is None for one in same) for same in zip(*simulated, strict=True))
    if not n_alone:
        return ""
    return f"{n_alone} of {len(simulated[0])} simulations share no showers with {REFERENCE_LABEL}"


def plot_chi2(result: RegionResult, ax: Axes) -> Drawn:
    """Draw chi2/ndf of every observable and simulation beside the floor of random halves."""
    rows = np.arange(len(result.observables))
    floors = [observable.floor for observable in result.observables]
    floor = ax.barh(
        rows,
        [entry.high - entry.low for entry in floors],
        left=[entry.low for entry in floors],
        height=0.8,
        color="0.82",
        label="Geant4 halves (68 %)",
    )
    artists: Drawn = [floor]
    ax.axvline(1.0, color="black", linewidth=0.8)
    for place, offset in enumerate(_row_offsets(result)):
        values = np.array([entry.simulated[place].chi2.reduced for entry in result.observables])
        artists += ax.plot(
            np.maximum(values, SMALLEST_CHI2), rows + offset, **simulated_marker(place)
        )
    ax.set_xscale("log")
    ax.set_xlim(left=0.8 * SMALLEST_CHI2)
    ax.xaxis.set_major_formatter(_PLAIN_NUMBERS)
    ax.set_xlabel(r"$\chi^2$/ndf")
    return artists


def plot_shifts(result: RegionResult, ax: Axes) -> Drawn:
    """Draw the mean event-by-event shift of every observable, in per cent of its width."""
    artists: Drawn = []
    ax.axvline(0.0, color="black", linewidth=0.8)
    for place, offset in enumerate(_row_offsets(result)):
        pairs = [entry.simulated[place].paired for entry in result.observables]
        shift = np.array([np.nan if pair is None else 100 * pair.shift for pair in pairs])
        error = np.array([np.nan if pair is None else 100 * pair.shift_error for pair in pairs])
        rows = np.arange(len(pairs)) + offset
        artists.append(ax.errorbar(shift, rows, xerr=error, **simulated_marker(place)))
    ax.set_xscale("symlog", linthresh=1.0, linscale=0.7)
    ax.xaxis.set_major_formatter(_PLAIN_NUMBERS)
    ax.set_xlabel("Mean shift [% of the RMS]")
    return artists


def plot_spreads(result: RegionResult, ax: Axes) -> Drawn:
    """Draw the spread of the event-by-event difference, in per cent of the observable's width."""
    artists: Drawn = []
    for place, offset in enumerate(_row_offsets(result)):
        pairs = [entry.simulated[place].paired for entry in result.observables]
        spread = np.array([np.nan if pair is None else 100 * pair.spread for pair in pairs])
        artists += ax.plot(
            np.maximum(spread, SMALLEST_SPREAD),
            np.arange(len(pairs)) + offset,
            **simulated_marker(place),
        )
    ax.set_xscale("log")
    ax.set_xlim(left=0.8 * SMALLEST_SPREAD)
    ax.xaxis.set_major_formatter(_PLAIN_NUMBERS)
    ax.set_xlabel("Spread of the shift [% of the RMS]")
    return artists


def _panel(
    result: ObservableResult, variable: ShapeVariable, letter: str, description: str
) -> HistogramPanel:
    scale, label = 1.0, variable.label
    if variable.unit == "MeV" and result.reference.edges[-1] >= 10 * GEV:
        scale, label = 1.0 / GEV, f"{variable.symbol} [GeV]"
    return HistogramPanel(result, label, letter, description, scale=scale, log=variable.log_y)


def _row_offsets(result: RegionResult) -> Float64[Array, " simulation"]:
    n_simulated = len(result.observables[0].simulated)
    return np.asarray(
        0.5 * (np.arange(n_simulated) - 0.5 * (n_simulated - 1)) / max(n_simulated, 1)
    )
