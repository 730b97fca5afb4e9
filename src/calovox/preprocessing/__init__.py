"""Bijections between showers and the space in which models work.

Everything here is a torch module, so that it can become part of an exported graph: no numpy, no
decision that depends on a value. A transform has `forward`, `inverse` and, where it maps numbers
one to one, `log_abs_det_jacobian`; fitting is an explicit `fit` that returns a new transform.
"""

from calovox.preprocessing.conditions import ConditionTransform
from calovox.preprocessing.elementwise import Dequantization, RegularizedLogit, Standardization
from calovox.preprocessing.energy_bounds import EnergyBounds
from calovox.preprocessing.layer_energies import LayerEnergyRatios, LayerEnergyTransform
from calovox.preprocessing.log_voxels import LogVoxelTransform
from calovox.preprocessing.root_shares import RootShareTransform
from calovox.preprocessing.shape_conditions import (
    ScaledConditions,
    ShapeConditions,
    StandardizedConditions,
)
from calovox.preprocessing.voxel_quantiles import N_ENERGIES, QuantileVoxelTransform
from calovox.preprocessing.voxel_space import VoxelSpace
from calovox.preprocessing.voxels import LayerNormalization, LogitVoxelTransform

__all__ = [
    "N_ENERGIES",
    "ConditionTransform",
    "Dequantization",
    "EnergyBounds",
    "LayerEnergyRatios",
    "LayerEnergyTransform",
    "LayerNormalization",
    "LogVoxelTransform",
    "LogitVoxelTransform",
    "QuantileVoxelTransform",
    "RegularizedLogit",
    "RootShareTransform",
    "ScaledConditions",
    "ShapeConditions",
    "Standardization",
    "StandardizedConditions",
    "VoxelSpace",
]
