"""BinnedShower: voxels of a library or a model become hits."""

from calovox.binned_shower.hit_energy import HitEnergy
from calovox.binned_shower.library import ShowerLibrary
from calovox.binned_shower.placement import linear_quantile, voxels_to_hits
from calovox.binned_shower.sub_voxel_files import (
    SubVoxelFileError,
    read_sub_voxels,
    write_sub_voxels,
)
from calovox.binned_shower.sub_voxels import (
    STORED_ENERGIES,
    SubVoxelProbabilities,
    average_sub_voxels,
)

__all__ = [
    "STORED_ENERGIES",
    "HitEnergy",
    "ShowerLibrary",
    "SubVoxelFileError",
    "SubVoxelProbabilities",
    "average_sub_voxels",
    "linear_quantile",
    "read_sub_voxels",
    "voxels_to_hits",
    "write_sub_voxels",
]
