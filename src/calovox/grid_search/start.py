r"""The fine grid that a search starts from.

It depends on the cells alone. The innermost radial bins of a layer are a sixth of the narrower
side of its cells wide; further out, a bin is as wide as a third of its inner radius, up to
`OUTERMOST`. Bins in alpha are a power of two, so that they can be halved: as many as keep the arc
of a voxel as long as the innermost bins are wide, between 4 and 16.
"""

from itertools import pairwise
from typing import Final

import numpy as np

from calovox.geometry import Detector
from calovox.voxelization import Ring, VoxelGrid

__all__ = ["OUTERMOST", "fine_grid"]

OUTERMOST: Final = 1000.0
"""Outer radius in mm: some twenty Moliere radii of a calorimeter of lead and argon."""

_OF_CELL: Final = 1 / 6
_GROWTH: Final = 1 / 3
_MOST_ALPHA: Final = 16
_LEAST_ALPHA: Final = 4


def fine_grid(detector: Detector, numbers: tuple[int, ...] | None = None) -> VoxelGrid:
    """Make a grid that is finer than cells can show.

    Args:
        detector: Its layers and cells.
        numbers: Layers of the grid; all by default.

    Returns:
        The grid; each of its rings has one radial bin.
    """
    numbers = detector.numbers if numbers is None else numbers
    names = {layer.number: layer.name for layer in detector.layers}
    rings = {
        number: _rings(_OF_CELL * min(sides))
        for number, sides in detector.cell_sides(numbers).items()
    }
    return VoxelGrid(rings, "fine", names=tuple(names[number] for number in numbers))


def _rings(width: float) -> tuple[Ring, ...]:
    """Cut a layer, beginning with bins of a width."""
    edges = [0.0]
    while edges[-1] < OUTERMOST:
        edges.append(_rounded(edges[-1] + max(width, _GROWTH * edges[-1])))
    if len(edges) > 2 and edges[-1] > (1.0 + 0.5 * _GROWTH) * OUTERMOST:
        edges.pop()
    edges[-1] = OUTERMOST
    return tuple(
        Ring(low, high, high - low, _n_alpha(0.5 * (low + high), width))
        for low, high in pairwise(edges)
    )


def _n_alpha(radius: float, width: float) -> int:
    """Choose a power of two that keeps arcs as long as a width."""
    wanted = 2.0 * np.pi * radius / width
    n_alpha = _LEAST_ALPHA
    while 2 * n_alpha <= min(wanted, _MOST_ALPHA):
        n_alpha *= 2
    return n_alpha


def _rounded(radius: float) -> float:
    """Round to two digits that people like to read: three from 10 % below a power of ten."""
    return float(f"{radius:.2g}")
