"""Grids by the names that users give them."""

from pathlib import Path
from typing import Final

from calovox.voxelization.grid import VoxelGrid

__all__ = ["choose_grid"]

_COMPACT: Final = Path(__file__).parent.parent / "shipped" / "grids" / "compact.toml"
_GRIDS: Final = {
    "optimal": VoxelGrid.optimal,
    "regular": VoxelGrid.regular,
    "compact": lambda: VoxelGrid.from_toml(_COMPACT),
}


def choose_grid(text: str) -> VoxelGrid:
    """Make the grid that a user asked for.

    Args:
        text: ``optimal``, ``regular``, ``compact`` (found by `calovox grid`), or the path of a
            TOML file with rings.

    Returns:
        The grid.

    Raises:
        ValueError: If it is none of these.
    """
    if text in _GRIDS:
        return _GRIDS[text]()
    if not Path(text).is_file():
        raise ValueError(f"grid: expected {', '.join(_GRIDS)} or a TOML file, got '{text}'")
    return VoxelGrid.from_toml(Path(text))
