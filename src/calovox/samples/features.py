"""Features of cells: shower shapes of the reconstruction, energies divided by the photon's."""

import numpy as np

from calovox.arrays import Array, Float64
from calovox.reconstruction import ShowerShapes
from calovox.samples.sample import OBSERVABLES

__all__ = ["shape_features", "shape_names"]


def shape_names(shapes: ShowerShapes) -> tuple[str, ...]:
    """Name the features of cells: all observables, without `e_cal` if there is no calibration.

    Args:
        shapes: Reconstructed showers.
    """
    return tuple(entry.name for entry in OBSERVABLES if getattr(shapes, entry.name) is not None)


def shape_features(
    shapes: ShowerShapes, energy: Float64[Array, " event"]
) -> Float64[Array, "event feature"]:
    """Compute the features of cells.

    Args:
        shapes: Reconstructed showers.
        energy: Kinetic energies in MeV.

    Returns:
        One column per name of `shape_names`.
    """
    names = shape_names(shapes)
    return np.stack(
        [
            entry.values(shapes) / (energy if entry.is_energy else 1.0)
            for entry in OBSERVABLES
            if entry.name in names
        ],
        axis=1,
    )
