"""The layer at a point, of any detector."""

import numpy as np

from calovox.arrays import Array, Float, UInt8
from calovox.geometry.barrel import atlas_barrel, layer_of_deposit
from calovox.geometry.detector import Detector
from calovox.geometry.layers import NO_LAYER

__all__ = ["layer_at"]


def layer_at(
    detector: Detector, r: Float[Array, " point"], eta: Float[Array, " point"]
) -> UInt8[Array, " point"]:
    """Find the layers that points lie in.

    A layer contains its nearer surface and not its farther one. Those of the built-in barrel are
    divided as `layer_of_deposit` says.

    Args:
        detector: The layers.
        r: Distance from the beam axis in mm.
        eta: Pseudorapidity.

    Returns:
        Layer numbers, `NO_LAYER` for points between the layers.
    """
    if detector.layers_digest == atlas_barrel().layers_digest:
        return layer_of_deposit(r, eta)
    found = np.full(len(r), NO_LAYER, dtype=np.uint8)
    along_z = r * np.sinh(np.abs(eta))
    for layer in detector.layers:
        place = layer.position
        depth = r if place.surface == "cylinder" else along_z
        bins = np.floor(np.abs(eta) * place.bins_per_eta)
        rows = np.asarray(np.fmin(bins, len(place.inner) - 1), dtype=np.int64)
        found[(depth >= place.inner[rows]) & (depth < place.outer[rows])] = layer.number
    return found
