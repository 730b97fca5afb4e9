"""Figures of the layers: means of all samples, and how far simulations are off."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from calovox.arrays import Array, Float64
from calovox.report.histogram_pages import legend_size
from calovox.report.histograms import BAND_COLOR, Drawn
from calovox.report.style import REFERENCE_COLOR, drawn_name, simulated_marker
from calovox.report.topic import NamedFigure
from calovox.report.topics.layers.measure import (
    QUANTITIES,
    LayersResult,
    Moments,
    Quantity,
    SampleLayers,
)
from calovox.samples.files import REFERENCE_LABEL

__all__ = ["layers_figure", "layers_figures", "plot_layer_means", "plot_layer_shifts"]

_COLUMNS: Final = 3
_MOST_NAMED: Final = 12
_SIDE: Final = 0.6  # of the distance of layers: where the samples of a layer stand
_REFERENCE_MARKER: Final = {"color": REFERENCE_COLOR, "marker": "o", "markersize": 3.5}


def layers_figures(result: LayersResult) -> Iterator[NamedFigure]:
    """List the figure of all layers."""
    yield "layers", partial(layers_figure, result)


def layers_figure(result: LayersResult) -> Figure:
    """Draw all quantities, each with the shifts of the simulations below.

    Args:
        result: All samples.

    Returns:
        Six panels, each with a smaller one below if there are simulations.
    """
    with_shifts = len(result.samples) > 1
    kinds = 2 if with_shifts else 1
    figure = Figure(figsize=(11.0, 7.6 if with_shifts else 5.6))
    rows = len(QUANTITIES) // _COLUMNS
    axes = figure.subplots(
        rows * kinds, _COLUMNS, sharex=True, squeeze=False, height_ratios=[2.2, 1.0][:kinds] * rows
    )
    figure.subplots_adjust(left=0.07, right=0.985, bottom=0.1, top=0.92, wspace=0.25, hspace=0.12)
    for place, quantity in enumerate(QUANTITIES):
        row, column = divmod(place, _COLUMNS)
        plot_layer_means(result, quantity, axes[row * kinds, column])
        if with_shifts:
            plot_layer_shifts(result, quantity, axes[row * kinds + 1, column])
    for ax in axes.ravel():
        ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    for ax in axes[-1]:
        _name_layers(result, ax)
    _add_legend(result, figure)
    figure.align_ylabels(axes)
    return figure


def plot_layer_means(result: LayersResult, quantity: Quantity, ax: Axes) -> Drawn:
    """Draw the mean of each layer, with a band of one standard deviation of the reference."""
    reference = result.samples[0].quantities[quantity.name]
    low, high = reference.mean - reference.rms, reference.mean + reference.rms
    artists: Drawn = [_plot_band(low, high, ax)]
    for sample, x, moments in _shown(result, quantity):
        marker = _REFERENCE_MARKER if sample.place < 0 else simulated_marker(sample.place)
        style = {**marker, "linestyle": "none", "linewidth": 0.9}
        artists.append(ax.errorbar(x, moments.mean, moments.error, **style))
    unit = f" [{quantity.unit}]" if quantity.unit else ""
    ax.set_ylabel(f"{quantity.title.capitalize().replace('mev', 'MeV')}{unit}", fontsize=9.5)
    return artists


def plot_layer_shifts(result: LayersResult, quantity: Quantity, ax: Axes) -> Drawn:
    """Draw the mean of each simulation less that of the reference, in % of its deviation."""
    reference = result.samples[0].quantities[quantity.name]
    rms = np.where(reference.rms > 0.0, reference.rms, np.nan)
    band = 100.0 * reference.error / rms
    artists: Drawn = [
        _plot_band(-band, band, ax),
        ax.axhline(0.0, color=REFERENCE_COLOR, linewidth=0.8),
    ]
    for sample, x, moments in list(_shown(result, quantity))[1:]:
        shift, error = 100.0 * (moments.mean - reference.mean) / rms, 100.0 * moments.error / rms
        style = {**simulated_marker(sample.place), "linewidth": 0.9}
        artists.append(ax.errorbar(x, shift, error, **style))
    ax.set_ylabel("Shift\n[% of RMS]", fontsize=9)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    return artists


def _shown(
    result: LayersResult, quantity: Quantity
) -> Iterator[tuple[SampleLayers, Float64[Array, " layer"], Moments]]:
    """Give the samples with a quantity, where their points stand, and the moments."""
    n_samples = len(result.samples)
    for place, sample in enumerate(result.samples):
        if quantity.name in sample.quantities:
            x = np.arange(len(result.numbers)) + _SIDE * ((place + 0.5) / n_samples - 0.5)
            yield sample, x, sample.quantities[quantity.name]


def _plot_band(
    low: Float64[Array, " layer"], high: Float64[Array, " layer"], ax: Axes
) -> BarContainer:
    ax.use_sticky_edges = False
    ax.margins(y=0.08)
    known = np.where(np.isfinite(high), high - low, 0.0)
    bottom = np.where(np.isfinite(low), low, 0.0)
    return ax.bar(np.arange(len(low)), known, 1.0, bottom, color=BAND_COLOR)


def _name_layers(result: LayersResult, ax: Axes) -> None:
    ax.set_xlim(-0.5, len(result.numbers) - 0.5)
    if len(result.names) <= _MOST_NAMED:
        names = [drawn_name(name) for name in result.names]
        ax.set_xticks(np.arange(len(names)), names, rotation=45, ha="right", fontsize=8.5)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        ax.set_xlabel("Layer, counted from 0")


def _add_legend(result: LayersResult, figure: Figure) -> None:
    labels = [f"{REFERENCE_LABEL}, its RMS", *(drawn_name(s.label) for s in result.samples)]
    handles = [
        Patch(facecolor=BAND_COLOR),
        *(
            Line2D(
                [],
                [],
                **(_REFERENCE_MARKER if s.place < 0 else simulated_marker(s.place))
                | {"linestyle": "none"},
            )
            for s in result.samples
        ),
    ]
    figure.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.995),
        ncols=min(len(labels), 5),
        fontsize=legend_size(labels),
    )
