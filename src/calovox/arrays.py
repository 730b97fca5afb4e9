"""Array types and the glossary of axis names used in annotations.

Axes: ``event``, ``hit`` (all hits of all events, one after the other), ``cell`` (rows of a
cell table), ``entry`` (non-zero cell energies of all events), ``voxel`` (voxels of all layers),
``layer`` (in the order of `LAYERS`), ``offset`` (offsets of the events in a flat
array: one more than events).
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int32, Int64, Integer, UInt8, UInt64

__all__ = [
    "LAYERS",
    "LAYER_NAMES",
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
    "UInt64",
    "layer_position",
]

Array = np.ndarray

LAYERS: Final = (0, 1, 2, 3, 12)
"""Numbers of the five relevant layers, as in the keys of the dataset (note, section 2.1)."""

LAYER_NAMES: Final = {0: "PreSamplerB", 1: "EMB1", 2: "EMB2", 3: "EMB3", 12: "TileBar0"}

_POSITIONS: Int64[Array, " number"] = np.full(256, -1, dtype=np.int64)
_POSITIONS[list(LAYERS)] = np.arange(len(LAYERS))


def layer_position(layers: Integer[Array, "*shape"]) -> Int64[Array, "*shape"]:
    """Convert layer numbers (0, 1, 2, 3, 12) into positions in `LAYERS` (0 to 4).

    Args:
        layers: Layer numbers.

    Returns:
        Positions in `LAYERS`.

    Raises:
        ValueError: If a number is not one of `LAYERS`.
    """
    numbers = np.asarray(layers)
    if numbers.dtype != np.uint8:
        numbers = np.where((numbers < 0) | (numbers > 255), 255, numbers)
    positions: Int64[Array, "*shape"] = _POSITIONS[numbers]
    if np.any(positions < 0):
        first = np.asarray(layers)[positions < 0].flat[0]
        raise ValueError(f"layers: expected numbers out of {LAYERS}, got {first}")
    return positions
