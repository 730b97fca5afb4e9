"""Views of one shower.

- `voxels`: the energy density of each layer's voxels about the shower centre, with their borders;
- `cells`: the energy of each layer's cells in eta and phi;
- `profile`: the energy of each layer.

Panels of one view have the same scale of lengths and of colours. Nearly all of the energy is
inside of the panels; titles say how much is not. What is below the scale of colours has its last
colour.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import mul
from typing import Final, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection, PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from calovox.arrays import Array, Bool, Float64
from calovox.drawing.figure import ShowerFigure
from calovox.drawing.shower import OneShower
from calovox.geometry.coordinates import wrap_phi
from calovox.report.style import SIMULATED_COLORS, drawn_name, style
from calovox.report.topics.showers.draw import voxel_polygons
from calovox.units import format_energy

__all__ = ["VIEWS", "View", "draw_shower"]

View = Literal["voxels", "cells", "profile"]
"""What of a shower is drawn."""

_MOST_PANELS: Final = 12
_COLUMNS: Final = 3
_PANEL: Final = 3.3
_INSIDE: Final = 0.97
_DECADES: Final = 4
_EMPTY: Final = "0.9"
_FEW_LAYERS: Final = 12
_SMALLEST_RADIUS: Final = 20.0
_SMALLEST_WINDOW: Final = 0.06


def draw_shower(
    shower: OneShower, view: View = "voxels", layers: Sequence[int] | None = None
) -> ShowerFigure:
    """Draw one shower.

    Args:
        shower: The shower.
        view: What of it.
        layers: Numbers of the layers; None for all, or for the twelve with most energy.

    Returns:
        The figure.

    Raises:
        ValueError: If the shower has no such layer, or no cells where they are asked for.
    """
    with style():
        return VIEWS[view](shower, layers)


def _draw_voxels(shower: OneShower, layers: Sequence[int] | None) -> ShowerFigure:
    chosen, note = _choose_layers(shower, layers)
    grid, energy = shower.voxels.grid, shower.voxel_energy
    area = 0.5 * (grid.r_max**2 - grid.r_min**2) * (grid.alpha_max - grid.alpha_min)
    density, shown = energy / area, np.isin(grid.layer, chosen)
    norm = _norm(density[shown])
    radius = max(_SMALLEST_RADIUS, _edge_of_most(grid.r_max[shown], energy[shown]))
    figure, panels, bar = _panels(
        len(chosen), f"{shower.title}, {drawn_name(grid.name)} voxels{note}"
    )
    for layer, ax in zip(chosen, panels, strict=True):
        rows = np.flatnonzero((grid.layer == layer) & (grid.r_min < 1.5 * radius))
        values = density[rows]
        ax.add_collection(
            PolyCollection(
                voxel_polygons(grid, rows),
                array=np.ma.masked_where(values <= 0, np.maximum(values, norm.vmin or 0.0)),
                norm=norm,
                cmap=matplotlib.colormaps["viridis"].with_extremes(bad=_EMPTY),
                edgecolors=(1.0, 0.0, 0.0, 0.45),
                linewidths=0.4,
            ),
            autolim=False,
        )
        ax.set(xlim=(-radius, radius), ylim=(-radius, radius), aspect="equal")
        of_layer = grid.layer == layer
        beyond = float(energy[of_layer & (grid.r_max > radius * (1 + 1e-9))].sum())
        _title(ax, shower, layer, energy[of_layer], beyond, "voxels")
    _label(panels, r"$r\,\cos\alpha$ [mm]", r"$r\,\sin\alpha$ [mm]")
    figure.colorbar(ScalarMappable(norm, "viridis"), cax=bar, label="Energy density [MeV/mm²]")
    return figure


def _draw_cells(shower: OneShower, layers: Sequence[int] | None) -> ShowerFigure:
    if shower.cells is None or shower.table is None:
        raise ValueError(
            f"{shower.source or 'the showers'}: expected cells to show, got none: make them with "
            "`calovox simulate --cells` or `calovox voxelize`, or show the voxels"
        )
    chosen, note = _choose_layers(shower, layers)
    table, entries = shower.table, shower.cells
    energy = entries.energy.astype(np.float64)
    layer = table.layer[entries.cell]
    eta_0, phi_0 = _center(shower, energy)
    eta, phi = table.eta[entries.cell], wrap_phi(table.phi[entries.cell] - phi_0)
    shown = np.isin(layer, chosen)
    away = np.maximum(np.abs(eta - eta_0), np.abs(phi))
    half = max(_SMALLEST_WINDOW, 1.05 * _edge_of_most(away[shown], np.maximum(energy[shown], 0)))
    norm = _norm(energy[shown])
    figure, panels, bar = _panels(
        len(chosen), f"{shower.title}, {drawn_name(table.name)} cells{note}"
    )
    for number, ax in zip(chosen, panels, strict=True):
        _draw_layer_of_cells(shower, number, ax, (eta_0, phi_0, half), norm)
        rows = layer == number
        beyond = float(energy[rows & (away > half)].sum())
        _title(ax, shower, number, energy[rows], beyond, "cells")
    _label(panels, r"$\eta$", r"$\phi$ [rad]")
    figure.colorbar(ScalarMappable(norm, "viridis"), cax=bar, label="Energy of a cell [MeV]")
    return figure


def _draw_layer_of_cells(
    shower: OneShower,
    layer: int,
    ax: Axes,
    window: tuple[float, float, float],
    norm: LogNorm,
) -> None:
    """Draw all cells of a layer inside a window about the shower's centre."""
    assert shower.table is not None
    assert shower.cells is not None
    table, (eta_0, phi_0, half) = shower.table, window
    energies = np.zeros(len(table))
    energies[shower.cells.cell] = shower.cells.energy
    phi = wrap_phi(table.phi - phi_0)
    near: Bool[Array, " cell"] = (table.layer == layer) & (
        np.abs(table.eta - eta_0) < half + table.d_eta
    )
    rows = np.flatnonzero(near & (np.abs(phi) < half + table.d_phi))
    corners = zip(
        table.eta[rows] - 0.5 * table.d_eta[rows],
        phi_0 + phi[rows] - 0.5 * table.d_phi[rows],
        table.d_eta[rows],
        table.d_phi[rows],
        strict=True,
    )
    values = energies[rows]
    cells = PatchCollection(
        [Rectangle((x, y), width, height) for x, y, width, height in corners],
        array=np.ma.masked_where(values <= 0, np.maximum(values, norm.vmin or 0.0)),
        norm=norm,
        cmap=matplotlib.colormaps["viridis"].with_extremes(bad=_EMPTY),
        edgecolors="white",
        linewidths=0.3,
    )
    ax.add_collection(cells, autolim=False)
    ax.set(xlim=(eta_0 - half, eta_0 + half), ylim=(phi_0 - half, phi_0 + half))
    ax.set_box_aspect(1)


