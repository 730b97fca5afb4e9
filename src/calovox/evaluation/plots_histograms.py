"""Plots of histograms: each draws a result on given axes and returns what it drew.

The reference is black with its Poisson band; simulations have colours and dashes in fixed order.
"""

from typing import Any, Final, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.container import Container
from matplotlib.ticker import MaxNLocator

from calovox.arrays import Array, Float64
from calovox.evaluation.comparison import ObservableResult
from calovox.evaluation.illustrations import Interpolation, Spectrum
from calovox.evaluation.metrics import Histogram, poisson_interval
from calovox.evaluation.style import REFERENCE_COLOR, SIMULATED_COLORS, SIMULATED_LINES

__all__ = [
    "BAND_COLOR",
    "RATIO_RANGE",
    "Drawn",
    "plot_distribution",
    "plot_interpolation",
    "plot_ratio",
    "plot_spectrum",
    "plot_spectrum_ratio",
    "simulated_line",
    "simulated_marker",
]

Drawn: TypeAlias = list[Artist | Container]
"""What a plot function returns."""

RATIO_RANGE: Final = (0.5, 1.5)
"""Range of the ratio panels; triangles point to values outside."""

BAND_COLOR: Final = "0.78"
"""Colour of Poisson bands."""

_BAND: Final[dict[str, Any]] = {"color": BAND_COLOR, "linewidth": 0}
_COLUMNS: Final = 4
_HEADROOM: Final = 1.42
_HEADROOM_OF_ROW: Final = 0.12


def simulated_line(position: int) -> dict[str, Any]:
    """Choose colour and dashes of a simulation.

    Args:
        position: Its place in the report, from 0.

    Returns:
        Line properties for matplotlib.
    """
    place = position % len(SIMULATED_COLORS)
    return {"color": SIMULATED_COLORS[place], "linestyle": SIMULATED_LINES[place]}


def simulated_marker(position: int) -> dict[str, Any]:
    """Choose colour and marker of a simulation.

    Args:
        position: Its place in the report, from 0.

    Returns:
        Marker properties for matplotlib.
    """
    color = simulated_line(position)["color"]
    marker = "sD^v<>"[position % len(SIMULATED_COLORS)]
    return {"color": color, "marker": marker, "markersize": 4.5, "linestyle": "none"}


def plot_distribution(
    result: ObservableResult, ax: Axes, *, scale: float = 1.0, log: bool = False
) -> Drawn:
    """Draw the histograms of one observable, scaled to the reference's number of events.

    Args:
        result: The comparison.
        ax: Where to draw.
        scale: Factor from the observable's unit to that of the axis.
        log: Whether the axis of the counts is logarithmic.

    Returns:
        The reference's band and line, then one line per simulation.
    """
    edges = result.reference.edges * scale
    low, high = poisson_interval(result.reference.counts)
    band = ax.stairs(high, edges, baseline=low, fill=True, **_BAND)
    line = ax.stairs(result.reference.counts, edges, color=REFERENCE_COLOR, linewidth=1.3)
    artists: Drawn = [band, line]
    top = float(high.max())
    for simulated in result.simulated:
        counts = _scaled_counts(simulated.histogram, result.reference)
        artists.append(ax.stairs(counts, edges, linewidth=1.3, **simulated_line(simulated.place)))
        top = max(top, float(counts.max()))
    labels = [_number(simulated.chi2.reduced) for simulated in result.simulated]
    ax.legend(
        artists[2:],
        labels,
        loc="upper center",
        ncols=min(max(len(labels), 1), _COLUMNS),
        title=f"$\\chi^2$/ndf (Geant4 halves: {_number(result.floor.mean)})",
        title_fontsize=8.5,
        fontsize=8.5,
        columnspacing=1.0,
        handletextpad=0.5,
        borderaxespad=0.2,
    )
    ax.set_xlim(edges[0], edges[-1])
    headroom = _HEADROOM + _HEADROOM_OF_ROW * ((len(labels) - 1) // _COLUMNS)
    if log:
        ax.set_yscale("log")
        ax.set_ylim(0.5, 0.5 * (2.0 * top) ** headroom)
    else:
        ax.set_ylim(0.0, top * headroom)
        ax.yaxis.set_major_locator(MaxNLocator(5, min_n_ticks=3, prune="lower"))
    return artists


def plot_ratio(result: ObservableResult, ax: Axes, *, scale: float = 1.0) -> Drawn:
    """Draw each simulation over the reference, with the reference's Poisson band.

    Args:
        result: The comparison.
        ax: Where to draw.
        scale: Factor from the observable's unit to that of the axis.

    Returns:
        The band and the line at 1, then a line and the triangles of each simulation.
    """
    edges = result.reference.edges * scale
    counts = result.reference.counts
    known = np.where(counts > 0, counts, np.nan)
    low, high = poisson_interval(counts)
    bottom, top = RATIO_RANGE
    artists: Drawn = [
        ax.stairs(
            np.nan_to_num(high / known, nan=top),
            edges,
            baseline=np.nan_to_num(low / known, nan=bottom),
            fill=True,
            **_BAND,
        ),
        ax.axhline(1.0, color=REFERENCE_COLOR, linewidth=0.8),
    ]
    centers = 0.5 * (edges[1:] + edges[:-1])
    for simulated in result.simulated:
        ratio = _scaled_counts(simulated.histogram, result.reference) / known
        look = simulated_line(simulated.place)
        inside = np.where((ratio >= bottom) & (ratio <= top), ratio, np.nan)
        artists.append(ax.stairs(inside, edges, baseline=None, linewidth=1.2, **look))
        for outside, y, marker in ((ratio > top, top, "^"), (ratio < bottom, bottom, "v")):
            where = np.full(np.count_nonzero(outside), y)
            artists += ax.plot(
                centers[outside], where, marker, color=look["color"], markersize=3.5
            )
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom - 0.06, top + 0.06)
    ax.set_yticks([bottom, 1.0, top])
    return artists


def plot_spectrum(result: Spectrum, ax: Axes) -> Drawn:
    """Draw the energies of drawn photons and the density of their distribution.

    Args:
        result: Drawn and expected counts.
        ax: Where to draw.

    Returns:
        Poisson band, histogram, curve.
    """
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
    """Draw drawn over expected counts with the Poisson band of the expectation.

    Args:
        result: Drawn and expected counts.
        ax: Where to draw.

    Returns:
        Band, line at 1, points.
    """
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
    """Draw one radial interpolation inside a voxel: its density and drawn radii.

    Args:
        result: Drawn and analytic densities.
        ax: Where to draw.

    Returns:
        Histogram of drawn radii, density, its values in the middle of the halves, their border.
    """
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


def _scaled_counts(histogram: Histogram, reference: Histogram) -> Float64[Array, " bin"]:
    return np.asarray(histogram.counts * (reference.total / max(histogram.total, 1)))


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
