"""Figures of showers: one in pixels (note, Figure 2), and averages on their grids (3 and 4)."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Final

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from calovox.arrays import Array, Float64, Int64
from calovox.geometry.barrel import BARREL_LAYERS, BARREL_NAMES, BARREL_NUMBERS
from calovox.report.histogram_pages import add_colorbar
from calovox.report.style import drawn_name
from calovox.report.topic import NamedFigure
from calovox.report.topics.showers.measure import ShowersResult
from calovox.samples.showers import AverageShower, ShowerImage
from calovox.units import format_energy
from calovox.voxelization import VoxelGrid

__all__ = [
    "average_figure",
    "image_figure",
    "layers_shown",
    "plot_average_shower",
    "plot_eta_phi",
    "plot_grid",
    "plot_local",
    "showers_figures",
    "voxel_polygons",
]

NEAR_RADIUS: Final = 100.0
"""Half the width of the near view of an average shower in mm."""

GRID_COLOR: Final = "red"
_EMPTY: Final = "0.86"
_LONGEST_ARC: Final = math.pi / 60
_LAYERS_SHOWN: Final = tuple(
    layer.number for layer in BARREL_LAYERS if layer.role in ("strips", "middle", "back")
)
_AVERAGE_DECADES: Final = 9
_IMAGE_DECADES: Final = 5


def showers_figures(result: ShowersResult) -> Iterator[NamedFigure]:
    """List the figures: averages, then the one shower."""
    for shown in result.averages:
        yield shown.name, partial(average_figure, shown.shower)
    if result.image is not None:
        yield "one-shower", partial(image_figure, result.image, VoxelGrid.optimal())


def image_figure(image: ShowerImage, grid: VoxelGrid) -> Figure:
    """Draw one shower in (eta, phi) and, with the grid over it, in local coordinates."""
    figure = Figure(figsize=(11.0, 4.9))
    axes = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.07, right=0.88, bottom=0.11, top=0.9, wspace=0.24)
    norm = _density_norm(image.density, _IMAGE_DECADES)
    (mesh,) = plot_eta_phi(image, axes[0], norm=norm)
    plot_local(image, axes[1], norm=norm)
    plot_grid(grid, axes[1], layer=image.layer)
    axes[0].set_title("detector coordinates")
    axes[1].set_title(f"local coordinates, {drawn_name(grid.name)} voxels in red")
    add_colorbar(figure, mesh, axes[1], "Energy density [MeV/mm²]")
    eta = f"{image.eta_center:.3f}".replace("-", "−")
    figure.text(
        0.475,
        0.955,
        f"{format_energy(image.energy)} photon at η = {eta}, {BARREL_NAMES[image.layer]}",
        ha="center",
        fontsize=11,
    )
    return figure


def average_figure(shower: AverageShower) -> Figure:
    """Draw an average shower on its grid: near view above, complete view below."""
    layers = layers_shown(shower)
    figure = Figure(figsize=(11.0, 7.1))
    axes = figure.subplots(2, len(layers), squeeze=False)
    figure.subplots_adjust(left=0.065, right=0.89, bottom=0.075, top=0.905, wspace=0.3, hspace=0.3)
    grid = shower.grid
    shown = np.isin(grid.layer, list(layers))
    for row in range(2):
        visible = shown & (grid.r_min < 1.5 * NEAR_RADIUS) if row == 0 else shown
        norm = _density_norm(shower.density[visible], _AVERAGE_DECADES)
        for column, (layer, name) in enumerate(layers.items()):
            edge = float(grid.r_max[grid.layer == layer].max())
            radius = NEAR_RADIUS if row == 0 else 1.02 * edge
            ax = axes[row, column]
            (mesh,) = plot_average_shower(shower, ax, layer=layer, radius=radius, norm=norm)
            view = f"to {NEAR_RADIUS:.0f} mm" if row == 0 else f"to the edge, {edge:.0f} mm"
            ax.set_title(f"{name}, {view}")
            if column > 0:
                ax.set_ylabel("")
        add_colorbar(figure, mesh, axes[row, -1], "Energy density [MeV/mm²]")
    figure.text(
        0.475,
        0.96,
        f"Average of {shower.n_events} showers, {shower.region}, {shower.grid.n_voxels} voxels",
        ha="center",
        fontsize=11,
    )
    return figure


def layers_shown(shower: AverageShower) -> dict[int, str]:
    """Choose the layers of an average shower that are drawn.

    Args:
        shower: The shower.

    Returns:
        Names by number: EMB1 to EMB3 of the barrel, or else the three with most energy.
    """
    grid = shower.grid
    names = dict(zip(grid.numbers, grid.layer_names, strict=True))
    if set(_LAYERS_SHOWN) <= set(names) and grid.numbers == BARREL_NUMBERS:
        return {number: names[number] for number in _LAYERS_SHOWN}
    energy = np.add.reduceat(shower.energy, grid.layer_boundaries[:-1])
    brightest = np.sort(np.argsort(-energy, kind="stable")[: len(_LAYERS_SHOWN)])
    return {grid.numbers[place]: grid.layer_names[place] for place in brightest}


def plot_average_shower(
    shower: AverageShower, ax: Axes, *, layer: int, radius: float, norm: Normalize
) -> list[Artist]:
    """Draw the energy density of one layer's voxels, with their borders in red."""
    rows = np.flatnonzero((shower.grid.layer == layer) & (shower.grid.r_min < 1.5 * radius))
    density = shower.density[rows]
    voxels = PolyCollection(
        voxel_polygons(shower.grid, rows),
        array=np.ma.masked_where(density <= 0, np.maximum(density, norm.vmin or 0.0)),
        norm=norm,
        cmap=matplotlib.colormaps["viridis"].with_extremes(bad=_EMPTY),
        edgecolors=(1.0, 0.0, 0.0, 0.45),
        linewidths=0.45,
    )
    ax.add_collection(voxels, autolim=False)
    _set_view(ax, radius)
    return [voxels]