def _draw_profile(shower: OneShower, layers: Sequence[int] | None) -> ShowerFigure:
    by_layer = shower.layer_energy
    chosen = _check_layers(shower, layers) if layers else [*by_layer]
    energy = np.array([by_layer[number] for number in chosen])
    scale, unit = (1e-3, "GeV") if shower.energy >= 1e3 else (1.0, "MeV")
    figure = ShowerFigure(figsize=(6.4, 4.4))
    ax = figure.subplots()
    figure.subplots_adjust(left=0.12, right=0.86, bottom=0.15, top=0.88)
    if len(chosen) <= _FEW_LAYERS:
        names = [drawn_name(shower.layer_names.get(n, f"layer {n}")) for n in chosen]
        bars = ax.bar(names, scale * energy, color=SIMULATED_COLORS[0], width=0.7)
        labels = [f"{100 * e / shower.energy:.3g} %" for e in energy]
        ax.bar_label(bars, labels, padding=2, fontsize=9)
        ax.margins(y=0.1)
        ax.tick_params(axis="x", which="both", bottom=False, top=False)
    else:
        edges = np.append(np.array(chosen) - 0.5, chosen[-1] + 0.5)
        ax.stairs(scale * energy, edges, color=SIMULATED_COLORS[0], fill=True, alpha=0.3)
        ax.stairs(scale * energy, edges, color=SIMULATED_COLORS[0])
        ax.set_xlim(edges[0], edges[-1])
    ax.set(xlabel="Layer", ylabel=f"Energy of the layer [{unit}]")
    low, _ = ax.get_ylim()
    ax.set_ylim(bottom=min(low, 0.0) if (energy < 0).any() else 0.0)
    factor = 100.0 / (scale * shower.energy)
    right = ax.secondary_yaxis(
        "right", functions=(partial(mul, factor), partial(mul, 1.0 / factor))
    )
    right.set_ylabel("Share of the kinetic energy [%]")
    ax.tick_params(axis="y", which="both", right=False)
    of = "cells" if shower.cells is not None else "voxels"
    share = 100.0 * sum(by_layer.values()) / shower.energy
    ax.set_title(f"{shower.title}\n{share:.3g} % of the kinetic energy in {of}", fontsize=10)
    return figure


