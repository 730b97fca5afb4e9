"""Layers of rings that are all divided alike in alpha, as the CaloChallenge and Par04 have them.

Their bins in alpha start at -pi, ours at 0; with an even number of them the edges are the same.
The radius runs fastest, then the angle, then the layer.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.voxelization import VoxelGrid

__all__ = ["PolarLayer", "polar_grid", "polar_layers"]


class PolarLayer(NamedTuple):
    """A layer of rings.

    Attributes:
        number: Its number.
        r_edges: Edges of the rings in mm, from 0.
        n_alpha: Bins in alpha of every ring.
    """

    number: int
    r_edges: Float64[Array, " edge"]
    n_alpha: int

    @property
    def n_voxels(self) -> int:
        """Number of voxels."""
        return (len(self.r_edges) - 1) * self.n_alpha


def polar_grid(layers: Sequence[PolarLayer], name: str) -> VoxelGrid:
    """Make the grid of such layers, with the voxels in their order.

    Args:
        layers: The layers, by rising number.
        name: What to call the grid.

    Returns:
        The grid.

    Raises:
        ValueError: If rings do not start at 0, or bins in alpha have edges that ours cannot have.
    """
    columns: list[tuple[Array, Array, Array, Array]] = []
    for layer in layers:
        n_alpha, edges = layer.n_alpha, layer.r_edges
        if n_alpha > 1 and n_alpha % 2:
            raise ValueError(
                f"layer {layer.number}: expected one or an even number of bins in alpha, which "
                f"start at -pi, got {n_alpha}"
            )
        width, n_r = 2.0 * np.pi / n_alpha, len(edges) - 1
        place = (np.arange(n_alpha) + (n_alpha - n_alpha // 2)) % n_alpha
        columns.append(
            (
                np.repeat(place * width, n_r),
                np.full(n_alpha * n_r, width),
                np.tile(edges[:-1], n_alpha),
                np.tile(np.diff(edges), n_alpha),
            )
        )
    numbers = [layer.number for layer in layers]
    return VoxelGrid.from_arrays(*zip(*columns, strict=True), numbers=numbers, name=name)


def polar_layers(grid: VoxelGrid) -> tuple[list[PolarLayer], Int64[Array, " voxel"]]:
    """Describe a grid as such layers.

    Args:
        grid: The grid.

    Returns:
        The layers, and for each voxel in their order its place in the grid.

    Raises:
        ValueError: If the rings of a layer are not divided alike.
    """
    layers, order = [], []
    for number, name in zip(grid.numbers, grid.layer_names, strict=True):
        rings = grid.layers[number]
        counts = sorted({ring.n_alpha for ring in rings})
        if len(counts) > 1 or (counts[0] > 1 and counts[0] % 2):
            raise ValueError(
                f"grid {grid.name}, layer {number} ({name}): expected rings that are all divided "
                f"into one or an even number of bins in alpha, got {', '.join(map(str, counts))}: "
                "voxelize on such a grid, for example `--grid regular`"
            )
        (n_alpha,) = counts
        inner = np.concatenate([ring.r_edges[:-1] for ring in rings])
        edges = np.append(inner, rings[-1].r_edges[-1])
        layers.append(PolarLayer(number, edges, n_alpha))
        of_layer = grid.layer_slice(number)
        angle = np.rint(grid.alpha_min[of_layer] * (n_alpha / (2.0 * np.pi))).astype(np.int64)
        angle = (angle + n_alpha // 2) % n_alpha
        order.append(of_layer.start + np.lexsort((grid.r_min[of_layer], angle)))
    return layers, np.concatenate(order).astype(np.int64)
