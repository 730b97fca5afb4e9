"""Placement by patterns: voxels say how much, patterns of Geant4 showers say where."""

from calovox.patterns.choosing import PlacementCounts
from calovox.patterns.library import DensityStep, PatternLibrary
from calovox.patterns.making import PatternMaker
from calovox.patterns.placement import voxels_to_pattern_hits
from calovox.patterns.voxels_to_cells import voxels_to_cells

__all__ = [
    "DensityStep",
    "PatternLibrary",
    "PatternMaker",
    "PlacementCounts",
    "voxels_to_cells",
    "voxels_to_pattern_hits",
]
