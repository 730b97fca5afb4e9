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
from calovox.report.comparison import ObservableResult, with_events
from calovox.report.ratios import Ratio, ratio_bins, ratio_of_histograms
from calovox.report.style import REFERENCE_COLOR, simulated_line, simulated_marker
from calovox.samples.files import REFERENCE_LABEL
from calovox.scores.histograms import Histogram, poisson_interval

__all__ = [
    "BAND_COLOR",
    "RATIO_RANGE",
    "SMALLEST_CHI2",
    "Drawn",
    "plot_distribution",
    "plot_ratio",
]

Drawn: TypeAlias = list[Artist | Container]
"""What a plot function returns."""

RATIO_RANGE: Final = (0.5, 1.5)
"""Range of the ratio panels; triangles point to values outside."""

BAND_COLOR: Final = "0.82"
"""Colour of Poisson bands."""

SMALLEST_CHI2: Final = 0.02
"""Chi2/ndf below this are drawn at this value."""

_BAND: Final[dict[str, Any]] = {"color": BAND_COLOR, "linewidth": 0}
_COLUMNS: Final = 4
_HEADROOM: Final = 1.45
_HEADROOM_OF_ROW: Final = 0.13
_RATIO_BINS: Final = {1: 20, 2: 20, 3: 14, 4: 14}
_RATIO_BINS_OF_MANY: Final = 10
_BIN_SHARE: Final = 0.72


def plot_distribution(
    result: ObservableResult, ax: Axes, *, scale: float = 1.0, log: bool = False
) -> Drawn:
    """Draw the histograms of one observable, scaled to the reference's number of events.

    Simulations without events are left out. Triangles at the sides stand beside the numbers of
    the reference's events below and above the axis.
    """
    edges = result.reference.edges * scale
    low, high = poisson_interval(result.reference.counts)
    band = ax.stairs(high, edges, baseline=low, fill=True, **_BAND)
    line = ax.stairs(result.reference.counts, edges, color=REFERENCE_COLOR, linewidth=1.3)
    artists: Drawn = [band, line]
    top = float(high.max())
    shown = with_events(result)
    for simulated in shown:
        counts = _scaled_counts(simulated.histogram, result.reference)
        artists.append(ax.stairs(counts, edges, linewidth=1.1, **simulated_line(simulated.place)))
        top = max(top, float(counts.max()))
    _add_chi2(result, artists[2:], ax)
    _add_outside(result.reference, ax)
    ax.set_xlim(edges[0], edges[-1])
    headroom = _HEADROOM + _HEADROOM_OF_ROW * ((len(shown) - 1) // _COLUMNS)
    if log:
        ax.set_yscale("log")
        # from below one event, with room for the legend
        ax.set_ylim(0.5, 0.5 * (2.0 * top) ** headroom)
    else:
        ax.set_ylim(0.0, top * headroom)
        ax.yaxis.set_major_locator(MaxNLocator(5, min_n_ticks=3, prune="lower"))
    return artists


def plot_ratio(result: ObservableResult, ax: Axes, *, scale: float = 1.0) -> Drawn:
    """Draw each simulation over the reference in merged bins, with the uncertainties of both.

    The reference's Poisson interval is a band round 1, that of a simulation an error bar;
    simulations stand side by side in each bin.
    """
    shown = with_events(result)
    # fewer bins for more simulations: their points stand side by side
    starts = ratio_bins(result.reference, _RATIO_BINS.get(len(shown), _RATIO_BINS_OF_MANY))
    own = ratio_of_histograms(result.reference, result.reference, starts)
    edges = own.edges * scale
    bottom, top = RATIO_RANGE
    artists: Drawn = [
        ax.stairs(
            np.nan_to_num(own.high, nan=top),
            edges,
            baseline=np.nan_to_num(own.low, nan=bottom),
            fill=True,
            **_BAND,
        ),
        ax.axhline(1.0, color=REFERENCE_COLOR, linewidth=0.8),
    ]
    for position, simulated in enumerate(shown):
        ratio = ratio_of_histograms(result.reference, simulated.histogram, starts)
        place = 0.5 + _BIN_SHARE * ((position + 0.5) / len(shown) - 0.5)
        centers = edges[:-1] + place * np.diff(edges)
        artists += _plot_points(ratio, centers, ax, simulated_marker(simulated.place))
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(bottom - 0.08, top + 0.08)
    ax.set_yticks([bottom, 1.0, top])
    return artists


def _plot_points(ratio: Ratio, x: Float64[Array, " bin"], ax: Axes, look: dict[str, Any]) -> Drawn:
    """Draw points with error bars; values beyond the panel become triangles at its border."""
    bottom, top = RATIO_RANGE
    inside = (ratio.value >= bottom) & (ratio.value <= top)
    errors = [(ratio.value - ratio.low)[inside], (ratio.high - ratio.value)[inside]]
    small = {**look, "markersize": 2.6}
    beyond = {key: look[key] for key in ("color", "markerfacecolor")} | {"markersize": 4.0}
    artists: Drawn = [ax.errorbar(x[inside], ratio.value[inside], errors, **small, linewidth=0.8)]
    for outside, y, marker in ((ratio.value > top, top, "^"), (ratio.value < bottom, bottom, "v")):
        where = np.full(np.count_nonzero(outside), y)
        artists += ax.plot(x[outside], where, marker, **beyond)
    return artists


def _add_chi2(result: ObservableResult, lines: Drawn, ax: Axes) -> None:
    """Write chi2/ndf of each simulation beside its line."""
    shown = with_events(result)
    ax.legend(
        lines,
        [_number(simulated.chi2.reduced) for simulated in shown],
        loc="upper center",
        ncols=min(max(len(shown), 1), _COLUMNS),
        title=f"$\\chi^2$/ndf ({REFERENCE_LABEL} halves: {_number(result.floor.mean)})",
        title_fontsize=9,
        fontsize=9,
        columnspacing=1.0,
        handletextpad=0.5,
        borderaxespad=0.2,
    )


def _add_outside(reference: Histogram, ax: Axes) -> None:
    """Write the numbers of events beyond the axis at its sides."""
    look: dict[str, Any] = {"transform": ax.transAxes, "fontsize": 8, "va": "top", "color": "0.25"}
    if reference.underflow:
        ax.text(0.02, 0.945, f"◂ {reference.underflow}", ha="left", **look)
    if reference.overflow:
        ax.text(0.98, 0.945, f"{reference.overflow} ▸", ha="right", **look)


def _scaled_counts(histogram: Histogram, reference: Histogram) -> Float64[Array, " bin"]:
    return np.asarray(histogram.counts * (reference.total / max(histogram.total, 1)))


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
