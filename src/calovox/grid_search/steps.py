r"""Steps of the search: what can be made coarser in the rings of one layer.

A step merges two neighbouring radial bins, or divides the number of bins in alpha of one by a
prime. Every voxel of a coarser grid is a union of voxels of the grid that the search began with:
numbers of bins in alpha divide those of all bins that were merged. A step always saves voxels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd

import numpy as np

from calovox.voxelization import Ring, VoxelGrid

__all__ = ["Rings", "Step", "single_bins", "steps_of", "total_voxels"]

Rings = tuple[Ring, ...]
"""Rings of one radial bin each, outward from r = 0."""


@dataclass(frozen=True)
class Step:
    """One way to make a layer coarser.

    Attributes:
        rings: The layer behind the step.
        place: Place of the new radial bin among them.
        count: How many bins it has replaced.
        text: What is done, in words.
        saved: By how many voxels the layer has fewer.
    """

    rings: Rings
    place: int
    count: int
    text: str
    saved: int


def single_bins(grid: VoxelGrid) -> dict[int, Rings]:
    """Cut the rings of a grid into radial bins.

    Args:
        grid: Any grid.

    Returns:
        Rings of one radial bin each, by layer number.
    """
    return {number: _cut(rings) for number, rings in grid.layers.items()}


def total_voxels(rings: Sequence[Ring]) -> int:
    """Count the voxels of a layer."""
    return sum(ring.n_voxels for ring in rings)


def steps_of(rings: Rings, finest: Rings) -> Iterator[Step]:
    """List the steps that a layer allows.

    Args:
        rings: The layer as it is.
        finest: The layer as the search began with it.

    Yields:
        Steps from the centre outward.
    """
    for place, ring in enumerate(rings):
        for prime in _primes(ring.n_alpha):
            yield _replace(rings, place, 1, ring.n_alpha // prime)
        for n_alpha in _merged_numbers(rings[place : place + 2], finest):
            yield _replace(rings, place, 2, n_alpha)


def _cut(rings: Sequence[Ring]) -> Rings:
    return tuple(
        Ring(low, high, high - low, ring.n_alpha)
        for ring in rings
        # as people write them: in single precision it is the same edge
        for low, high in pairwise(float(f"{edge:.7g}") for edge in ring.r_edges)
    )


def _replace(rings: Rings, place: int, count: int, n_alpha: int) -> Step:
    """Put one bin in the place of some."""
    old = rings[place : place + count]
    low, high = old[0].r_min, old[-1].r_max
    ring = Ring(low, high, high - low, n_alpha)
    where = f"{low:g} to {high:g} mm"
    text = (
        f"{where} merged, {n_alpha} in alpha" if count > 1 else f"{where} has {n_alpha} in alpha"
    )
    saved = total_voxels(old) - n_alpha
    return Step((*rings[:place], ring, *rings[place + count :]), place, count, text, saved)


def _merged_numbers(pair: Rings, finest: Rings) -> list[int]:
    """Give the numbers of bins in alpha that two merged bins may have."""
    if len(pair) < 2:
        return []
    inside = [
        ring.n_alpha
        for ring in finest
        if ring.r_min >= pair[0].r_min and ring.r_max <= pair[1].r_max
    ]
    most = int(np.gcd.reduce(inside))
    numbers = {ring.n_alpha for ring in pair if most % ring.n_alpha == 0}
    return sorted(numbers or {gcd(pair[0].n_alpha, pair[1].n_alpha)})


def _primes(number: int) -> list[int]:
    return [p for p in range(2, number + 1) if number % p == 0 and all(p % q for q in range(2, p))]
