"""Plots that sum up many observables: chi2, shifts and spreads at a glance."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from calovox.arrays import Array, Float64
from calovox.report.histograms import Drawn
from calovox.report.style import simulated_marker
from calovox.report.topics.shapes.measure import RegionResult

__all__ = [
    "SMALLEST_CHI2",
    "SMALLEST_SPREAD",
    "plot_chi2",
    "plot_shifts",
    "plot_spreads",
]

SMALLEST_CHI2: Final = 0.02
"""Chi2/ndf below this are drawn at this value."""

SMALLEST_SPREAD: Final = 0.3
"""Spreads below this, in per cent, are drawn at this value."""

_PLAIN_NUMBERS: Final = StrMethodFormatter("{x:g}")


def plot_chi2(result: RegionResult, ax: Axes) -> Drawn:
    """Draw chi2/ndf of every observable and simulation beside the floor of random halves.

    Args:
        result: All comparisons of a region.
        ax: Where to draw; observables run down the axis.

    Returns:
        Floors, then the points of each simulation.
    """
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
    """Draw the mean event-by-event shift of every observable, in per cent of its width.

    Args:
        result: All comparisons of a region.
        ax: Where to draw; observables run down the axis.

    Returns:
        Points with errors, one container per simulation.
    """
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
    """Draw the spread of the event-by-event difference, in per cent of the observable's width.

    Args:
        result: All comparisons of a region.
        ax: Where to draw; observables run down the axis.

    Returns:
        Points, one line per simulation.
    """
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


def _row_offsets(result: RegionResult) -> Float64[Array, " simulation"]:
    n_simulated = len(result.observables[0].simulated)
    return np.asarray(
        0.5 * (np.arange(n_simulated) - 0.5 * (n_simulated - 1)) / max(n_simulated, 1)
    )
