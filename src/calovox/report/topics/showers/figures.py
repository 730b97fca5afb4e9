"""Figures of showers: one in pixels (note, Figure 2), and averages on their grids (3 and 4)."""

from typing import Final

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from calovox.geometry.barrel import BARREL_LAYERS, BARREL_NAMES
from calovox.report.histogram_pages import add_colorbar
from calovox.report.style import drawn_name
from calovox.report.topics.showers.draw import (
    plot_average_shower,
    plot_eta_phi,
    plot_grid,
    plot_local,
)
from calovox.samples.showers import AverageShower, ShowerImage
from calovox.units import format_energy
from calovox.voxelization import VoxelGrid

__all__ = ["average_figure", "image_figure"]

NEAR_RADIUS: Final = 100.0
"""Half the width of the near view of an average shower in mm."""

_LAYERS_SHOWN: Final = tuple(
    layer.number for layer in BARREL_LAYERS if layer.role in ("strips", "middle", "back")
)
_AVERAGE_DECADES: Final = 9
_IMAGE_DECADES: Final = 5


def image_figure(image: ShowerImage, grid: VoxelGrid) -> Figure:
    """Draw one shower in (eta, phi) and, with the grid over it, in local coordinates.

    Args:
        image: The shower.
        grid: Voxels whose borders are drawn.

    Returns:
        Two panels with a common colour scale.
    """
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
    """Draw an average shower on its grid: near view above, complete view below.

    Args:
        shower: The average shower.

    Returns:
        Two rows of EMB1, EMB2 and EMB3, each with a common colour scale.
    """
    figure = Figure(figsize=(11.0, 7.1))
    axes = figure.subplots(2, 3)
    figure.subplots_adjust(left=0.065, right=0.89, bottom=0.075, top=0.905, wspace=0.3, hspace=0.3)
    grid = shower.grid
    shown = np.isin(grid.layer, _LAYERS_SHOWN)
    for row in range(2):
        visible = shown & (grid.r_min < 1.5 * NEAR_RADIUS) if row == 0 else shown
        norm = _density_norm(shower.density[visible], _AVERAGE_DECADES)
        for column, layer in enumerate(_LAYERS_SHOWN):
            edge = float(grid.r_max[grid.layer == layer].max())
            radius = NEAR_RADIUS if row == 0 else 1.02 * edge
            ax = axes[row, column]
            (mesh,) = plot_average_shower(shower, ax, layer=layer, radius=radius, norm=norm)
            view = f"to {NEAR_RADIUS:.0f} mm" if row == 0 else f"to the edge, {edge:.0f} mm"
            ax.set_title(f"{BARREL_NAMES[layer]}, {view}")
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


def _density_norm(density: np.ndarray, decades: int) -> LogNorm:
    seen = density[density > 0]
    if seen.size == 0:
        return LogNorm(vmin=0.1, vmax=1.0)
    top = float(seen.max())
    return LogNorm(vmin=max(float(seen.min()), top * 10.0**-decades), vmax=top)
