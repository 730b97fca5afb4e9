"""Figures of the report: axes laid out on pages, filled by the plot functions, with labels."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calovox.arrays import LAYER_NAMES
from calovox.evaluation.comparison import ObservableResult, RegionResult
from calovox.evaluation.illustrations import Interpolation, Spectrum
from calovox.evaluation.plots_histograms import (
    BAND_COLOR,
    plot_distribution,
    plot_interpolation,
    plot_ratio,
    plot_spectrum,
    plot_spectrum_ratio,
    simulated_line,
    simulated_marker,
)
from calovox.evaluation.plots_showers import (
    plot_average_shower,
    plot_eta_phi,
    plot_grid,
    plot_local,
)
from calovox.evaluation.plots_summaries import (
    plot_chi2,
    plot_shifts,
    plot_spreads,
)
from calovox.evaluation.samples import OBSERVABLES, REFERENCE_LABEL
from calovox.evaluation.showers import AverageShower, ShowerImage
from calovox.evaluation.style import REFERENCE_COLOR
from calovox.reconstruction import SHAPE_VARIABLES, ShapeVariable
from calovox.units import GEV, format_energy
from calovox.voxelization import VoxelGrid

__all__ = [
    "add_colorbar",
    "add_legend",
    "average_figure",
    "image_figure",
    "interpolation_figure",
    "shapes_figure",
    "spectrum_figure",
    "summary_figure",
]

NEAR_RADIUS: Final = 100.0
"""Half the width of the near view of an average shower in mm."""

_LAYERS_SHOWN: Final = (1, 2, 3)
_AVERAGE_DECADES: Final = 9
_IMAGE_DECADES: Final = 5
_LONG_LEGEND: Final = 80
_VARIABLES: Final = {variable.name: variable for variable in OBSERVABLES}


def add_legend(figure: Figure, simulations: Mapping[int, str], *, top: float) -> None:
    """Add a legend of lines above all panels of a page: the reference, then simulations.

    Args:
        figure: The page.
        simulations: Names of the simulations by their places in the report.
        top: Upper border of the legend, as a fraction of the page.
    """
    reference: Any = (Patch(facecolor=BAND_COLOR), Line2D([], [], color=REFERENCE_COLOR))
    lines = [Line2D([], [], **simulated_line(place)) for place in simulations]
    labels = [f"{REFERENCE_LABEL}, with Poisson band", *simulations.values()]
    long = sum(map(len, labels)) > _LONG_LEGEND
    figure.legend(
        [reference, *lines],
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, top),
        ncols=len(labels),
        fontsize=8.5 if long else 10.5,
        columnspacing=1.2 if long else 2.0,
        handlelength=2.6,
    )


def add_colorbar(figure: Figure, mesh: Artist | Container, ax: Axes, label: str) -> Axes:
    """Add a scale of colours right of a panel.

    Args:
        figure: The page.
        mesh: What the colours belong to.
        ax: The panel.
        label: What the colours mean, with unit.

    Returns:
        The axes of the scale.
    """
    box = ax.get_position()
    bar_axes = figure.add_axes((box.x1 + 0.018, box.y0, 0.018, box.height))
    figure.colorbar(mesh, cax=bar_axes, label=label)  # type: ignore[arg-type]
    return bar_axes


def shapes_figure(result: RegionResult) -> Figure:
    """Draw the nine shower shapes of one region, each with a ratio panel.

    Args:
        result: All comparisons of the region.

    Returns:
        The page.
    """
    figure = Figure(figsize=(11.0, 12.2))
    outer = figure.add_gridspec(
        3, 3, left=0.065, right=0.985, bottom=0.045, top=0.925, wspace=0.24, hspace=0.27
    )
    by_name = {observable.name: observable for observable in result.observables}
    for place, variable in enumerate(SHAPE_VARIABLES):
        inner = outer[place // 3, place % 3].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.04)
        main, ratio = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        _draw_observable(by_name[variable.name], variable, main, ratio)
        main.set_title(f"({'abcdefghi'[place]})", loc="left", pad=4)
        main.set_title(variable.description, loc="right", pad=4, fontsize=9)
        main.tick_params(labelbottom=False)
        if place % 3 == 0:
            main.set_ylabel("Events")
            ratio.set_ylabel(f"Sim. / {REFERENCE_LABEL}", fontsize=9)
    add_legend(figure, _simulations(result), top=0.975)
    figure.text(
        0.5,
        0.98,
        f"{result.region} – {result.n_reference} {REFERENCE_LABEL} events, "
        f"energies scaled to {format_energy(result.region.energy)}",
        ha="center",
        fontsize=11,
    )
    return figure


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
    handles = [
        Patch(facecolor="0.82"),
        *(Line2D([], [], **simulated_marker(place)) for place in _simulations(result)),
    ]
    figure.legend(
        handles,
        [f"{REFERENCE_LABEL} halves (68 % of splits)", *_simulations(result).values()],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.945),
        ncols=len(handles),
    )
    figure.text(0.5, 0.955, str(result.region), ha="center", fontsize=11)
    return figure


def image_figure(image: ShowerImage, grid: VoxelGrid) -> Figure:
    """Draw one shower in (eta, phi) and, with the grid over it, in local coordinates.

    Args:
        image: The shower.
        grid: Voxels whose borders are drawn.

    Returns:
        Two panels with a common colour scale.
    """
    figure = Figure(figsize=(11.0, 4.9))
    axes = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.07, right=0.88, bottom=0.11, top=0.9, wspace=0.24)
    norm = _density_norm(image.density, _IMAGE_DECADES)
    (mesh,) = plot_eta_phi(image, axes[0], norm=norm)
    plot_local(image, axes[1], norm=norm)
    plot_grid(grid, axes[1], layer=image.layer)
    axes[0].set_title("detector coordinates")
    axes[1].set_title(f"local coordinates, {grid.name} voxels in red")
    add_colorbar(figure, mesh, axes[1], "Energy density [MeV/mm²]")
    eta = f"{image.eta_center:.3f}".replace("-", "−")
    figure.text(
        0.475,
        0.955,
        f"{format_energy(image.energy)} photon at η = {eta}, {LAYER_NAMES[image.layer]}",
        ha="center",
        fontsize=11,
    )
    return figure


def average_figure(shower: AverageShower) -> Figure:
    """Draw an average shower on its grid: near view above, complete view below.

    Args:
        shower: The average shower.

    Returns:
        Two rows of EMB1, EMB2 and EMB3, each with a common colour scale.
    """
    figure = Figure(figsize=(11.0, 7.1))
    axes = figure.subplots(2, 3)
    figure.subplots_adjust(left=0.065, right=0.89, bottom=0.075, top=0.905, wspace=0.3, hspace=0.3)
    grid = shower.grid
    shown = np.isin(grid.layer, _LAYERS_SHOWN)
    for row in range(2):
        visible = shown & (grid.r_min < 1.5 * NEAR_RADIUS) if row == 0 else shown
        norm = _density_norm(shower.density[visible], _AVERAGE_DECADES)
        for column, layer in enumerate(_LAYERS_SHOWN):
            edge = float(grid.r_max[grid.layer == layer].max())
            radius = NEAR_RADIUS if row == 0 else 1.02 * edge
            ax = axes[row, column]
            (mesh,) = plot_average_shower(shower, ax, layer=layer, radius=radius, norm=norm)
            view = f"to {NEAR_RADIUS:.0f} mm" if row == 0 else f"to the edge, {edge:.0f} mm"
            ax.set_title(f"{LAYER_NAMES[layer]}, {view}")
            if column > 0:
                ax.set_ylabel("")
        add_colorbar(figure, mesh, axes[row, -1], "Energy density [MeV/mm²]")
    figure.text(
        0.475,
        0.96,
        f"Average of {shower.n_events} showers, {shower.region}, {shower.grid.n_voxels} voxels",
        ha="center",
        fontsize=11,
    )
    return figure


def spectrum_figure(result: Spectrum) -> Figure:
    """Draw the energy spectrum with its density and their ratio.

    Args:
        result: Drawn and expected counts.

    Returns:
        Two panels.
    """
    figure = Figure(figsize=(6.4, 4.8))
    main, ratio = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    figure.subplots_adjust(left=0.14, right=0.975, bottom=0.12, top=0.97, hspace=0.05)
    plot_spectrum(result, main)
    plot_spectrum_ratio(result, ratio)
    return figure


def interpolation_figure(results: Sequence[Interpolation]) -> Figure:
    """Draw the two radial interpolations side by side.

    Args:
        results: The step and the linear interpolation.

    Returns:
        Two panels.
    """
    figure = Figure(figsize=(8.4, 3.6))
    axes = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.085, right=0.98, bottom=0.15, top=0.9, wspace=0.1)
    for ax, result in zip(axes, results, strict=True):
        plot_interpolation(result, ax)
        ax.set_title(result.name)
    axes[0].set_ylabel("Probability density")
    return figure


def _draw_observable(
    result: ObservableResult, variable: ShapeVariable, main: Axes, ratio: Axes
) -> None:
    scale, label = 1.0, variable.label
    if variable.unit == "MeV" and result.reference.edges[-1] >= 10 * GEV:
        scale, label = 1.0 / GEV, f"{variable.symbol} [GeV]"
    plot_distribution(result, main, scale=scale, log=variable.log_y)
    plot_ratio(result, ratio, scale=scale)
    ratio.set_xlabel(label, labelpad=2)


def _density_norm(density: np.ndarray, decades: int) -> LogNorm:
    seen = density[density > 0]
    if seen.size == 0:
        return LogNorm(vmin=0.1, vmax=1.0)
    top = float(seen.max())
    return LogNorm(vmin=max(float(seen.min()), top * 10.0**-decades), vmax=top)


def _simulations(result: RegionResult) -> dict[int, str]:
    return {entry.place: entry.label for entry in result.observables[0].simulated}
