"""Array types and the glossary of axis names used in annotations.

Axes: ``event``, ``hit`` (all hits of all events, one after the other), ``cell`` (rows of a
cell table), ``entry`` (non-zero cell energies of all events), ``voxel`` (voxels of all layers),
``layer`` (layers by rising number), ``offset`` (offsets of the events in a flat
array: one more than events).
"""

import numpy as np
from jaxtyping import (
    Bool,
    Float,
    Float32,
    Float64,
    Int,
    Int32,
    Int64,
    Integer,
    UInt8,
    UInt32,
    UInt64,
)

__all__ = [
    "Array",
    "Bool",
    "Float",
    "Float32",
    "Float64",
    "Int",
    "Int32",
    "Int64",
    "Integer",
    "UInt8",
    "UInt32",
    "UInt64",
]

Array = np.ndarray