def _choose_layers(shower: OneShower, layers: Sequence[int] | None) -> tuple[list[int], str]:
    """Give the layers to draw, and say if there are others."""
    if layers:
        return _check_layers(shower, layers), ""
    energy = shower.layer_energy
    if len(energy) <= _MOST_PANELS:
        return [*energy], ""
    most = sorted(energy, key=lambda number: -energy[number])[:_MOST_PANELS]
    return sorted(most), f", {_MOST_PANELS} of {len(energy)} layers"


def _check_layers(shower: OneShower, layers: Sequence[int]) -> list[int]:
    known = [*shower.layer_energy]
    for layer in layers:
        if layer not in known:
            raise ValueError(f"--layer: expected one of {', '.join(map(str, known))}, got {layer}")
    return sorted(set(layers))


def _panels(number: int, title: str) -> tuple[ShowerFigure, list[Axes], Axes]:
    """Give a figure with so many square panels, and a place for the scale of colours."""
    columns = min(number, _COLUMNS)
    rows = -(-number // columns)
    width, height = _PANEL * columns + 1.5, _PANEL * rows + 0.9
    figure = ShowerFigure(figsize=(width, height))
    inside = figure.add_gridspec(
        rows,
        columns,
        left=0.75 / width,
        right=1 - 1.15 / width,
        bottom=0.5 / height,
        top=1 - 0.75 / height,
        wspace=0.26,
        hspace=0.3,
    )
    axes = [
        figure.add_subplot(inside[place // columns, place % columns]) for place in range(number)
    ]
    for ax in axes:
        ax.set_facecolor("white")
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.yaxis.set_major_locator(MaxNLocator(4))
    top, low = 0.75 / height, 0.5 / height
    bar = figure.add_axes(
        (1 - 0.98 / width, low, 0.17 / width, min(1 - top - low, 2.7 * _PANEL / height))
    )
    figure.text(
        0.5, 1 - 0.14 / height, title, ha="center", va="top", fontsize=_title_size(title, width)
    )
    return figure, axes, bar


def _title_size(title: str, width: float) -> float:
    """Choose letters that fit the width in inches."""
    return min(11.0, 135.0 * width / max(len(title), 1))


def _title(
    ax: Axes, shower: OneShower, layer: int, energy: Float64[Array, "_"], beyond: float, what: str
) -> None:
    name = drawn_name(shower.layer_names.get(layer, f"layer {layer}"))
    hit = int(np.count_nonzero(energy > 0))
    outside = f", {format_energy(beyond)} outside" if beyond > 1e-3 * shower.energy else ""
    total = float(energy.sum())
    text = "0 MeV" if total <= 0 else format_energy(total)
    ax.set_title(f"{name}: {text} in {hit} {what}{outside}", fontsize=9)


def _label(panels: Sequence[Axes], x: str, y: str) -> None:
    for place, ax in enumerate(panels):
        if place + _COLUMNS >= len(panels):
            ax.set_xlabel(x)
        if place % _COLUMNS == 0:
            ax.set_ylabel(y)


def _norm(values: Float64[Array, "_"]) -> LogNorm:
    seen = values[values > 0]
    if seen.size == 0:
        return LogNorm(vmin=0.1, vmax=1.0)
    top = float(seen.max())
    low = max(float(seen.min()), top * 10.0**-_DECADES)
    return LogNorm(vmin=low if low < top else 0.1 * top, vmax=top)


def _edge_of_most(away: Float64[Array, "_"], energy: Float64[Array, "_"]) -> float:
    """Give the distance within which nearly all of the energy lies."""
    order = np.argsort(away)
    inside = np.cumsum(energy[order])
    if inside.size == 0 or inside[-1] <= 0:
        return 0.0
    return float(away[order][np.searchsorted(inside, _INSIDE * inside[-1])])


def _center(shower: OneShower, energy: Float64[Array, "_"]) -> tuple[float, float]:
    """Give where the shower lies: the centre of its voxels, or of its cells."""
    voxels = shower.voxels
    if voxels.phi_center is not None and math.isfinite(float(voxels.phi_center[0])):
        return float(voxels.eta_center[0]), float(voxels.phi_center[0])
    assert shower.table is not None
    assert shower.cells is not None
    phi, weight = shower.table.phi[shower.cells.cell], np.maximum(energy, 0.0)
    middle = np.arctan2((weight * np.sin(phi)).sum(), (weight * np.cos(phi)).sum())
    return float(voxels.eta_center[0]), float(middle)


VIEWS: Final[Mapping[View, Callable[[OneShower, Sequence[int] | None], ShowerFigure]]] = {
    "voxels": _draw_voxels,
    "cells": _draw_cells,
    "profile": _draw_profile,
}
"""How each view is drawn."""
