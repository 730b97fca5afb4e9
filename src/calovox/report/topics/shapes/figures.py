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

from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calovox.reconstruction import SHAPE_VARIABLES, ShapeVariable
from calovox.report.histogram_pages import (
    HistogramPanel,
    histogram_page,
    legend_size,
    simulations_of,
)
from calovox.report.style import simulated_marker
from calovox.report.summaries import (
    plot_chi2,
    plot_shifts,
    plot_spreads,
)
from calovox.report.topics.shapes.measure import ObservableResult, RegionResult
from calovox.samples.files import REFERENCE_LABEL
from calovox.samples.sample import OBSERVABLES
from calovox.units import GEV, format_energy

__all__ = ["shapes_figure", "summary_figure"]

_VARIABLES: Final = {variable.name: variable for variable in OBSERVABLES}


def shapes_figure(result: RegionResult) -> Figure:
    """Draw the nine shower shapes of one region, each with a ratio panel.

    Args:
        result: All comparisons of the region.

    Returns:
        The page.
    """
    by_name = {observable.name: observable for observable in result.observables}
    panels = [
        _panel(by_name[variable.name], variable, f"({letter})")
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
    for ax, plot in zip(axes, (plot_chi2, plot_shifts, plot_spreads), strict=True):
        plot(result, ax)
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


def _panel(result: ObservableResult, variable: ShapeVariable, letter: str) -> HistogramPanel:
    scale, label = 1.0, variable.label
    if variable.unit == "MeV" and result.reference.edges[-1] >= 10 * GEV:
        scale, label = 1.0 / GEV, f"{variable.symbol} [GeV]"
    return HistogramPanel(
        result, label, letter, variable.description, scale=scale, log=variable.log_y
    )
