r"""Sub-voxel probabilities as the ROOT side file that FastCaloSim loads.

One ``TMatrixD`` per layer J and energy E (MeV), named ``probabilities_layer_J_energy_E``, with a
row per voxel of the layer, in the order of the grid, and the cumulative probabilities of three of
the four quarters: (alpha low, r low), (alpha high, r low), (alpha low, r high).

References:
    FastCaloSim, ``TFCSBinnedShower::load_sub_bin_distribution``, Apache-2.0,
    https://gitlab.cern.ch/atlas-simulation-team/fastcalosim
"""

import re
from pathlib import Path
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.binned_shower.root_matrix import read_root_matrices, write_root_matrices
from calovox.binned_shower.sub_voxels import SubVoxelProbabilities
from calovox.files.damage import reading
from calovox.voxelization import VoxelGrid

__all__ = ["SubVoxelFileError", "read_sub_voxels", "write_sub_voxels"]

_NAME: Final = re.compile(r"probabilities_layer_(\d+)_energy_([0-9.]+)")


class SubVoxelFileError(ValueError):
    """A file does not hold the sub-voxel probabilities of a grid."""


def write_sub_voxels(
    path: Path, probabilities: SubVoxelProbabilities, *, overwrite: bool = False
) -> None:
    """Write sub-voxel probabilities into a ROOT file.

    Args:
        path: The file to write.
        probabilities: What to write.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the path exists and may not be replaced.
    """
    matrices = {}
    for position, energy in enumerate(probabilities.energies):
        cumulative = np.cumsum(probabilities.probabilities[position], axis=1)
        for layer in probabilities.grid.numbers:
            rows = cumulative[probabilities.grid.layer == layer, :3]
            matrices[_matrix_name(layer, energy)] = np.minimum(rows, 1.0)
    write_root_matrices(path, matrices, overwrite=overwrite)


def read_sub_voxels(path: Path, grid: VoxelGrid) -> SubVoxelProbabilities:
    """Read sub-voxel probabilities from a ROOT file.

    Args:
        path: The file.
        grid: The voxels it belongs to; the file itself does not say.

    Returns:
        The probabilities at all energies of the file.

    Raises:
        SubVoxelFileError: If the file is no ROOT file, or does not fit the grid.
        FileNotFoundError: If there is no such file.
    """
    matrices = _read_matrices(path)
    energies = sorted({energy for _, energy in matrices})
    if not energies:
        raise SubVoxelFileError(f"{path}: no matrix is named probabilities_layer_J_energy_E")
    values = np.empty((len(energies), grid.n_voxels, 4))
    for position, energy in enumerate(energies):
        for layer in grid.numbers:
            rows = grid.layer == layer
            matrix = matrices.get((layer, energy))
            if matrix is None:
                raise SubVoxelFileError(f"{path}: {_matrix_name(layer, energy)} is missing")
            if matrix.shape != (np.count_nonzero(rows), 3):
                raise SubVoxelFileError(
                    f"{path}: {_matrix_name(layer, energy)} must be {np.count_nonzero(rows)} x 3 "
                    f"for this grid, got {matrix.shape[0]} x {matrix.shape[1]}"
                )
            if not np.isfinite(matrix).all():
                raise SubVoxelFileError(
                    f"{path}: expected finite numbers in {_matrix_name(layer, energy)}"
                )
            values[position, rows] = _quarters(matrix)
    try:
        return SubVoxelProbabilities(grid, np.asarray(energies), values)
    except ValueError as error:
        raise SubVoxelFileError(f"{path}: {error}") from None


def _quarters(cumulative: Float64[Array, "voxel 3"]) -> Float64[Array, "voxel 4"]:
    """Take differences; those that rounding made negative are 0."""
    quarters = np.diff(cumulative, axis=1, prepend=0.0, append=1.0)
    return np.where((quarters < 0) & (quarters > -1e-6), 0.0, quarters)


def _matrix_name(layer: int, energy: float) -> str:
    digits = np.format_float_positional(energy, trim="-")
    return f"probabilities_layer_{layer}_energy_{digits}"


def _read_matrices(path: Path) -> dict[tuple[int, float], Float64[Array, "row column"]]:
    with reading(path, SubVoxelFileError, "is not a readable ROOT file"):
        named = read_root_matrices(path, SubVoxelFileError)
        matches = {name: _NAME.fullmatch(name) for name in named}
        return {
            (int(match[1]), float(match[2])): named[name]
            for name, match in matches.items()
            if match is not None
        }
