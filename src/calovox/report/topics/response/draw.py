"""Plots of E_tot / E_kin and of the layers against |eta|: maps, profiles, shares."""

from collections.abc import Sequence
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.text import Text

from calovox.arrays import Array, Float64
from calovox.report.histograms import BAND_COLOR, Drawn
from calovox.report.style import REFERENCE_COLOR, SIMULATED_COLORS, simulated_marker
from calovox.report.topics.response.profiles import Response
from calovox.report.topics.response.slices import ResponseMap
from calovox.scores.averages import Profile

__all__ = [
    "LAYER_MAP",
    "MOST_NAMED_LAYERS",
    "add_outside",
    "plot_layer_fractions",
    "plot_profile_differences",
    "plot_profiles",
    "plot_response",
    "plot_response_map",
]

LAYER_MAP: Final = "viridis"
"""Colours of more layers than `MOST_NAMED_LAYERS`, from the first to the last."""

_LAYER_COLORS: Final = (
    *("#E69F00", "#0072B2", "black", "#009E73", "#CC79A7", "#56B4E9"),
    *("#D55E00", "#332288", "#999933", "#882255", "#44AA99", "#888888"),
)
_LAYER_MARKERS: Final = ("v", "s", "o", "^", "D", "<", "p", ">", "P", "X", "h", "*")

MOST_NAMED_LAYERS: Final = len(_LAYER_COLORS)
"""So many layers have colours and markers of their own, and names in a legend."""

_REFERENCE_MARKER: Final = {"color": REFERENCE_COLOR, "marker": "o", "linestyle": "none"}
_BIN_SHARE: Final = 0.6
_FRACTION_RANGE: Final = (2e-5, 8.0)


def plot_response(response: Response, ax: Axes) -> Drawn:
    """Draw events in |eta| and E_tot / E_kin, with the mean of each bin of |eta|."""
    profile = response.profile
    most = int(response.counts.max())
    image = ax.pcolormesh(
        profile.edges,
        response.ratio_edges,
        np.where(response.counts > 0, response.counts, np.nan).T,
        norm=LogNorm(vmin=1, vmax=max(most, 2)),
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
    ax.set_xlim(profile.edges[0], profile.edges[-1])
    return [image, points]


def plot_response_map(result: ResponseMap, ax: Axes, *, most: int) -> Drawn:
    """Draw the events of one sample in fine bins of |eta| and E_tot / E_kin."""
    image = ax.pcolormesh(
        result.eta_edges,
        result.ratio_edges,
        np.where(result.counts > 0, result.counts, np.nan).T,
        norm=LogNorm(vmin=1, vmax=max(most, 2)),
        rasterized=True,
    )
    return [image]


def add_outside(ax: Axes, *, below: int, above: int, beyond: int = 0) -> list[Text]:
    """Write the numbers of events that a map does not hold at its borders."""
    look: dict[str, Any] = {"transform": ax.transAxes, "fontsize": 8, "color": "0.25"}
    places = (
        (below, f"▾ {below}", 0.03, "bottom"),
        (above, f"▴ {above}", 0.97, "top"),
        (beyond, f"{beyond} ▸", 0.5, "center"),
    )
    return [
        ax.text(0.96, y, text, ha="right", va=side, **look)
        for number, text, y, side in places
        if number > 0
    ]


def plot_profiles(profiles: Sequence[Profile], ax: Axes, *, statistic: str = "mean") -> Drawn:
    """Draw means or relative widths in bins of |eta|: the reference, then simulations."""
    columns = [_statistic(profile, statistic) for profile in profiles]
    ax.set_xlim(profiles[0].edges[0], profiles[0].edges[-1])
    return _plot_points(profiles[0].edges, columns, ax)


def plot_profile_differences(profiles: Sequence[Profile], ax: Axes) -> Drawn:
    """Draw the means of simulations minus that of the reference, in per cent of the reference."""
    edges, mean = profiles[0].edges, profiles[0].mean
    error = np.nan_to_num(100.0 * profiles[0].mean_error / mean)
    band = ax.stairs(error, edges, baseline=-error, fill=True, color=BAND_COLOR, linewidth=0)
    line = ax.axhline(0.0, color=REFERENCE_COLOR, linewidth=0.8)
    columns = [
        (100.0 * (profile.mean / mean - 1.0), 100.0 * profile.mean_error / mean)
        for profile in profiles
    ]
    return [band, line, *_plot_points(edges, columns, ax)[1:]]


def plot_layer_fractions(response: Response, ax: Axes) -> Drawn:
    """Draw the mean share of each layer in bins of |eta|."""
    artists: Drawn = []
    looks = _layer_looks(len(response.layers))
    for name, profile, look in zip(response.layers, response.fractions, looks, strict=True):
        artists.append(
            ax.errorbar(
                profile.centers,
                np.where(profile.mean > 0, profile.mean, np.nan),
                profile.mean_error,
                label=name,
                **look,
            )
        )
    ax.set_yscale("log")
    ax.set_ylim(*_FRACTION_RANGE)
    ax.set_xlim(response.profile.edges[0], response.profile.edges[-1])
    ax.set_ylabel(r"Mean of $E_\mathrm{layer}\,/\,E_\mathrm{tot}$")
    return artists


def _layer_looks(n_layers: int) -> list[dict[str, Any]]:
    """Choose colours and markers of layers; of many, colours of a map and lines."""
    if n_layers <= MOST_NAMED_LAYERS:
        named = zip(_LAYER_COLORS[:n_layers], _LAYER_MARKERS, strict=False)
        return [
            {"color": color, "fmt": marker, "markersize": 3.5, "linewidth": 0.9}
            for color, marker in named
        ]
    colors = matplotlib.colormaps[LAYER_MAP](np.linspace(0.0, 1.0, n_layers))
    return [{"color": color, "fmt": "-", "linewidth": 0.9, "elinewidth": 0.6} for color in colors]


def _plot_points(
    edges: Float64[Array, " edge"],
    columns: Sequence[tuple[Float64[Array, " bin"], Float64[Array, " bin"]]],
    ax: Axes,
) -> Drawn:
    """Draw values with errors, those of several samples side by side in each bin."""
    widths = np.diff(edges)
    artists: Drawn = []
    for position, (values, errors) in enumerate(columns):
        look = simulated_marker(position - 1) if position else _REFERENCE_MARKER
        place = 0.5 + _BIN_SHARE * (position / max(len(columns) - 1, 1) - 0.5)
        centers = edges[:-1] + place * widths
        artists.append(
            ax.errorbar(centers, values, errors, **{**look, "markersize": 3.0}, linewidth=0.7)
        )
    return artists


def _statistic(
    profile: Profile, statistic: str
) -> tuple[Float64[Array, " bin"], Float64[Array, " bin"]]:
    if statistic == "rms":
        return profile.rms / profile.mean, profile.rms_error / profile.mean
    return profile.mean, profile.mean_error
