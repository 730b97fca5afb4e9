"""The distribution of the energy centre of voxels, from showers."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import nnls

from calovox.arrays import Array, Float64, Int64
from calovox.geometry import atlas_barrel
from calovox.models.shapes.centroid import (
    N_ENERGIES,
    VoxelCentroid,
    voxel_positions,
    voxel_sizes,
)
from calovox.training.data.showers import ShowerFiles
from calovox.voxelization import VoxelGrid

__all__ = [
    "CentroidMoments",
    "fit_centroid",
    "known_positions",
    "layer_radii",
    "measure_moments",
    "unfitted_centroid",
]

_ROUNDS: Final = 8

_LOOKED_AT: Final = 100
"""Showers of a file that are looked at, to find out what all of them are centred on."""


@dataclass(frozen=True)
class CentroidMoments:
    """What the fit needs of some showers.

    Attributes:
        energy: Kinetic energies in MeV.
        spread: Sum of the squares of energy fraction times size over the voxels of each layer.
        square: Half the square of the distance of the energy centre from the shower centre.
    """

    energy: Float64[Array, " event"]
    spread: Float64[Array, "event layer"]
    square: Float64[Array, " event"]

    def __getitem__(self, rows: Int64[Array, " chosen"]) -> "CentroidMoments":
        """Return some of the showers."""
        return CentroidMoments(self.energy[rows], self.spread[rows], self.square[rows])


def unfitted_centroid(grid: VoxelGrid) -> VoxelCentroid | None:
    """Give a distribution that is not fitted, to be loaded.

    Args:
        grid: The voxels.

    Returns:
        The distribution; none for layers that are not the built-in barrel's, or without angles.
    """
    radii = layer_radii(grid)
    return None if radii is None else VoxelCentroid(grid, radii)


def fit_centroid(
    files: ShowerFiles, moments: CentroidMoments | None = None
) -> VoxelCentroid | None:
    """Fit how far the energy centre of the voxels is from the centre of the hits.

    The variances of D are those of normal numbers: c is found by least squares that are weighted
    by what the last round found, with no c below 0.

    Args:
        files: The showers.
        moments: What `measure_moments` found of them; measured here if it is not given.

    Returns:
        The distribution. It is unknown if the showers are centred on the photon or have one
        energy. There is none for layers that are not the built-in barrel's.
    """
    grid = files.grid
    radii = layer_radii(grid)
    if radii is None:
        return None
    low, high = files.energy_range
    if _centred_on_photons(files) or high <= low:
        return VoxelCentroid(grid, radii)
    nodes = np.linspace(math.log(low), math.log(high), N_ENERGIES)
    known = measure_moments(files) if moments is None else moments
    rows = _near_nodes(known.energy, nodes)[:, :, None] * known.spread[:, None, :]
    found = _fit_variance(rows.reshape(len(rows), -1), known.square)
    return VoxelCentroid(grid, radii, nodes, found.reshape(N_ENERGIES, -1))


def measure_moments(files: ShowerFiles) -> CentroidMoments:
    """Read showers once, and keep what fits in any range of abs(eta) need of them.

    Args:
        files: The showers, in layers of the built-in barrel.

    Returns:
        Their moments, in order.
    """
    grid = files.grid
    radii = layer_radii(grid)
    assert radii is not None  # the caller has looked
    position, size = voxel_positions(grid, radii), voxel_sizes(grid, radii)
    starts = grid.layer_boundaries[:-1]
    energies, spreads, squares = [], [], []
    for part in files.batches():
        voxels = part.voxels.numpy().astype(np.float64)
        voxels /= np.maximum(voxels.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        energies.append(part.conditions.energy.numpy().astype(np.float64))
        spreads.append(np.add.reduceat((voxels * size) ** 2, starts, axis=1))
        squares.append(0.5 * ((voxels @ position.T) ** 2).sum(axis=1))
    return CentroidMoments(*(np.concatenate(column) for column in (energies, spreads, squares)))


def _fit_variance(
    rows: Float64[Array, "event number"], squares: Float64[Array, " event"]
) -> Float64[Array, " number"]:
    """Fit the means of squares of normal numbers, each as a sum of columns."""
    filled = rows.sum(axis=1) > 0.0
    rows, squares = rows[filled], squares[filled]
    found = np.full(rows.shape[1], squares.sum() / rows.sum())
    for _ in range(_ROUNDS):
        expected = np.maximum(rows @ found, 1e-6 * squares.mean())
        # normal equations: as many rows as numbers, however many showers
        weighted = rows / expected[:, None]
        gram = weighted.T @ weighted + 1e-9 * np.eye(rows.shape[1])
        half = np.linalg.cholesky(gram)
        right = np.linalg.solve(half, weighted.T @ (squares / expected))
        found = nnls(half.T, right)[0]
    return np.asarray(found)


def _near_nodes(
    energy: Float64[Array, " event"], nodes: Float64[Array, " node"]
) -> Float64[Array, "event node"]:
    place = np.clip(np.log(energy), nodes[0], nodes[-1])
    near = 1.0 - np.abs(place[:, None] - nodes) / (nodes[1] - nodes[0])
    return np.asarray(np.maximum(near, 0.0))


def layer_radii(grid: VoxelGrid) -> Float64[Array, " layer"] | None:
    """Give the mean radii of the layers; none for other layers, or voxels without angles."""
    barrel = atlas_barrel()
    titles = {layer.number: layer.name for layer in barrel.layers}
    known = all(
        name in (titles.get(number), f"layer_{number}")
        for number, name in zip(grid.numbers, grid.layer_names, strict=True)
    )
    divided = np.any(np.ptp(voxel_positions(grid, np.ones(len(grid.layers))), axis=1) > 0.0)
    if not (divided and known and set(grid.numbers) <= set(barrel.numbers)):
        return None
    eta = np.linspace(*barrel.eta_range, 50)
    return np.asarray(barrel.radii(eta, grid.numbers).mean(axis=0))


def known_positions(grid: VoxelGrid) -> Float64[Array, "axis voxel"] | None:
    """Give the middles of voxels in mm (`voxel_positions`); none where radii are unknown."""
    radii = layer_radii(grid)
    return None if radii is None else voxel_positions(grid, radii)


def _centred_on_photons(files: ShowerFiles) -> bool:
    """Tell whether the showers of any file lie around the photons instead of their hits."""
    for reader in files.readers:
        first = reader.read(slice(0, _LOOKED_AT))
        if first.photon_eta is not None and np.array_equal(first.photon_eta, first.eta_center):
            return True
    return False
