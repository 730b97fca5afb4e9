"""Figures of the phi modulation, and of showers at new azimuths (note, Figures 9 and 10)."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calovox.geometry.barrel import BARREL_NAMES
from calovox.phi_modulation import MODULATED_LAYERS, PERIOD, PhiModulation
from calovox.phi_modulation.average_shower import AverageProfile
from calovox.phi_modulation.fit import FitResult
from calovox.report.histograms import BAND_COLOR, Drawn, plot_distribution, plot_ratio
from calovox.report.style import (
    REFERENCE_COLOR,
    SIMULATED_COLORS,
    drawn_name,
    simulated_line,
    simulated_marker,
)
from calovox.report.topic import NamedFigure
from calovox.report.topics.phi_modulation.measure import EnergyTest, PhiModulationResult
from calovox.samples.files import REFERENCE_LABEL
from calovox.units import GEV, format_energy

__all__ = [
    "curves_figure",
    "energies_figure",
    "loss_figure",
    "phi_modulation_figures",
    "plot_average_profile",
    "plot_curves",
    "plot_loss",
    "plot_phase_response",
    "plot_widths",
]

_ROW_HEIGHT: Final = 3.6
_MILLIRADIAN: Final = 1e3
_PER_CENT: Final = 100.0
_LAYER_COLORS: Final = dict(zip(MODULATED_LAYERS, SIMULATED_COLORS, strict=False))


def phi_modulation_figures(result: PhiModulationResult) -> Iterator[NamedFigure]:
    """List all figures."""
    yield "phi-modulation", partial(curves_figure, result)
    yield "phi-modulation-loss", partial(loss_figure, result)
    if result.test is not None:
        yield "phi-modulation-energies", partial(energies_figure, result.test)


def curves_figure(result: PhiModulationResult) -> Figure:
    """Draw average showers, E_tot(T) before and after, and the learned curves (Figure 9)."""
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
    """Draw the loss of the fit."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    plot_loss(result.fit, figure.subplots())
    return figure


def energies_figure(test: EnergyTest) -> Figure:
    """Draw raw and calibrated energies of displaced showers, and their widths (Figure 10)."""
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


def plot_average_profile(average: AverageProfile, ax: Axes) -> Drawn:
    """Draw the average shower in EMB2 against phi_hit - phi_cell, one line per bin of T."""
    colors = colormaps["viridis"](np.linspace(0.0, 0.88, len(average.density)))
    edges = average.edges * _MILLIRADIAN
    artists: Drawn = [
        ax.axvline(period * PERIOD * _MILLIRADIAN, color="0.85", linewidth=0.7, zorder=0)
        for period in range(-2, 3)
    ]
    bounds = average.phase_edges * _MILLIRADIAN
    for row, density in enumerate(average.density):
        label = f"{bounds[row]:.1f} to {bounds[row + 1]:.1f}".replace("-", "−")
        artists.append(
            ax.stairs(density / _MILLIRADIAN * _PER_CENT, edges, color=colors[row], label=label)
        )
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0.0, None)
    ax.set_xlabel(r"$\tilde{x} = \phi_\mathrm{hit} - \phi_\mathrm{cell}$ [mrad]")
    ax.set_ylabel(r"EMB2 energy / $E_\mathrm{kin}$ [%/mrad]")
    ax.legend(title="$T$ [mrad]", loc="upper right")
    return artists


