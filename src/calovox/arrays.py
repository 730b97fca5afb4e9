"""Array types and the glossary of axis names used in annotations.

Axes: ``event``, ``hit`` (all hits of all events, one after the other), ``cell`` (rows of a
cell table), ``entry`` (non-zero cell energies of all events), ``voxel`` (voxels of all layers),
``layer`` (in the order of `LAYERS`), ``event+1`` (offsets of a flat array).
"""

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int64, UInt8, UInt64

__all__ = [
    "LAYERS",
    "LAYER_NAMES",
    "Array",
    "Bool",
    "Float",
    "Float32",
    "Float64",
    "Int",
    "Int64",
    "UInt8",
    "UInt64",
    "layer_position",
]

Array = np.ndarray

LAYERS: Final = (0, 1, 2, 3, 12)
"""Numbers of the five relevant layers, as in the keys of the dataset (note, section 2.1)."""

LAYER_NAMES: Final = {0: "PreSamplerB", 1: "EMB1", 2: "EMB2", 3: "EMB3", 12: "TileBar0"}


def layer_position(layers: Int[Array, "*shape"]) -> Int64[Array, "*shape"]:
    """Convert layer numbers (0, 1, 2, 3, 12) into positions in `LAYERS` (0 to 4).

    Args:
        layers: Layer numbers.

    Returns:
        Positions in `LAYERS`.

    Raises:
        ValueError: If a number is not one of `LAYERS`.
    """
    known = np.asarray(LAYERS)
    positions = np.minimum(np.searchsorted(known, layers), len(known) - 1)
    wrong = known[positions] != layers
    if np.any(wrong):
        first = np.asarray(layers)[wrong].flat[0]
        raise ValueError(f"layers: expected numbers out of {LAYERS}, got {first}")
    return positions.astype(np.int64)
