"""Reflection in phi: alpha -> -alpha, an exact symmetry of the detector model.

alpha is measured from the direction of eta, so that the reflection phi -> -phi about the shower
centre changes its sign. The energies of the layers stay as they are.
"""

import numpy as np

from calovox.arrays import Array, Int64
from calovox.voxelization.grid import VoxelGrid

__all__ = ["mirrored_voxels"]


def mirrored_voxels(grid: VoxelGrid) -> Int64[Array, " voxel"]:
    """Find the reflection of every voxel.

    Args:
        grid: The voxels.

    Returns:
        For each voxel, the voxel that lies at -alpha; doing this twice changes nothing.
    """
    mirror = grid.find(grid.layer, grid.r_middle, 2.0 * np.pi - grid.alpha_middle)
    # the bins of a ring are uniform from alpha = 0 on, so that each is the mirror of another
    assert np.allclose(grid.alpha_min[mirror], 2.0 * np.pi - grid.alpha_max, atol=1e-9)
    assert np.array_equal(grid.r_min[mirror], grid.r_min)
    return mirror
