"""Figures of E_tot / E_kin and of the layers against |eta| (note, Figure 12)."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from calovox.report.histogram_pages import (
    HistogramPanel,
    add_colorbar,
    histogram_page,
    legend_size,
    simulations_of,
)
from calovox.report.style import drawn_name
from calovox.report.topic import NamedFigure
from calovox.report.topics.response.draw import (
    LAYER_MAP,
    MOST_NAMED_LAYERS,
    add_outside,
    plot_layer_fractions,
    plot_profile_differences,
    plot_profiles,
    plot_response,
    plot_response_map,
)
from calovox.report.topics.response.measure import ResponseResult
from calovox.report.topics.response.profiles import Response
from calovox.report.topics.response.slices import SlicedResponse
from calovox.scores.averages import Profile
from calovox.units import format_energy

__all__ = [
    "fractions_figure",
    "gap_figure",
    "response_figure",
    "response_figures",
    "response_profiles_figure",
    "response_slices_figure",
]

_ETA_LABEL: Final = r"$|\eta_\mathrm{center}|$"
_RATIO_LABEL: Final = r"$E_\mathrm{tot}\,/\,E_\mathrm{kin}$"
_GAP_COLUMNS: Final = 4
_LEGEND_COLUMNS: Final = 5
_WIDEST_HOLE: Final = 0.1


def response_figures(result: ResponseResult) -> Iterator[NamedFigure]:
    """List all figures."""
    if result.responses:
        first = result.responses[0]
        yield "response", partial(response_figure, first)
        yield "response-profiles", partial(response_profiles_figure, result.responses)
        yield "layer-fractions", partial(fractions_figure, first)
    if result.sliced is not None and result.sliced.maps:
        yield "response-gap", partial(gap_figure, result.sliced)
    if result.sliced is not None and result.sliced.slices:
        yield "response-slices", partial(response_slices_figure, result.sliced)


def response_figure(response: Response) -> Figure:
    """Draw the events of one sample in |eta| and E_tot / E_kin (Figure 12 a).

    Args:
        response: The result of the reference.

    Returns:
        One panel with its scale of colours.
    """
    figure = Figure(figsize=(10.0, 4.4))
    ax = figure.subplots()
    figure.subplots_adjust(left=0.085, right=0.885, bottom=0.125, top=0.925)
    image, *_ = plot_response(response, ax)
    add_outside(ax, below=response.n_low, above=response.n_high, beyond=response.n_beyond)
    low, high = map(format_energy, response.energies)
    name = drawn_name(response.label)
    ax.set_title(f"{name}: {response.n_events} {response.particle}s of {low} to {high}")
    ax.set_xlim(_covered_range(response.profile))
    ax.set_xlabel(_ETA_LABEL)
    ax.set_ylabel(_RATIO_LABEL)
    ax.legend(loc="lower left")
    _add_counts(figure, image, ax)
    return figure


def gap_figure(result: SlicedResponse) -> Figure:
    """Draw the events of every sample across an electrode gap (Figure 12 b).

    Args:
        result: Maps of the reference and of simulations.

    Returns:
        Panels with common axes and a common scale of colours.
    """
    n_columns = min(len(result.maps), _GAP_COLUMNS)
    n_rows = -(-len(result.maps) // n_columns)
    height, width = 0.85 + 2.75 * n_rows, 1.75 + 2.6 * n_columns
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(
        *(0.75 / width, 0.5 / height, 1.0 - 1.0 / width, 1.0 - 0.3 / height),
        wspace=0.06,
        hspace=0.16,
    )
    most = max(int(sample.counts.max()) for sample in result.maps)
    for place, sample in enumerate(result.maps):
        ax = axes.flat[place]
        (image,) = plot_response_map(sample, ax, most=most)
        add_outside(ax, below=sample.n_low, above=sample.n_high)
        ax.set_title(f"{drawn_name(sample.label)}: {sample.n_events}", fontsize=9.5, pad=4)
        ax.xaxis.set_major_locator(MaxNLocator(4, prune="both"))
        if place + n_columns >= len(result.maps):
            ax.xaxis.set_tick_params(labelbottom=True)
            ax.set_xlabel(_ETA_LABEL)
        if place % n_columns == 0:
            ax.set_ylabel(_RATIO_LABEL)
    for ax in axes.flat[len(result.maps) :]:
        ax.set_visible(False)
    _add_counts(figure, image, axes[0, -1])
    return figure


def response_slices_figure(result: SlicedResponse) -> Figure:
    """Draw E_tot / E_kin in slices of |eta|, with ratio panels.

    Args:
        result: One slice or more.

    Returns:
        The page.
    """
    panels = [
        HistogramPanel(
            entry.observable,
            _RATIO_LABEL,
            f"{entry.eta_low:g} ≤ |η| < {entry.eta_high:g}",
            f"{entry.observable.reference.total} showers",
        )
        for entry in result.slices
    ]
    low, high = map(format_energy, result.energies)
    title = f"{result.particle.capitalize()}s of {low} to {high} in slices of |η|"
    return histogram_page(panels, title, simulations_of(result.slices[0].observable))


def response_profiles_figure(responses: Sequence[Response]) -> Figure:
    """Draw mean and relative width of E_tot / E_kin against |eta|, all with statistical errors.

    Ranges of |eta| without events are left out of the axis.

    Args:
        responses: The reference, then simulations.

    Returns:
        Means, their differences from the reference if there are simulations, and widths.
    """
    profiles = [response.profile for response in responses]
    rows = (1.7, 1.0, 1.0) if len(responses) > 1 else (1.7, 1.0)
    parts = _covered_parts(profiles[0])
    figure = Figure(figsize=(10.4, 2.5 * sum(rows) + 0.6))
    axes = figure.subplots(
        *(len(rows), len(parts)),
        sharex="col",
        sharey="row",
        squeeze=False,
        height_ratios=rows,
        width_ratios=[high - low for low, high in parts],
    )
    figure.subplots_adjust(
        left=0.095, right=0.985, bottom=0.07, top=0.91, hspace=0.07, wspace=0.03
    )
    for column, part in zip(axes.T, parts, strict=True):
        means: list[Any] = plot_profiles(profiles, column[0])
        if len(responses) > 1:
            plot_profile_differences(profiles, column[1])
        plot_profiles(profiles, column[-1], statistic="rms")
        column[0].set_xlim(part)
        column[0].xaxis.set_major_locator(MaxNLocator("auto", prune="both"))
    names = [drawn_name(response.label) for response in responses]
    _label_profiles(axes, profiles, names[0])
    low, high = map(format_energy, responses[0].energies)
    title = f"{responses[0].particle.capitalize()}s of {low} to {high}"
    figure.text(0.5, 0.975, title, ha="center", fontsize=12)
    figure.legend(
        handles=means,
        labels=names,
        ncols=len(responses),
        loc="upper center",
        bbox_to_anchor=(0.5, 0.972),
        columnspacing=1.2,
        fontsize=legend_size(names),
    )
    return figure


def fractions_figure(response: Response) -> Figure:
    """Draw the mean share of each layer against |eta|.

    Args:
        response: The result of the reference.

    Returns:
        One panel.
    """
    figure = Figure(figsize=(9.0, 4.4))
    ax = figure.subplots()
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.12, top=0.97)
    plot_layer_fractions(response, ax)
    ax.set_xlim(_covered_range(response.profile))
    ax.set_xlabel(_ETA_LABEL)
    n_layers = len(response.layers)
    if n_layers > MOST_NAMED_LAYERS:
        figure.subplots_adjust(right=0.9)
        _add_layers(figure, ax, n_layers)
        return figure
    columns = min(n_layers, _LEGEND_COLUMNS)
    ax.legend(ncols=columns, loc="upper center", columnspacing=1.0, handletextpad=0.2)
    return figure


def _add_layers(figure: Figure, ax: Axes, n_layers: int) -> None:
    """Explain the colours of many layers."""
    colors = ScalarMappable(Normalize(0, n_layers - 1), LAYER_MAP)
    bar = add_colorbar(figure, colors, ax, "Layer, from the front")
    bar.yaxis.set_major_locator(MaxNLocator(8, integer=True))


def _add_counts(figure: Figure, image: Artist | Container, ax: Axes) -> None:
    bar = add_colorbar(figure, image, ax, "Events per bin")
    bar.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    bar.yaxis.set_major_formatter("{x:g}")
    bar.yaxis.set_minor_formatter(NullFormatter())


def _label_profiles(axes: np.ndarray, profiles: Sequence[Profile], reference: str) -> None:
    axes[0, 0].set_ylabel(f"Mean of {_RATIO_LABEL}")
    axes[0, 0].set_ylim(_mean_range(profiles))
    if len(profiles) > 1:
        axes[1, 0].set_ylabel(f"Mean − {reference} [%]")
    axes[-1, 0].set_ylabel("RMS / mean")
    axes[-1, 0].set_ylim(bottom=0.0)
    axes[-1, -1].set_xlabel(_ETA_LABEL)
    axes[0, 0].figure.align_ylabels(axes[:, 0])
    _break_axes(axes)


def _break_axes(axes: np.ndarray) -> None:
    """Mark where the axis of |eta| is broken: dotted lines in place of the frame."""
    for row in axes:
        for ax in row[:-1]:
            ax.spines["right"].set_linestyle(":")
            ax.tick_params(axis="y", which="both", right=False)
        for ax in row[1:]:
            ax.spines["left"].set_linestyle(":")
            ax.tick_params(axis="y", which="both", left=False)


def _covered_parts(profile: Profile) -> list[tuple[float, float]]:
    """Find the ranges of |eta| with events, between holes wider than `_WIDEST_HOLE`."""
    bins = np.flatnonzero(profile.count)
    if bins.size == 0:
        return [(float(profile.edges[0]), float(profile.edges[-1]))]
    low, high = profile.edges[bins], profile.edges[bins + 1]
    # regions that were generated apart are far from each other: panels side by side show both
    breaks = np.flatnonzero(low[1:] - high[:-1] > _WIDEST_HOLE)
    firsts, lasts = [0, *(breaks + 1)], [*breaks, len(bins) - 1]
    margin = 0.006
    return [
        (max(float(low[first]) - margin, 0.0), float(high[last]) + margin)
        for first, last in zip(firsts, lasts, strict=True)
    ]


def _covered_range(profile: Profile) -> tuple[float, float]:
    bins = np.flatnonzero(profile.count)
    if bins.size == 0:
        return float(profile.edges[0]), float(profile.edges[-1])
    low, high = float(profile.edges[bins[0]]), float(profile.edges[bins[-1] + 1])
    margin = max(0.02, 0.05 * (high - low))
    return max(low - margin, float(profile.edges[0])), min(high + margin, profile.edges[-1])


def _mean_range(profiles: Sequence[Profile]) -> tuple[float, float]:
    means = np.concatenate([profile.mean[np.isfinite(profile.mean)] for profile in profiles])
    if means.size == 0:
        return 0.0, 1.0
    low, high = float(means.min()), float(means.max())
    margin = 0.3 * (high - low) + 5e-3
    return low - margin, high + margin
