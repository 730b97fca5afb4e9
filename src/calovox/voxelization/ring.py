r"""Rings of a voxel grid: ranges of the radius with one uniform binning in r and alpha.

Within $R_j \le r < R_{j+1}$ all bins have the same width in r, and the same number of bins in
alpha, the first of which starts at alpha = 0 (note, section 2.2). Radial edges are rounded to
float32, the type of the edges in files: a hit then belongs to the same voxel whether a grid was
built from rings or read from a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Bool, Float, Float64, Int64

__all__ = ["Ring", "bins_to_rings", "check_rings", "merge_rings"]

_TOLERANCE = 1e-3
"""How far, in bins, an edge read from a file may lie from where its bin should be."""

_LARGEST_EDGE = 1e6
"""Largest radius of an edge in a file, mm, far above those of any grid."""

_MOST_VOXELS = 1_000_000
"""Voxels of a ring, far above those of any grid."""


@dataclass(frozen=True)
class Ring:
    """A range of the radius with uniform bins.

    Attributes:
        r_min: Inner radius in mm.
        r_max: Outer radius in mm.
        d_r: Width of the radial bins in mm.
        n_alpha: Number of bins in alpha.
    """

    r_min: float
    r_max: float
    d_r: float
    n_alpha: int

    def __str__(self) -> str:
        return f"ring {self.r_min:g} to {self.r_max:g} mm"

    @property
    def n_r(self) -> int:
        """Number of radial bins."""
        return max(1, round((self.r_max - self.r_min) / self.d_r))

    @property
    def n_voxels(self) -> int:
        """Number of voxels."""
        return self.n_r * self.n_alpha

    @property
    def r_edges(self) -> Float64[Array, " edge"]:
        """Edges of the radial bins in mm, rounded to float32."""
        edges = self.r_min + (self.r_max - self.r_min) * (np.arange(self.n_r + 1) / self.n_r)
        return edges.astype(np.float32).astype(np.float64)


def check_rings(where: str, rings: Sequence[Ring]) -> None:
    """Refuse rings that do not fit their bins, or do not follow each other from r = 0.

    Args:
        where: Which layer they are of, for messages.
        rings: Its rings, outward.

    Raises:
        ValueError: Naming the layer and the ring.
    """
    if not rings:
        raise ValueError(f"{where}: expected at least one ring, got none")
    reached = 0.0
    for ring in rings:
        if not (np.isfinite(ring.r_max) and 0 <= ring.r_min < ring.r_max):
            raise ValueError(f"{where}, {ring}: expected 0 <= r_min < r_max")
        if not ring.d_r > 0:
            raise ValueError(f"{where}, {ring}: expected d_r above 0, got {ring.d_r:g}")
        if ring.n_alpha < 1:
            raise ValueError(f"{where}, {ring}: expected n_alpha of 1 or more, got {ring.n_alpha}")
        bins = (ring.r_max - ring.r_min) / ring.d_r
        if not bins * ring.n_alpha <= _MOST_VOXELS:
            raise ValueError(
                f"{where}, {ring}: expected {_MOST_VOXELS} voxels or less, got "
                f"{bins * ring.n_alpha:.3g}"
            )
        if abs(bins - ring.n_r) > 1e-6 * bins:
            raise ValueError(
                f"{where}, {ring}: expected a whole number of bins of d_r = {ring.d_r:g} mm, "
                f"got {bins:.6g}"
            )
        if np.any(np.diff(ring.r_edges) <= 0):
            raise ValueError(f"{where}, {ring}: bins of {ring.d_r:g} mm are too narrow")
        if np.float32(ring.r_min) != np.float32(reached):
            what = "gap" if ring.r_min > reached else "overlap"
            raise ValueError(f"{where}, {ring}: {what}, expected r_min = {reached:g} mm")
        reached = ring.r_max


def merge_rings(rings: Sequence[Ring]) -> tuple[Ring, ...]:
    """Join neighbours that have the same binning.

    Args:
        rings: Rings of one layer, outward.

    Returns:
        The fewest rings with the very same voxels.
    """
    merged: list[Ring] = []
    for ring in rings:
        if merged:
            last = merged[-1]
            width = (ring.r_max - last.r_min) / (last.n_r + ring.n_r)
            both = Ring(last.r_min, ring.r_max, width, last.n_alpha)
            edges = np.concatenate([last.r_edges, ring.r_edges[1:]])
            if last.n_alpha == ring.n_alpha and np.array_equal(both.r_edges, edges):
                merged[-1] = both
                continue
        merged.append(ring)
    return tuple(merged)


def bins_to_rings(
    where: str,
    alpha_start: Float[Array, "_"],
    alpha_size: Float[Array, "_"],
    r_start: Float[Array, "_"],
    r_size: Float[Array, "_"],
) -> tuple[tuple[Ring, ...], Int64[Array, " voxel"]]:
    """Find the rings of voxels that are given in any order.

    Args:
        where: Which layer they are of, for messages.
        alpha_start: Lower edge of each voxel in alpha, rad.
        alpha_size: Its width in alpha, rad.
        r_start: Its inner radius in mm.
        r_size: Its radial width in mm.

    Returns:
        The rings, and for each voxel its place in the order outward and by rising alpha.

    Raises:
        ValueError: If the voxels overlap, leave holes, or are not uniform in alpha.
    """
    sizes = {len(alpha_start), len(alpha_size), len(r_start), len(r_size)}
    if len(sizes) > 1 or sizes == {0}:
        raise ValueError(f"{where}: expected as many starts as sizes of bins, got {sorted(sizes)}")
    numbers = np.stack([alpha_start, alpha_size, r_start, r_size])
    if not np.all(np.abs(numbers) <= _LARGEST_EDGE) or np.any(numbers[[1, 3]] <= 0):
        raise ValueError(
            f"{where}: expected finite edges and bin sizes above 0, up to {_LARGEST_EDGE:g}"
        )
    places = np.empty(len(r_start), dtype=np.int64)
    # in single precision, as files store edges: writing and reading a grid gives the same one
    starts = np.unique(r_start.astype(np.float32)).astype(np.float64)
    rings: list[Ring] = []
    n_placed = 0
    for start in starts:
        members = r_start.astype(np.float32) == np.float32(start)
        size = float(np.median(r_size[members]))
        # the next start counts, not start + size, whose rounding would leave gaps
        following = starts[len(rings) + 1] if len(rings) + 1 < len(starts) else start + size
        ring = Ring(float(start), float(following), float(following - start), int(members.sum()))
        if np.any(np.abs(r_size[members] - ring.d_r) > _TOLERANCE * ring.d_r):
            raise ValueError(
                f"{where}, {ring}: bins overlap or leave a gap, their size is {size:g} mm"
            )
        bins = _alpha_bins(f"{where}, {ring}", alpha_start[members], alpha_size[members])
        places[members] = n_placed + bins
        n_placed += ring.n_alpha
        rings.append(ring)
    return merge_rings(rings), places


def _alpha_bins(
    where: str, start: Float[Array, " voxel"], size: Float[Array, " voxel"]
) -> Int64[Array, " voxel"]:
    count = len(start)
    width = 2.0 * np.pi / count
    position = np.asarray(start, dtype=np.float64) / width
    bins = np.rint(position)
    uniform: Bool[Array, " voxel"] = np.abs(position - bins) < _TOLERANCE
    uniform &= np.abs(size - width) < _TOLERANCE * width
    indices = (bins % count).astype(np.int64)
    if not np.all(uniform) or len(np.unique(indices)) != count:
        raise ValueError(
            f"{where}: the {count} bins in alpha overlap or leave a hole, expected each of size "
            f"{width:.6g} and starting at a multiple of it"
        )
    return indices
