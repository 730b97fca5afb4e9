"""The libraries of patterns that come with the package."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from calovox.patterns.file import read_patterns
from calovox.patterns.library import PatternLibrary
from calovox.voxelization import VoxelGrid

__all__ = ["shipped_patterns"]

_FOLDER: Final = Path(__file__).parent.parent / "shipped" / "patterns"


@lru_cache(maxsize=4)
def shipped_patterns(grid: VoxelGrid) -> PatternLibrary | None:
    """Read the shipped library of a grid, once for all models.

    Args:
        grid: The voxels.

    Returns:
        The library, the same one at each call; None if there is none for this grid.
    """
    for path in sorted(_FOLDER.glob("*.h5")):
        library = read_patterns(path)
        if library.grid == grid:
            return library
    return None
