"""Tokens of a voxel grid, for the transformer: patches, radial rings of a layer, or voxels.

- `patches`: 3 bins in r, 2 in alpha, 1 layer; of a grid whose layers have the same bins: 280
  tokens on the regular grid, as in the note.
- `rings`: all bins in alpha of one radial bin of a layer; of any grid: 60 tokens on the optimal
  one.
- `voxels`: every voxel; of any grid: 382 tokens on the optimal one.

Where a voxel is, is read from the edges of the grid: nothing is assumed of their order in a file.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.3
    A. Dosovitskiy et al., *An image is worth 16x16 words*, 2020, https://arxiv.org/abs/2010.11929
"""

from typing import Final, get_args

import numpy as np
import torch

from calovox.arrays import Array, Int64
from calovox.models.shapes.kinds import TokenKind
from calovox.nn import TokenLayout
from calovox.voxelization import VoxelGrid

__all__ = ["PATCH", "TokenKind", "grid_to_image", "grid_to_tokens"]

PATCH: Final = (3, 2, 1)
"""Bins of a patch in r, in alpha, and layers."""


def grid_to_tokens(grid: VoxelGrid, kind: TokenKind) -> TokenLayout:
    """Group the voxels of a grid.

    Args:
        grid: The voxels.
        kind: What a token is made of.

    Returns:
        The tokens, with their places: numbers of radial bin, bin in alpha, and layer, in units
        of tokens.

    Raises:
        ValueError: If there is no such kind, or the grid cannot be cut into patches.
    """
    if kind not in get_args(TokenKind):
        raise ValueError(
            f"grid_to_tokens: expected `kind` 'patches', 'rings' or 'voxels', got '{kind}'"
        )
    if kind == "patches":
        return _patches(grid)
    radial, angular, layer = _bins(grid)
    if kind == "voxels":
        members = torch.arange(grid.n_voxels)[:, None]
        return TokenLayout(
            (members,), torch.from_numpy(np.stack([radial, angular, layer], 1)).float()
        )
    return _rings(radial, angular, layer)


def grid_to_image(grid: VoxelGrid) -> Int64[Array, "r alpha layer"]:
    """Arrange the voxels of a grid whose layers have the same bins.

    Args:
        grid: The voxels.

    Returns:
        For each radial bin, bin in alpha and layer, the number of its voxel in the file.

    Raises:
        ValueError: If the number of bins differs between rings or layers.
    """
    radial, angular, layer = _bins(grid)
    shape = (radial.max() + 1, angular.max() + 1, layer.max() + 1)
    image = np.full(shape, -1, dtype=np.int64)
    image[radial, angular, layer] = np.arange(grid.n_voxels)
    if np.any(image < 0):
        raise ValueError(
            f"grid_to_image: expected as many bins in every ring of every layer, got {grid!r}: "
            "use tokens of rings or voxels"
        )
    return image


def _patches(grid: VoxelGrid) -> TokenLayout:
    image = grid_to_image(grid)
    if any(size % part for size, part in zip(image.shape, PATCH, strict=True)):
        raise ValueError(
            f"grid_to_tokens: expected numbers of bins that are multiples of {PATCH}, got "
            f"{image.shape}: use tokens of rings or voxels"
        )
    counts = [size // part for size, part in zip(image.shape, PATCH, strict=True)]
    cut = image.reshape(counts[0], PATCH[0], counts[1], PATCH[1], counts[2], PATCH[2])
    members = cut.transpose(0, 2, 4, 1, 3, 5).reshape(-1, int(np.prod(PATCH)))
    places = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), axis=-1)
    return TokenLayout(
        (torch.from_numpy(members),), torch.from_numpy(places.reshape(-1, 3)).float()
    )


def _rings(
    radial: Int64[Array, " voxel"], angular: Int64[Array, " voxel"], layer: Int64[Array, " voxel"]
) -> TokenLayout:
    order = np.lexsort((angular, radial, layer))
    places = np.stack([radial, layer], axis=1)[order]
    starts = np.flatnonzero(np.any(np.diff(places, axis=0, prepend=-1) != 0, axis=1))
    rings = np.split(order, starts[1:])
    sizes = np.array([len(ring) for ring in rings])
    members = tuple(
        torch.from_numpy(np.stack([ring for ring in rings if len(ring) == size]))
        for size in np.unique(sizes)
    )
    by_size = starts[np.argsort(sizes, kind="stable")]
    return TokenLayout(members, torch.from_numpy(places[by_size]).float())


def _bins(
    grid: VoxelGrid,
) -> tuple[Int64[Array, " voxel"], Int64[Array, " voxel"], Int64[Array, " voxel"]]:
    """Number the radial bin within its layer, the bin in alpha, and the layer of each voxel."""
    layer = np.repeat(np.arange(len(grid.layer_sizes)), grid.layer_sizes)
    radial = np.empty(grid.n_voxels, dtype=np.int64)
    for position in np.unique(layer):
        of_layer = layer == position
        radial[of_layer] = np.unique(grid.r_min[of_layer], return_inverse=True)[1]
    width = grid.alpha_max - grid.alpha_min
    return radial, np.rint(grid.alpha_min / width).astype(np.int64), layer
