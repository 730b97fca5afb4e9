r"""How much energy lies on the six sides of a voxel.

A track that runs along the border of a voxel lights up the voxel beyond it too. Where the
deposits of a pattern lie goes with the neighbours that its voxel had: patterns are taken where
these looked alike (`calovox.patterns.candidates`).

The sides are towards lower and higher alpha, inward, outward, and the layers before and behind.
A neighbour inward is a voxel of the same layer whose radial bin ends where that of the voxel
begins; of its energy, the share of its width in alpha that borders on the voxel counts. Outward
likewise; of voxels of another layer, the share of their area that lies before or behind the voxel
counts. With the energy E of the voxel and N beyond a side, the level of the side is

$$\min(15, \lfloor 16 N / (N + E) \rfloor).$$
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64, UInt8
from calovox.kernels import kernel
from calovox.patterns.library import N_SIDES, RadialBins
from calovox.voxelization import VoxelGrid

__all__ = ["LEVELS", "Neighbours", "neighbours_of", "side_level", "side_levels"]

LEVELS: Final = 16
"""Levels of a side."""


class Neighbours(NamedTuple):
    """The neighbours of all voxels, voxel by voxel and side by side, as plain arrays.

    Attributes:
        first: The first neighbour of each side, and the number of all.
        voxel: The neighbours.
        share: What of each one's energy counts.
    """

    first: Int64[Array, " side_or_end"]
    voxel: Int64[Array, " neighbour"]
    share: Float64[Array, " neighbour"]


@lru_cache(maxsize=4)
def neighbours_of(grid: VoxelGrid) -> Neighbours:
    """Find the neighbours of the voxels of a grid.

    Args:
        grid: The voxels.

    Returns:
        The neighbours.
    """
    bins = RadialBins.from_grid(grid)
    by_bin = np.split(np.lexsort((grid.alpha_min, bins.of_voxel)), np.cumsum(bins.n_alpha)[:-1])
    layer = grid.positions[bins.layer]
    # of each neighbour: number of the side, the neighbour, and its share
    parts = []
    for place, own in enumerate(by_bin):
        for side, turned in enumerate((1, -1)):
            parts.append((N_SIDES * own + side, np.roll(own, turned), np.ones(len(own))))
        touching = (layer == layer[place]) & (bins.r_max == bins.r_min[place])
        ahead = (layer == layer[place] - 1) & (bins.r_max > bins.r_min[place])
        ahead &= bins.r_min < bins.r_max[place]
        for side, others in ((2, np.flatnonzero(touching)), (4, np.flatnonzero(ahead))):
            for other in others:
                i, j, width = _common_sectors(len(by_bin[other]), len(own))
                before, behind = by_bin[other][i], own[j]
                areas = (1.0, 1.0) if side == 2 else _common_areas(bins, int(other), place)
                shares = width * len(by_bin[other]) * areas[0], width * len(own) * areas[1]
                parts.append((N_SIDES * behind + side, before, shares[0]))
                parts.append((N_SIDES * before + side + 1, behind, shares[1]))
    side_of, voxel, share = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((voxel, side_of))
    number = np.bincount(side_of, minlength=N_SIDES * grid.n_voxels)
    return Neighbours(np.append(0, np.cumsum(number)), voxel[order], share[order])


@kernel(forceinline=True)
def side_level(energy: Array, voxel: int, side: int, around: Any) -> int:
    """Find the level of one side of a voxel with energy, inside a compiled kernel.

    Args:
        energy: Energies of all voxels of the shower, in any unit.
        voxel: The voxel.
        side: The side.
        around: The fields of `Neighbours`.

    Returns:
        The level.
    """
    first, voxels, shares = around
    place, beyond = N_SIDES * voxel + side, 0.0
    for row in range(first[place], first[place + 1]):
        beyond += shares[row] * energy[voxels[row]]
    return min(int(LEVELS * beyond / (beyond + energy[voxel])), LEVELS - 1)


def side_levels(
    energy: Float[Array, "event voxel"],
    event: Int64[Array, " filled"],
    voxel: Int64[Array, " filled"],
    grid: VoxelGrid,
) -> UInt8[Array, "filled 6"]:
    """Find the levels of some voxels with energy.

    Args:
        energy: Energies of all voxels, in any unit.
        event: The showers of the voxels.
        voxel: The voxels.
        grid: All voxels.

    Returns:
        The levels of their sides.
    """
    levels = np.empty((len(voxel), N_SIDES), dtype=np.uint8)
    _levels_kernel(energy, event, voxel, neighbours_of(grid), levels)
    return levels


@kernel()
def _levels_kernel(
    energy: Array, event: Array, voxel: Array, around: Neighbours, levels: Array
) -> None:
    for row in range(voxel.size):
        for side in range(N_SIDES):
            levels[row, side] = side_level(energy[event[row]], voxel[row], side, around)


def _common_sectors(
    n_inner: int, n_outer: int
) -> tuple[Int64[Array, " part"], Int64[Array, " part"], Float64[Array, " part"]]:
    """Cut the circle at the borders of two divisions; give the sector of each, and the width."""
    ends = np.union1d(n_outer * np.arange(n_inner + 1), n_inner * np.arange(n_outer + 1))
    return ends[:-1] // n_outer, ends[:-1] // n_inner, np.diff(ends) / (n_inner * n_outer)


def _common_areas(bins: RadialBins, first: int, second: int) -> tuple[float, float]:
    """Give the share of two overlapping radial bins that is in both."""
    low = max(bins.r_min[first], bins.r_min[second])
    high = min(bins.r_max[first], bins.r_max[second])
    both = high**2 - low**2
    of_each = (bins.r_max[k] ** 2 - bins.r_min[k] ** 2 for k in (first, second))
    one, two = (float(both / area) for area in of_each)
    return one, two
