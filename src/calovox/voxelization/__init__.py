"""Voxels around the shower centre: grids, and hits to voxels."""

from calovox.voxelization.grid import Ring, VoxelGrid
from calovox.voxelization.voxelize import hits_to_voxels, shower_centers
from calovox.voxelization.voxels import Voxels, concatenate_voxels

__all__ = [
    "Ring",
    "VoxelGrid",
    "Voxels",
    "concatenate_voxels",
    "hits_to_voxels",
    "shower_centers",
]
