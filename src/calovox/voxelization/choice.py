"""Grids by the names that users give them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from calovox.geometry.barrel import BARREL_LAYERS
from calovox.geometry.layers import Layer
from calovox.voxelization.grid import VoxelGrid

__all__ = ["choose_grid"]

_COMPACT: Final = Path(__file__).parent.parent / "shipped" / "grids" / "compact.toml"
_GRIDS: Final = {
    "optimal": VoxelGrid.optimal,
    "regular": VoxelGrid.regular,
    "compact": lambda layers: VoxelGrid.from_toml(_COMPACT, layers),
}


def choose_grid(text: str, layers: Sequence[Layer] = BARREL_LAYERS) -> VoxelGrid:
    """Make the grid that a user asked for.

    Args:
        text: ``optimal``, ``regular``, ``compact`` (found by `calovox grid`, for the built-in
            barrel), or the path of a TOML file with rings.
        layers: Layers of the detector.

    Returns:
        The grid.

    Raises:
        ValueError: If it is none of these, or not for these layers.
    """
    if text in _GRIDS:
        return _GRIDS[text](layers)
    if not Path(text).is_file():
        raise ValueError(f"grid: expected {', '.join(_GRIDS)} or a TOML file, got '{text}'")
    return VoxelGrid.from_toml(Path(text), layers)