def plot_phase_response(fit: FitResult, eta_range: int, ax: Axes) -> Drawn:
    """Draw E_tot(T) over its mean, before and after removal of the learned modulation."""
    phases = fit.phases * _MILLIRADIAN
    artists: Drawn = [ax.axhline(0.0, color="0.6", linewidth=0.7)]
    for values, color, label in (
        (fit.response_before[eta_range], SIMULATED_COLORS[2], "as measured"),
        (fit.response_after[eta_range], SIMULATED_COLORS[0], "modulation removed"),
    ):
        relative = (values / values.mean() - 1.0) * _PER_CENT
        error = fit.response_error[eta_range] * _PER_CENT
        artists.append(
            ax.fill_between(
                phases, relative - error, relative + error, color=color, alpha=0.3, linewidth=0
            )
        )
        artists += ax.plot(phases, relative, color=color, label=label)
    ax.set_xlim(0.0, PERIOD * _MILLIRADIAN)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.3 * (high - low))  # room for the legend
    ax.set_xlabel("$T$ [mrad]")
    ax.set_ylabel(r"$E_\mathrm{tot}(T)$ / mean − 1 [%]")
    ax.legend(loc="upper center", ncols=2)
    return artists


def plot_curves(
    modulation: PhiModulation, truth: PhiModulation | None, eta_range: int, ax: Axes
) -> Drawn:
    """Draw learned curves with their uncertainties, and the generator's as dashed lines."""
    phases = modulation.phases * _MILLIRADIAN
    artists: Drawn = []
    for row, layer in enumerate(MODULATED_LAYERS):
        color, curve = _LAYER_COLORS[layer], modulation.values[eta_range, row]
        if modulation.uncertainties is not None:
            error = modulation.uncertainties[eta_range, row]
            band = ax.fill_between(
                phases, curve - error, curve + error, color=color, alpha=0.25, linewidth=0
            )
            artists.append(band)
        artists += ax.plot(phases, curve, color=color, label=BARREL_NAMES[layer])
        if truth is not None:
            true_curve = truth.values[0, row]
            artists += ax.plot(truth.phases * _MILLIRADIAN, true_curve, "--", color=color, lw=1)
    if truth is not None:
        artists += ax.plot([], [], "--", color="0.3", lw=1, label="generator")
    ax.set_xlim(0.0, PERIOD * _MILLIRADIAN)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.25 * (high - low))
    ax.set_xlabel(r"$\tilde{x}$ [mrad]")
    ax.set_ylabel(r"$g(\tilde{x})$")
    ax.legend(loc="upper center", ncols=3, columnspacing=1.0)
    return artists


def plot_loss(fit: FitResult, ax: Axes) -> Drawn:
    """Draw the loss after each step, one line per |eta| range."""
    artists: Drawn = []
    edges = fit.modulation.eta_edges
    for row, loss in enumerate(fit.loss):
        label = f"{edges[row]:g} ≤ |η| < {edges[row + 1]:g}"
        color = SIMULATED_COLORS[row % len(SIMULATED_COLORS)]
        artists += ax.plot(np.arange(1, len(loss) + 1), loss, color=color, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("Step")
    ax.set_ylabel("Loss")
    ax.legend()
    return artists


def plot_widths(test: EnergyTest, ax: Axes) -> Drawn:
    """Draw the iterated width of raw and calibrated energy of each sample."""
    artists: Drawn = []
    reference, *others = test.widths
    for place, kind in enumerate(("raw", "calibrated")):
        width = getattr(reference, kind) * _PER_CENT
        error = getattr(reference, f"{kind}_error") * _PER_CENT
        span = [place - 0.4, place + 0.4]
        artists.append(
            ax.fill_between(span, width - error, width + error, color=BAND_COLOR, linewidth=0)
        )
        artists += ax.plot(span, [width, width], color=REFERENCE_COLOR, linewidth=1.3)
        for position, other in enumerate(others):
            x = place + 0.5 * (position + 1) / (len(others) + 1) - 0.25
            artists.append(
                ax.errorbar(
                    x,
                    getattr(other, kind) * _PER_CENT,
                    getattr(other, f"{kind}_error") * _PER_CENT,
                    **simulated_marker(position),
                )
            )
    ax.set_xlim(-0.5, 1.5)
    ax.set_ylim(0.0, None)
    ax.set_xticks([0, 1], [r"$E_\mathrm{raw}$", r"$E_\mathrm{cal}$, corrected in $T$"])
    ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    ax.set_ylabel(r"Iterated width / $E_\mathrm{kin}$ [%]")
    return artists
