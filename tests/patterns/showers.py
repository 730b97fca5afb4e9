"""Small grids, libraries and showers for the tests of this room."""

from dataclasses import replace
from functools import cache

import numpy as np

from calovox.patterns import PatternLibrary, PatternMaker
from calovox.patterns.tables import pattern_tables
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels
from tests.toy_showers import toy_showers

GRID = VoxelGrid.optimal()
DONORS = toy_showers(40, n_hits=400, energy=np.repeat([30e3, 65e3], 20), seed=3)
SHOWERS = toy_showers(6, n_hits=400, energy=np.array([20e3, 30e3, 40e3, 65e3, 70e3, 1e6]), seed=8)


@cache
def toy_library(grid: VoxelGrid = GRID) -> PatternLibrary:
    maker = PatternMaker(grid)
    maker.add(DONORS)
    return maker.library({"provenance": {"made": "for a test"}})


@cache
def toy_voxels(grid: VoxelGrid = GRID) -> Voxels:
    voxels = hits_to_voxels(SHOWERS, grid)
    return replace(voxels, photon_eta=None, photon_phi=None)


def known_voxels(library: PatternLibrary, voxels: Voxels) -> Voxels:
    """Leave out the energy of voxels that the library has no pattern of."""
    energy = np.where(
        (pattern_tables(library).keys["number"] > 0).any(axis=0)[library.bins.of_voxel],
        voxels.energy,
        0.0,
    )
    return replace(voxels, energy=energy.astype(np.float32))
