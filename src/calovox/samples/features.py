r"""High-level features of showers, from voxels and, where there are any, from cells.

With E_i the energy of voxel i at (x_i, y_i) = r_i (cos alpha_i, sin alpha_i), x along eta and y
along phi, each layer has its energy, its centres of energy, its widths and its sparsity:

$$E = \sum_i E_i, \quad
\langle x \rangle = \frac{\sum_i x_i E_i}{E}, \quad
\sigma_x = \sqrt{\frac{\sum_i x_i^2 E_i}{E} - \langle x \rangle^2}, \quad
S = \frac{\text{voxels without energy}}{\text{voxels}},$$

likewise for y and r. x and y are left out of layers that are not divided in alpha. All energies
are divided by that of the incident particle, so that showers of all energies can be taken
together. Centres and widths of a layer without energy are 0. Features of cells are the shower
shapes of the reconstruction, energies divided by that of the photon.

References:
    C. Krause et al., *CaloChallenge 2022: A Community Challenge for Fast Calorimeter Simulation*
    (2024), https://arxiv.org/abs/2410.21611, section 4.
"""

from typing import Final

import numpy as np

from calovox.arrays import Array, Float32, Float64
from calovox.reconstruction import ShowerShapes
from calovox.samples.layout import VoxelLayout
from calovox.samples.sample import OBSERVABLES

__all__ = [
    "LAYER_ENERGY",
    "PLANAR",
    "SPARSITY",
    "TOTAL_ENERGY",
    "FeatureExtractor",
    "shape_features",
    "shape_names",
]

TOTAL_ENERGY: Final = "e_tot"
"""Name of the energy of all voxels over the incident energy."""

LAYER_ENERGY: Final = "e_layer"
"""How the names of the layer energies begin."""

PLANAR: Final = ("center_eta", "center_phi", "width_eta", "width_phi")
"""How the names of centres and widths along eta and phi begin."""

SPARSITY: Final = "sparsity"
"""How the names of the sparsities begin."""


class FeatureExtractor:
    """Computes features of one layout of voxels.

    Args:
        layout: Where the voxels lie.

    Attributes:
        layout: Where the voxels lie.
        names: Names of the features, `e_tot` first, the others with the number of their layer.
    """

    def __init__(self, layout: VoxelLayout) -> None:
        self.layout = layout
        self.names: tuple[str, ...] = (
            TOTAL_ENERGY,
            *(
                f"{name}_{layer}"
                for position, layer in enumerate(layout.layers)
                for name in _layer_names(layout.has_angles(position))
            ),
        )

    def __call__(self, fraction: Float32[Array, "event voxel"]) -> Float64[Array, "event feature"]:
        """Compute the features.

        Args:
            fraction: Energy of each voxel over the incident energy.

        Returns:
            One column per name; lengths in mm.
        """
        columns: list[Float64[Array, " event"]] = []
        total = np.zeros(len(fraction))
        for position in range(len(self.layout.layers)):
            part = self.layout.layer_slice(position)
            of_layer = _layer_features(
                fraction[:, part],
                self.layout.r[part],
                self.layout.alpha[part],
                angles=self.layout.has_angles(position),
            )
            total += of_layer[0]
            columns += of_layer
        return np.stack([total, *columns], axis=1)


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


def _layer_names(angles: bool) -> tuple[str, ...]:
    planar = PLANAR if angles else ()
    return (LAYER_ENERGY, SPARSITY, "center_r", "width_r", *planar)


def _layer_features(
    fraction: Float32[Array, "event voxel"],
    r: Float64[Array, " voxel"],
    alpha: Float64[Array, " voxel"],
    *,
    angles: bool,
) -> list[Float64[Array, " event"]]:
    """Compute the features of a layer in the order of `_layer_names`."""
    axes = [r, *([r * np.cos(alpha), r * np.sin(alpha)] if angles else [])]
    weights = np.stack([np.ones_like(r), *axes, *(axis**2 for axis in axes)], axis=1)
    sums = fraction.astype(np.float64) @ weights
    energy = sums[:, 0]
    mean, square = np.split(sums[:, 1:] / np.where(energy > 0, energy, 1.0)[:, None], 2, axis=1)
    # rounding may leave a variance just below 0
    width = np.sqrt(np.maximum(square - mean**2, 0.0))
    sparsity = np.count_nonzero(fraction == 0, axis=1) / fraction.shape[1]
    return [energy, sparsity, mean[:, 0], width[:, 0], *mean.T[1:], *width.T[1:]]
