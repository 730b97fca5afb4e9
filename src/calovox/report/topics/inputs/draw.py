"""Figures of what the simulation draws from (note, Figures 5 and 7)."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calovox.report.histograms import BAND_COLOR, Drawn
from calovox.report.style import SIMULATED_COLORS
from calovox.report.topic import NamedFigure
from calovox.report.topics.inputs.measure import InputsResult, Interpolation, Spectrum
from calovox.scores.histograms import poisson_interval

__all__ = [
    "inputs_figures",
    "interpolation_figure",
    "plot_interpolation",
    "plot_spectrum",
    "plot_spectrum_ratio",
    "spectrum_figure",
]

_BAND: Final[dict[str, Any]] = {"color": BAND_COLOR, "linewidth": 0}


def inputs_figures(result: InputsResult) -> Iterator[NamedFigure]:
    """List both figures."""
    yield "spectrum", partial(spectrum_figure, result.spectrum)
    yield "interpolation", partial(interpolation_figure, result.interpolations)


def spectrum_figure(result: Spectrum) -> Figure:
    """Draw the energy spectrum with its density and their ratio."""
    figure = Figure(figsize=(6.4, 4.8))
    main, ratio = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    figure.subplots_adjust(left=0.14, right=0.975, bottom=0.12, top=0.97, hspace=0.05)
    plot_spectrum(result, main)
    plot_spectrum_ratio(result, ratio)
    return figure


def interpolation_figure(results: Sequence[Interpolation]) -> Figure:
    """Draw the two radial interpolations side by side."""
    figure = Figure(figsize=(8.4, 3.6))
    axes = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.085, right=0.98, bottom=0.15, top=0.9, wspace=0.1)
    for ax, result in zip(axes, results, strict=True):
        plot_interpolation(result, ax)
        ax.set_title(result.name)
    axes[0].set_ylabel("Probability density")
    return figure


def plot_spectrum(result: Spectrum, ax: Axes) -> Drawn:
    """Draw the energies of drawn photons and the density of their distribution."""
    scale = 1.0 / (float(result.counts.sum()) * result.log_width)
    low, high = poisson_interval(result.counts)
    band = ax.stairs(high * scale, result.edges, baseline=low * scale, fill=True, **_BAND)
    drawn = ax.stairs(result.counts * scale, result.edges, color=SIMULATED_COLORS[0])
    energies = np.geomspace(result.edges[0], result.edges[-1], 400)
    (curve,) = ax.plot(
        energies, result.spectrum.density(energies), color=SIMULATED_COLORS[1], linestyle="--"
    )
    ax.set_xscale("log", base=2)
    ax.set_xlim(result.edges[0] / 1.3, result.edges[-1] * 1.3)
    ax.set_ylim(0.0, None)
    ax.set_ylabel(r"$p(\log E_\mathrm{kin})$")
    ax.legend(
        [(band, drawn), curve],
        [f"{result.counts.sum():,} photons drawn".replace(",", " "), "density (section 2.3)"],
        loc="lower center",
    )
    return [band, drawn, curve]


def plot_spectrum_ratio(result: Spectrum, ax: Axes) -> Drawn:
    """Draw drawn over expected counts with the Poisson band of the expectation."""
    error = 1.0 / np.sqrt(result.expected)
    band = ax.stairs(1.0 + error, result.edges, baseline=1.0 - error, fill=True, **_BAND)
    line = ax.axhline(1.0, color=SIMULATED_COLORS[1], linestyle="--", linewidth=1)
    points = ax.stairs(
        result.counts / result.expected, result.edges, baseline=None, color=SIMULATED_COLORS[0]
    )
    largest = float(np.max(error)) * 4
    ax.set_ylim(1 - largest, 1 + largest)
    ax.set_ylabel("Ratio")
    ax.set_xlabel(r"$E_\mathrm{kin}$ [MeV]")
    return [band, line, points]


def plot_interpolation(result: Interpolation, ax: Axes) -> Drawn:
    """Draw one radial interpolation inside a voxel: its density and drawn radii."""
    drawn = ax.stairs(result.drawn, result.edges, fill=True, color="#9ecae1")
    density = ax.plot(result.r, result.density, color=SIMULATED_COLORS[1])
    halves = [result.probability, 1.0 - result.probability]
    points = ax.plot([0.5, 1.5], halves, "o", color="black", markersize=4)
    border = ax.axvline(1.0, ymax=0.7, color="0.4", linestyle=":", linewidth=1)
    ax.set_xlim(0.0, 2.0)
    ax.set_xticks([0.0, 0.5, 1.0, 1.5, 2.0], ["0", "0.5", "1", "1.5", "2"])
    ax.set_ylim(0.0, 0.95)
    ax.set_xlabel("r inside the voxel [half voxel widths]")
    ax.legend(
        [drawn, *density, *points],
        [f"{result.n_draws:,} radii drawn".replace(",", " "), "density", "$p_r$ and $1 - p_r$"],
        loc="upper right",
    )
    return [drawn, *density, *points, border]
