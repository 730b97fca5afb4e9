"""The spaces in which shape models work: three ways to turn voxels into numbers without bounds.

All of them have `forward(voxels, energy, noise)`, `inverse(y, energy, layer_energy)`, `n_voxels`
and `layer_sizes`; the kinetic energy is in MeV, the noise uniform in [0, 1).
"""

from calovox.preprocessing.log_voxels import LogVoxelTransform
from calovox.preprocessing.voxel_quantiles import QuantileVoxelTransform
from calovox.preprocessing.voxels import LogitVoxelTransform

__all__ = ["VoxelSpace"]

VoxelSpace = LogitVoxelTransform | LogVoxelTransform | QuantileVoxelTransform
"""Any of them: the first is the note's for CaloCFM, the second its for CaloDiT-2."""
