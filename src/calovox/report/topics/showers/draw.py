"""Plots of showers: energy densities on a grid of voxels, and one shower in pixels."""

import math
from typing import Final

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from calovox.arrays import Array, Float64, Int64
from calovox.samples.showers import AverageShower, ShowerImage
from calovox.voxelization import VoxelGrid

__all__ = ["plot_average_shower", "plot_eta_phi", "plot_grid", "plot_local", "voxel_polygons"]

GRID_COLOR: Final = "red"
_EMPTY: Final = "0.86"
_LONGEST_ARC: Final = math.pi / 60


def plot_average_shower(
    shower: AverageShower, ax: Axes, *, layer: int, radius: float, norm: Normalize
) -> list[Artist]:
    """Draw the energy density of one layer's voxels, with their borders in red.

    Args:
        shower: The average shower.
        ax: Where to draw.
        layer: Layer number.
        radius: Half the width of the view in mm.
        norm: Colour scale in MeV/mm^2; voxels below it have its lowest colour, those without
            energy are grey.

    Returns:
        The voxels.
    """
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
    """Draw the borders of one layer's voxels as semi-transparent red lines.

    Args:
        grid: The voxels.
        ax: Where to draw, in mm around the shower centre.
        layer: Layer number.

    Returns:
        The lines.
    """
    rows = np.flatnonzero(grid.layer == layer)
    outlines = [np.vstack([corners, corners[:1]]) for corners in voxel_polygons(grid, rows)]
    lines = LineCollection(outlines, colors=GRID_COLOR, linewidths=0.5, alpha=0.35)
    ax.add_collection(lines, autolim=False)
    return [lines]


def plot_local(image: ShowerImage, ax: Axes, *, norm: Normalize) -> list[Artist]:
    """Draw one shower in the local coordinates in mm.

    Args:
        image: The pixels.
        ax: Where to draw.
        norm: Colour scale in MeV/mm^2.

    Returns:
        The pixels.
    """
    pixels = _shown(image)
    mesh = ax.pcolormesh(image.edges, image.edges, pixels, norm=norm, rasterized=True)
    _set_view(ax, float(image.edges[-1]))
    return [mesh]


def plot_eta_phi(image: ShowerImage, ax: Axes, *, norm: Normalize) -> list[Artist]:
    """Draw one shower in eta and phi.

    Args:
        image: The pixels.
        ax: Where to draw.
        norm: Colour scale in MeV/mm^2.

    Returns:
        The pixels.
    """
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
    """Approximate voxels by polygons in x = r cos(alpha), y = r sin(alpha).

    Args:
        grid: The voxels.
        rows: Which of them.

    Returns:
        Corners of each voxel in mm, along the outer and back along the inner arc.
    """
    polygons = []
    for row in rows:
        low, high = float(grid.alpha_min[row]), float(grid.alpha_max[row])
        alpha = np.linspace(low, high, 2 + int((high - low) / _LONGEST_ARC))
        arc = np.column_stack([np.cos(alpha), np.sin(alpha)])
        inner = arc[::-1] if grid.r_min[row] > 0 else np.zeros((1, 2))
        polygons.append(np.vstack([grid.r_max[row] * arc, grid.r_min[row] * inner]))
    return polygons


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
