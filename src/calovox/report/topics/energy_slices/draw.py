"""Figures of E_tot / E_kin in slices of kinetic energy (note, Figures C.1 and C.2)."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from calovox.arrays import Array, Float64
from calovox.report.histogram_pages import (
    HistogramPanel,
    histogram_page,
    legend_size,
    simulations_of,
)
from calovox.report.histograms import BAND_COLOR, SMALLEST_CHI2, Drawn
from calovox.report.style import REFERENCE_COLOR, drawn_name, simulated_marker
from calovox.report.topic import NamedFigure
from calovox.report.topics.energy_slices.measure import EnergySlice, Moments, SlicesResult
from calovox.samples.files import REFERENCE_LABEL
from calovox.units import GEV, format_energy

__all__ = [
    "plot_slice_chi2",
    "plot_slice_means",
    "plot_slice_widths",
    "slices_figure",
    "slices_figures",
    "slices_name",
    "slices_summary_figure",
]

_SLICE_SHARE: Final = 0.5


def slices_figures(results: Sequence[SlicesResult]) -> Iterator[NamedFigure]:
    """List the figures of all ranges."""
    shown = [result for result in results if result.slices]
    for result in shown:
        yield slices_name(result), partial(slices_figure, result)
    if any(result.averages for result in shown):
        yield "slices-summary", partial(slices_summary_figure, shown)


def slices_name(result: SlicesResult) -> str:
    """Name the figure of the slices of a range of |eta_center|."""
    return f"slices-{result.eta_range.name}"


def slices_figure(result: SlicesResult) -> Figure:
    """Draw E_tot / E_kin in each slice of one range of |eta_center|, with ratio panels.

    Args:
        result: One slice or more.

    Returns:
        The page.
    """
    panels = [
        HistogramPanel(
            entry.observable,
            r"$E_\mathrm{tot}\,/\,E_\mathrm{kin}$",
            _energy(entry),
            f"{entry.observable.reference.total} showers",
        )
        for entry in result.slices
    ]
    means = {
        entry.place: f"{drawn_name(entry.label)} (mean {average.mean:.2f} ± {average.error:.2f})"
        for entry, average in zip(
            result.slices[0].observable.simulated, result.averages, strict=True
        )
    }
    title = (
        f"{result.eta_range} – sum of all voxels over the kinetic energy, "
        "$\\chi^2$/ndf and its mean over the slices"
    )
    return histogram_page(panels, title, means)


def slices_summary_figure(results: Sequence[SlicesResult]) -> Figure:
    """Draw chi2, means and widths of all slices against the kinetic energy.

    Args:
        results: Ranges of |eta_center| with one slice or more, of the same simulations.

    Returns:
        One column of three panels per range.
    """
    figure = Figure(figsize=(0.8 + 5.1 * len(results), 7.0))
    axes = figure.subplots(3, len(results), sharex="col", sharey="row", squeeze=False)
    left = 0.95 / figure.get_figwidth()
    figure.subplots_adjust(left=left, right=0.98, bottom=0.075, top=0.89, wspace=0.05, hspace=0.07)
    for column, result in zip(axes.T, results, strict=True):
        plots = (plot_slice_chi2, plot_slice_means, plot_slice_widths)
        for ax, plot in zip(column, plots, strict=True):
            plot(result, ax)
            ax.label_outer()
        column[0].set_title(str(result.eta_range))
    simulations = simulations_of(results[0].slices[0].observable)
    marked: list[tuple[Artist, str]] = [
        (Patch(facecolor=BAND_COLOR), f"{REFERENCE_LABEL}, 68 %"),
        (Line2D([], [], color="0.45", linestyle=":"), "the note's mean $\\chi^2$/ndf"),
        *((Line2D([], [], **simulated_marker(at)), name) for at, name in simulations.items()),
    ]
    if all(result.eta_range.note_chi2 is None for result in results):
        del marked[1]
    handles, labels = zip(*marked, strict=True)
    figure.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.995),
        ncols=len(labels),
        fontsize=legend_size(labels),
    )
    figure.align_ylabels(axes)
    return figure


def plot_slice_chi2(result: SlicesResult, ax: Axes) -> Drawn:
    """Draw chi2/ndf of each slice beside the floor of random halves of the reference."""
    floors = [entry.observable.floor for entry in result.slices]
    low, high = (np.array([getattr(floor, name) for floor in floors]) for name in ("low", "high"))
    artists: Drawn = [
        _plot_band(result, low, high, ax),
        ax.axhline(1.0, color=REFERENCE_COLOR, linewidth=0.8),
    ]
    if result.eta_range.note_chi2 is not None:
        note = ax.axhline(result.eta_range.note_chi2, color="0.45", linestyle=":", linewidth=1.2)
        artists.append(note)
    for position, place, x in _columns(result):
        chi2 = [entry.observable.simulated[position].chi2.reduced for entry in result.slices]
        artists += ax.plot(x, np.maximum(chi2, SMALLEST_CHI2), **simulated_marker(place))
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_ylabel(r"$\chi^2$/ndf")
    return artists


def plot_slice_means(result: SlicesResult, ax: Axes) -> Drawn:
    """Draw the mean of each simulation minus the reference's, in per cent of its width."""
    mean, rms = _reference(result, "mean"), _reference(result, "rms")
    band = 100.0 * _reference(result, "mean_error") / rms
    artists: Drawn = [
        _plot_band(result, -band, band, ax),
        ax.axhline(0.0, color=REFERENCE_COLOR, linewidth=0.8),
    ]
    for position, place, x in _columns(result):
        moved = 100.0 * (_simulated(result, position, "mean") - mean) / rms
        error = 100.0 * _simulated(result, position, "mean_error") / rms
        artists.append(ax.errorbar(x, moved, error, **simulated_marker(place), linewidth=0.9))
    ax.set_ylabel("Mean shift\n[% of the RMS]")
    return artists