def plot_grid(grid: VoxelGrid, ax: Axes, *, layer: int) -> list[Artist]:
    """Draw the borders of one layer's voxels as semi-transparent red lines."""
    rows = np.flatnonzero(grid.layer == layer)
    outlines = [np.vstack([corners, corners[:1]]) for corners in voxel_polygons(grid, rows)]
    lines = LineCollection(outlines, colors=GRID_COLOR, linewidths=0.5, alpha=0.35)
    ax.add_collection(lines, autolim=False)
    return [lines]


def plot_local(image: ShowerImage, ax: Axes, *, norm: Normalize) -> list[Artist]:
    """Draw one shower in the local coordinates in mm."""
    pixels = _shown(image)
    mesh = ax.pcolormesh(image.edges, image.edges, pixels, norm=norm, rasterized=True)
    _set_view(ax, float(image.edges[-1]))
    return [mesh]


def plot_eta_phi(image: ShowerImage, ax: Axes, *, norm: Normalize) -> list[Artist]:
    """Draw one shower in eta and phi."""
    mesh = ax.pcolormesh(
        image.eta_edges, image.phi_edges, _shown(image), norm=norm, rasterized=True
    )
    ax.set_xlim(float(image.eta_edges.min()), float(image.eta_edges.max()))
    ax.set_ylim(float(image.phi_edges[0]), float(image.phi_edges[-1]))
    ax.set_box_aspect(1)
    ax.set_xlabel(r"$\eta$")
    ax.set_ylabel(r"$\phi$ [rad]")
    return [mesh]


def voxel_polygons(
    grid: VoxelGrid, rows: Int64[Array, " chosen"]
) -> list[Float64[Array, "corner 2"]]:
    """Approximate voxels by polygons in x = r cos(alpha), y = r sin(alpha)."""
    polygons = []
    for row in rows:
        low, high = float(grid.alpha_min[row]), float(grid.alpha_max[row])
        alpha = np.linspace(low, high, 2 + int((high - low) / _LONGEST_ARC))
        arc = np.column_stack([np.cos(alpha), np.sin(alpha)])
        inner = arc[::-1] if grid.r_min[row] > 0 else np.zeros((1, 2))
        polygons.append(np.vstack([grid.r_max[row] * arc, grid.r_min[row] * inner]))
    return polygons


def _density_norm(density: np.ndarray, decades: int) -> LogNorm:
    seen = density[density > 0]
    if seen.size == 0:
        return LogNorm(vmin=0.1, vmax=1.0)
    top = float(seen.max())
    return LogNorm(vmin=max(float(seen.min()), top * 10.0**-decades), vmax=top)


def _shown(image: ShowerImage) -> Float64[Array, "pixel pixel"]:
    return np.where(image.density > 0, image.density, np.nan).T


def _set_view(ax: Axes, radius: float) -> None:
    ax.set_xlim(-radius, radius)
    ax.set_ylim(-radius, radius)
    ax.set_aspect("equal")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel(r"$r\,\cos\alpha$ [mm]")
    ax.set_ylabel(r"$r\,\sin\alpha$ [mm]")
