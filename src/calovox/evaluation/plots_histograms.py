"""Plots of histograms and profiles: each draws a result on given axes and returns what it drew.

The reference is black with its Poisson band; simulations have colours and dashes in fixed order.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.container import Container
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from calovox.arrays import LAYER_NAMES, LAYERS, Array, Float64
from calovox.evaluation.comparison import ObservableResult, RegionResult, Response
from calovox.evaluation.illustrations import Interpolation, Spectrum
from calovox.evaluation.metrics import Histogram, Profile, poisson_interval
from calovox.evaluation.style import REFERENCE_COLOR, SIMULATED_COLORS, SIMULATED_LINES

__all__ = [
    "BAND_COLOR",
    "RATIO_RANGE",
    "SMALLEST_CHI2",
    "SMALLEST_SPREAD",
    "Drawn",
    "plot_chi2",
    "plot_distribution",
    "plot_interpolation",
    "plot_layer_fractions",
    "plot_profiles",
    "plot_ratio",
    "plot_response",
    "plot_shifts",
    "plot_spectrum",
    "plot_spectrum_ratio",
    "plot_spreads",
    "simulated_line",
    "simulated_marker",
]

Drawn: TypeAlias = list[Artist | Container]
"""What a plot function returns."""

RATIO_RANGE: Final = (0.5, 1.5)
"""Range of the ratio panels; triangles point to values outside."""

SMALLEST_CHI2: Final = 0.02
"""Chi2/ndf below this are drawn at this value."""

SMALLEST_SPREAD: Final = 0.3
"""Spreads below this, in per cent, are drawn at this value."""

_PLAIN_NUMBERS: Final = StrMethodFormatter("{x:g}")
_LAYER_COLORS: Final = ("#E69F00", "#0072B2", "black", "#009E73", "#CC79A7")
_LAYER_MARKERS: Final = ("v", "s", "o", "^", "D")
BAND_COLOR: Final = "0.78"
"""Colour of Poisson bands."""

_BAND: Final[dict[str, Any]] = {"color": BAND_COLOR, "linewidth": 0}
_FRACTION_RANGE: Final = (2e-5, 8.0)
_HEADROOM: Final = 1.42


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
    for position, simulated in enumerate(result.simulated):
        counts = _scaled_counts(simulated.histogram, result.reference)
        artists.append(ax.stairs(counts, edges, linewidth=1.3, **simulated_line(position)))
        top = max(top, float(counts.max()))
    labels = [_number(simulated.chi2.reduced) for simulated in result.simulated]
    ax.legend(
        artists[2:],
        labels,
        loc="upper center",
        ncols=max(len(labels), 1),
        title=f"$\\chi^2$/ndf (Geant4 halves: {_number(result.floor.mean)})",
        title_fontsize=8.5,
        fontsize=8.5,
        columnspacing=1.0,
        handletextpad=0.5,
        borderaxespad=0.2,
    )
    ax.set_xlim(edges[0], edges[-1])
    if log:
        ax.set_yscale("log")
        ax.set_ylim(0.5, 0.5 * (2.0 * top) ** _HEADROOM)
    else:
        ax.set_ylim(0.0, top * _HEADROOM)
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
    for position, simulated in enumerate(result.simulated):
        ratio = _scaled_counts(simulated.histogram, result.reference) / known
        look = simulated_line(position)
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


def plot_response(response: Response, ax: Axes) -> Drawn:
    """Draw events in |eta| and E_tot / E_kin, with the mean of each bin of |eta|.

    Args:
        response: The result.
        ax: Where to draw.

    Returns:
        The image and the means with their errors.
    """
    profile = response.profile
    image = ax.pcolormesh(
        profile.edges,
        response.ratio_edges,
        np.where(response.counts > 0, response.counts, np.nan).T,
        norm=LogNorm(vmin=1, vmax=max(int(response.counts.max()), 2)),
        rasterized=True,
    )
    points = ax.errorbar(
        profile.centers,
        profile.mean,
        profile.mean_error,
        fmt="o",
        color=SIMULATED_COLORS[1],
        markersize=3,
        linewidth=1,
        label="mean",
    )
    ax.set_ylabel(r"$E_\mathrm{tot}\,/\,E_\mathrm{kin}$")
    ax.set_xlim(profile.edges[0], profile.edges[-1])
    return [image, points]


def plot_profiles(profiles: Sequence[Profile], ax: Axes, *, statistic: str = "mean") -> Drawn:
    """Draw means or relative widths in bins of |eta|: the reference, then simulations.

    Args:
        profiles: One profile per sample, with the same bins.
        ax: Where to draw.
        statistic: ``mean``, or ``rms`` for the standard deviation over the mean.

    Returns:
        Points with errors, one container per sample.
    """
    artists: Drawn = []
    for place, profile in enumerate(profiles):
        if statistic == "rms":
            values, errors = profile.rms / profile.mean, profile.rms_error / profile.mean
        else:
            values, errors = profile.mean, profile.mean_error
        look: dict[str, Any] = {
            "color": REFERENCE_COLOR,
            "marker": "o",
            "markersize": 3.2,
            "linestyle": "none",
            "zorder": 3,
        }
        if place > 0:
            look = simulated_marker(place - 1) | {"markersize": 3, "markerfacecolor": "none"}
        width = profile.edges[1] - profile.edges[0]
        shift = 0.0 if len(profiles) == 1 else width * 0.6 * (place / (len(profiles) - 1) - 0.5)
        artists.append(
            ax.errorbar(profile.centers + shift, values, errors, elinewidth=0.9, **look)
        )
    ax.set_xlim(profiles[0].edges[0], profiles[0].edges[-1])
    return artists


def plot_layer_fractions(response: Response, ax: Axes) -> Drawn:
    """Draw the mean share of each layer in bins of |eta|.

    Args:
        response: The result.
        ax: Where to draw.

    Returns:
        Points with errors, one container per layer.
    """
    artists: Drawn = []
    for place, (layer, profile) in enumerate(zip(LAYERS, response.fractions, strict=True)):
        artists.append(
            ax.errorbar(
                profile.centers,
                np.where(profile.mean > 0, profile.mean, np.nan),
                profile.mean_error,
                fmt=_LAYER_MARKERS[place],
                color=_LAYER_COLORS[place],
                markersize=3.5,
                linewidth=0.9,
                label=f"{LAYER_NAMES[layer]} ({layer})",
            )
        )
    ax.set_yscale("log")
    ax.set_ylim(*_FRACTION_RANGE)
    ax.set_xlim(response.profile.edges[0], response.profile.edges[-1])
    ax.set_ylabel(r"Mean of $E_\mathrm{layer}\,/\,E_\mathrm{tot}$")
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


def _scaled_counts(histogram: Histogram, reference: Histogram) -> Float64[Array, " bin"]:
    return np.asarray(histogram.counts * (reference.total / max(histogram.total, 1)))


def _row_offsets(result: RegionResult) -> Float64[Array, " simulation"]:
    n_simulated = len(result.observables[0].simulated)
    return np.asarray(
        0.5 * (np.arange(n_simulated) - 0.5 * (n_simulated - 1)) / max(n_simulated, 1)
    )


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