def plot_slice_widths(result: SlicesResult, ax: Axes) -> Drawn:
    """Draw the standard deviation of each simulation over the reference's."""
    rms = _reference(result, "rms")
    band = _reference(result, "rms_error") / rms
    artists: Drawn = [
        _plot_band(result, 1.0 - band, 1.0 + band, ax),
        ax.axhline(1.0, color=REFERENCE_COLOR, linewidth=0.8),
    ]
    for position, place, x in _columns(result):
        width = _simulated(result, position, "rms") / rms
        error = _simulated(result, position, "rms_error") / rms
        artists.append(ax.errorbar(x, width, error, **simulated_marker(place), linewidth=0.9))
    ax.set_ylabel("RMS over\nthat of Geant4")
    ax.set_xlabel(r"$E_\mathrm{kin}$ [GeV]")
    return artists


def _columns(result: SlicesResult) -> Iterator[tuple[int, int, Float64[Array, " slice"]]]:
    """Give position, place in the report and energies in GeV, side by side, per simulation."""
    exponents = np.array([entry.exponent for entry in result.slices])
    simulated = result.slices[0].observable.simulated
    for position, entry in enumerate(simulated):
        offset = _SLICE_SHARE * ((position + 0.5) / len(simulated) - 0.5)
        yield position, entry.place, 2.0 ** (exponents + offset) / GEV


def _plot_band(
    result: SlicesResult, low: Float64[Array, " slice"], high: Float64[Array, " slice"], ax: Axes
) -> Container:
    exponents = np.array([entry.exponent for entry in result.slices])
    left, right = (2.0 ** (exponents + side) / GEV for side in (-0.5, 0.5))
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.set_xlim(left.min(), right.max())
    return ax.bar(left, high - low, bottom=low, width=right - left, align="edge", color=BAND_COLOR)


def _reference(result: SlicesResult, name: str) -> Float64[Array, " slice"]:
    return np.array([getattr(entry.moments[0], name) for entry in result.slices])


def _simulated(result: SlicesResult, position: int, name: str) -> Float64[Array, " slice"]:
    moments: list[Moments] = [entry.moments[1 + position] for entry in result.slices]
    return np.array([getattr(entry, name) for entry in moments])


def _energy(entry: EnergySlice) -> str:
    sign = "=" if entry.single_energy else "≈"
    return (
        rf"$E_\mathrm{{kin}}$ {sign} {format_energy(entry.energy)} ($2^{{{entry.exponent}}}$ MeV)"
    )
