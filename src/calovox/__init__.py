"""Fast photon showers in the ATLAS barrel calorimeter, from Geant4 hits to shower shapes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from calovox.version import find_version

if TYPE_CHECKING:
    from pathlib import Path

    from calovox.drawing import ShowerFigure, View
    from calovox.hits import Hits
    from calovox.voxelization import VoxelGrid, Voxels

__all__ = ["__version__", "show"]

__version__ = find_version()


def show(
    showers: "Path | str | Voxels | Hits",
    event: int = 0,
    *,
    view: "View" = "voxels",
    layers: Sequence[int] | None = None,
    grid: "VoxelGrid | None" = None,
) -> "ShowerFigure":
    """Draw one shower: its voxels, its cells, or the energy of its layers.

    Args:
        showers: A hits file, a dataset, also of a simulation, or showers in memory.
        event: Position of the shower there, from 0.
        view: ``voxels``, ``cells`` or ``profile``.
        layers: Numbers of the layers; None for all, or for the twelve with most energy.
        grid: Voxels for hits; None for the optimal grid.

    Returns:
        A matplotlib figure, which a notebook shows.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no such event or layer, or no cells where they are asked for.
    """
    from calovox.drawing import draw_shower, read_shower  # matplotlib, which not all have

    return draw_shower(read_shower(showers, event, grid=grid), view, layers)
