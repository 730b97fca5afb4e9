"""Reflection in phi: alpha -> -alpha, an exact symmetry of the detector model.

alpha is measured from the direction of eta, so that the reflection phi -> -phi about the shower
centre changes its sign. The energies of the layers stay as they are.
"""

import numpy as np

from calovox.arrays import Array, Int64
from calovox.voxelization import VoxelGrid

__all__ = ["mirrored_voxels"]

_TOLERANCE = 1e-5
"""How far an edge may lie from the reflected one, in rad."""


def mirrored_voxels(grid: VoxelGrid) -> Int64[Array, " voxel"]:
    """Find the reflection of every voxel.

    Args:
        grid: The voxels.

    Returns:
        For each voxel, the voxel that lies at -alpha; doing this twice changes nothing.

    Raises:
        ValueError: If the reflection of a voxel is no voxel.
    """
    middle = 0.5 * (grid.alpha_min + grid.alpha_max)
    mirror = grid.find(grid.layer, 0.5 * (grid.r_min + grid.r_max), 2.0 * np.pi - middle)
    wrong = (
        (mirror < 0)
        | (np.abs(grid.alpha_min[mirror] - (2.0 * np.pi - grid.alpha_max)) > _TOLERANCE)
        | (np.abs(grid.alpha_max[mirror] - (2.0 * np.pi - grid.alpha_min)) > _TOLERANCE)
        | (grid.r_min[mirror] != grid.r_min)
        | (grid.r_max[mirror] != grid.r_max)
    )
    if np.any(wrong):
        voxel = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"mirrored_voxels: expected a voxel at -alpha for each, got none for voxel {voxel} of "
            f"layer {grid.layer[voxel]}; train without reflection"
        )
    return mirror
