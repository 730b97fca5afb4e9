r"""Finding the voxel of a point, exactly and in constant time.

A point belongs to the radial bin with $R_j \le r < R_{j+1}$ and to the bin in alpha with
$2 \pi k / n \le \alpha < 2 \pi (k + 1) / n$, compared as floating point numbers without tolerance.
A table over equal steps of r gives a bin at or below the right one; comparing with the edges moves
on from there.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64
from calovox.kernels import kernel
from calovox.voxelization.ring import Ring

__all__ = ["GridLookup", "find_voxel", "find_voxels", "make_lookup"]

_TWO_PI = 2.0 * math.pi
_MAX_STEPS = 4096


class GridLookup(NamedTuple):
    """Plain arrays that `find_voxel` reads.

    Attributes:
        r_outer: Outer radius of each layer in mm.
        steps_per_mm: Steps of the radial table per mm, in each layer.
        first_step: Where the table of each layer starts.
        step_bin: Radial bin, counted through all layers, at the start of each step.
        bin_r_max: Outer radius of each radial bin in mm.
        bin_n_alpha: Number of bins in alpha of each radial bin.
        bin_first_place: Place of the first voxel of each radial bin.
        place_voxel: Index of the voxel at each place.
    """

    r_outer: Float64[Array, " layer"]
    steps_per_mm: Float64[Array, " layer"]
    first_step: Int64[Array, " layer"]
    step_bin: Int64[Array, " step"]
    bin_r_max: Float64[Array, " bin"]
    bin_n_alpha: Int64[Array, " bin"]
    bin_first_place: Int64[Array, " bin"]
    place_voxel: Int64[Array, " voxel"]


def make_lookup(
    layers: Mapping[int, tuple[Ring, ...]], places: Int64[Array, " voxel"] | None
) -> GridLookup:
    """Build the tables of a grid.

    Args:
        layers: Rings of each layer.
        places: Place of each voxel, none if voxels are in the order of their places.

    Returns:
        The tables.
    """
    r_max: list[Array] = []
    n_alpha: list[Array] = []
    step_bin: list[Array] = []
    r_outer, steps_per_mm, first_step = [], [], [0]
    for rings in layers.values():
        edges = np.concatenate([[0.0], *[ring.r_edges[1:] for ring in rings]])
        n_steps = min(_MAX_STEPS, math.ceil(edges[-1] / np.min(np.diff(edges))))
        per_mm = n_steps / edges[-1]
        # a step starts a little early: rounding of r * per_mm must never skip a bin
        starts = np.maximum(np.arange(n_steps + 1) - 1e-6, 0.0) / per_mm
        inside = np.minimum(np.searchsorted(edges, starts, side="right") - 1, len(edges) - 2)
        step_bin.append(inside + sum(len(part) for part in r_max))
        r_max.append(edges[1:])
        n_alpha.append(np.repeat([ring.n_alpha for ring in rings], [ring.n_r for ring in rings]))
        r_outer.append(edges[-1])
        steps_per_mm.append(per_mm)
        first_step.append(first_step[-1] + n_steps + 1)
    counts = np.concatenate(n_alpha).astype(np.int64)
    voxels = np.arange(counts.sum(), dtype=np.int64)
    return GridLookup(
        r_outer=np.array(r_outer, dtype=np.float64),
        steps_per_mm=np.array(steps_per_mm, dtype=np.float64),
        first_step=np.array(first_step[:-1], dtype=np.int64),
        step_bin=np.concatenate(step_bin).astype(np.int64),
        bin_r_max=np.concatenate(r_max),
        bin_n_alpha=counts,
        bin_first_place=np.cumsum(counts) - counts,
        place_voxel=voxels if places is None else np.argsort(places).astype(np.int64),
    )


@kernel()
def find_voxel(position: int, r: float, alpha: float, lookup: GridLookup) -> int:
    """Find the voxel of one point, inside a compiled kernel.

    Args:
        position: Position of the layer in the grid.
        r: Distance from the shower centre in mm.
        alpha: Angle around the shower centre in rad, [0, 2 pi).
        lookup: Tables of the grid.

    Returns:
        The index of the voxel, -1 outside the outermost ring.
    """
    if not r < lookup.r_outer[position]:  # NaN is outside, too
        return -1
    step = lookup.first_step[position] + int(r * lookup.steps_per_mm[position])
    radial = lookup.step_bin[step]
    # the table is never too far out, and a step holds few edges: one or two comparisons
    while r >= lookup.bin_r_max[radial]:
        radial += 1
    n_alpha = lookup.bin_n_alpha[radial]
    # the product may round across an edge: the edge itself decides
    angular = int(alpha * (n_alpha / _TWO_PI))
    if alpha < _TWO_PI * (angular / n_alpha):
        angular -= 1
    elif alpha >= _TWO_PI * ((angular + 1) / n_alpha):
        angular += 1
    place = lookup.bin_first_place[radial] + min(angular, n_alpha - 1)
    voxel: int = lookup.place_voxel[place]
    return voxel


@kernel()
def _find_kernel(
    positions: Array, r: Array, alpha: Array, lookup: GridLookup, voxels: Array
) -> None:
    for hit in range(voxels.size):
        voxels[hit] = find_voxel(positions[hit], r[hit], alpha[hit], lookup)


def find_voxels(
    positions: Int64[Array, " hit"],
    r: Float[Array, " hit"],
    alpha: Float[Array, " hit"],
    lookup: GridLookup,
) -> Int64[Array, " hit"]:
    """Find the voxels of many points.

    Args:
        positions: Positions of the layers in the grid.
        r: Distances from the shower centre in mm.
        alpha: Angles around the shower centre in rad, [0, 2 pi).
        lookup: Tables of the grid.

    Returns:
        Indices of voxels, -1 outside the outermost ring.
    """
    if np.any((r < 0) | np.isnan(r)) or not np.all((alpha >= 0) & (alpha < _TWO_PI)):
        raise ValueError("find_voxels: expected r of 0 or more and alpha in [0, 2 pi)")
    voxels = np.empty(len(r), dtype=np.int64)
    _find_kernel(positions, r, alpha, lookup, voxels)
    return voxels
