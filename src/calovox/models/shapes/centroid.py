r"""The energy centre of the voxels of a shower that is centred on its hits.

Datasets are centred on the energy-weighted mean of the hits, so that this mean is 0. The energy
centre D of the voxels is not 0: the energy of each voxel counts at its middle, which lies delta_i
away from the mean of its hits,

$$D = -\sum_i v_i \delta_i / \sum_i v_i, \qquad
  \mathrm{Var}\, D = \sum_i c_{l(i)}(E) s_i^2 v_i^2 / (\sum_i v_i)^2,$$

with s_i the root mean square size of voxel i, and c the part of its square by which the mean of
the hits scatters, fitted for each layer and kinetic energy. Models of voxels do not know this:
their D is two to four times as far from 0. `VoxelCentroid` draws D from a normal distribution with
this variance, and moves the voxels there by the tilt

$$v_i \to v_i \max(0, 1 + \lambda \cdot (t_i - \bar t_{l(i)})),$$

with t_i the position of the voxel, at most `REACH` from the axis, and $\bar t$ its mean in the
layer, so that layers keep their energies. The two numbers lambda solve a linear system.

Positions are those at the radius of the middle layer: the centre is one direction, not one length.
"""

from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.arrays import Array, Float64
from calovox.voxelization import VoxelGrid

__all__ = [
    "N_ENERGIES",
    "REACH",
    "VoxelCentroid",
    "noise_directions",
    "voxel_positions",
    "voxel_sizes",
]

REACH: Final = 30.0
"""How far from the axis a tilt rises, in mm: some Moliere radii."""

N_ENERGIES: Final = 6
"""Energies, evenly spaced in log E, between which c changes linearly."""

_STEEPEST: Final = 1.0 / REACH
"""Largest lambda in 1/mm: few voxels, of showers of 1 GeV and less, become 0."""

_LEAST_LEVER: Final = 1.0
"""Determinant in mm^4 below which a shower has next to one voxel in each layer, and stays."""

_VECTOR: Final = 16
"""Numbers that any processor treats at once, or a multiple of them."""


class VoxelCentroid(nn.Module):
    """Moves the energy centre of showers.

    Args:
        grid: The voxels.
        radii: Distance of each layer from the beam in mm.
        nodes: Logarithms of `N_ENERGIES` energies in MeV, evenly spaced.
        coefficients: c of each of these energies and each layer; all 0 if none are known.

    Attributes:
        known: Whether the distribution is known: without it, showers stay as they are.
    """

    moments: Tensor
    sizes: Tensor
    tilts: Tensor
    layers: Tensor
    nodes: Tensor
    coefficients: Tensor
    directions: Tensor
    ones: Tensor

    def __init__(
        self,
        grid: VoxelGrid,
        radii: Float64[Array, " layer"],
        nodes: Float64[Array, " node"] | None = None,
        coefficients: Float64[Array, "node layer"] | None = None,
    ) -> None:
        super().__init__()
        self.n_layers = len(grid.layer_sizes)
        layer = np.repeat(np.arange(self.n_layers), grid.layer_sizes)
        of_layer = np.eye(self.n_layers)[layer]
        position = voxel_positions(grid, radii)
        reach = np.maximum(np.hypot(*position), REACH) / REACH
        tilt = position / reach
        sums = [axis[:, None] * of_layer for axis in (np.ones(len(layer)), *tilt, *position)]
        # matrix products and products, no sums over few numbers or powers: runtimes round those in
        # another way for another number of events
        whole = [axis[:, None] for axis in (np.ones(len(layer)), *position)]
        products = [(p * t)[:, None] for p in position for t in tilt]
        if nodes is None or coefficients is None:
            nodes = np.arange(N_ENERGIES, dtype=np.float64)
            coefficients = np.zeros((N_ENERGIES, self.n_layers))
        for name, values in {
            "moments": np.hstack([*sums, *whole, *products]),
            "sizes": voxel_sizes(grid, radii)[:, None] ** 2 * of_layer,
            "tilts": np.concatenate([tilt, of_layer.T]),
            "layers": of_layer,
            "directions": noise_directions(len(layer)),
            "ones": np.ones((1, max(_VECTOR, self.n_layers))),
        }.items():
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)
        self.register_buffer("nodes", torch.from_numpy(nodes).float())
        self.register_buffer("coefficients", torch.from_numpy(coefficients).float())
        # kept beside the numbers: an exported graph cannot depend on their values
        self.known = bool(coefficients.any())
        hook = self.register_load_state_dict_post_hook
        hook(_tell_whether_known)  # type: ignore[no-untyped-call]

    def forward(
        self,
        voxels: Float[Tensor, "event voxel"],
        energy: Float[Tensor, "event 1"],
        noise: Float[Tensor, "event noise"],
    ) -> Float[Tensor, "event voxel"]:
        """Draw the energy centre and move showers there.

        Args:
            voxels: Energies of the voxels in any unit, not negative.
            energy: Kinetic energy in MeV.
            noise: Standard normal numbers, at least one per voxel; D takes two sums of them.

        Returns:
            Voxels whose layers have the same energies.
        """
        n, count = len(self.directions), self.n_layers
        sums, total, centroid, products = torch.split(
            voxels @ self.moments, [5 * count, 1, 2, 4], dim=1
        )
        in_layer, tilt, position = torch.split(sums.reshape(-1, 5, count), [1, 2, 2], dim=1)
        mean_tilt = tilt / in_layer.clamp(min=torch.finfo(sums.dtype).tiny)
        lever = products.reshape(-1, 2, 2) - position @ mean_tilt.transpose(1, 2)
        wanted = noise[:, :n] @ self.directions * self.variance(voxels, energy).sqrt()
        slope = _solve(lever, wanted - centroid, total)
        shift = -(slope[:, None] @ mean_tilt).squeeze(1)
        tilted = voxels * (1.0 + torch.cat([slope, shift], dim=1) @ self.tilts).relu()
        left = (tilted @ self.layers).clamp(min=torch.finfo(sums.dtype).tiny)
        return tilted * ((in_layer.squeeze(1) / left) @ self.layers.T)

    def variance(
        self, voxels: Float[Tensor, "event voxel"], energy: Float[Tensor, "event 1"]
    ) -> Float[Tensor, "event 1"]:
        """Compute the variance of D times the energy of the shower, along each axis.

        Args:
            voxels: Energies of the voxels in any unit, not negative.
            energy: Kinetic energy in MeV.

        Returns:
            The variance, in mm^2 times that unit squared.
        """
        # a whole vector of every processor: its logarithm is rounded in the same way for any
        # number of events
        place = (energy * self.ones).log()[:, :1].clamp(self.nodes[0], self.nodes[-1])
        near = (1.0 - (place - self.nodes).abs() / (self.nodes[1] - self.nodes[0])).relu()
        spread = (voxels * voxels) @ self.sizes
        return (spread * (near @ self.coefficients)) @ self.ones[:, : self.n_layers].T


def _tell_whether_known(centroid: VoxelCentroid, incompatible_keys: object) -> None:
    centroid.known = bool(centroid.coefficients.any())


def voxel_positions(
    grid: VoxelGrid, radii: Float64[Array, " layer"]
) -> Float64[Array, "axis voxel"]:
    """Give the middles of voxels, as seen at the radius of the middle layer.

    Args:
        grid: The voxels.
        radii: Distance of each layer from the beam in mm.

    Returns:
        Along eta and phi, in mm.
    """
    r, alpha = grid.r_middle * _lever_arms(grid, radii), grid.alpha_middle
    return np.asarray(r * np.stack([np.cos(alpha), np.sin(alpha)]))


def voxel_sizes(grid: VoxelGrid, radii: Float64[Array, " layer"]) -> Float64[Array, " voxel"]:
    """Give the root mean square sizes of voxels, as seen at the radius of the middle layer.

    Args:
        grid: The voxels.
        radii: Distance of each layer from the beam in mm.

    Returns:
        Sizes in mm.
    """
    along = grid.r_max - grid.r_min
    across = grid.r_middle * (grid.alpha_max - grid.alpha_min)
    sizes = np.sqrt((along**2 + across**2) / 12.0) * _lever_arms(grid, radii)
    return np.asarray(sizes)


def _lever_arms(grid: VoxelGrid, radii: Float64[Array, " layer"]) -> Float64[Array, " voxel"]:
    return np.asarray(np.repeat(np.median(radii) / radii, grid.layer_sizes))


def noise_directions(n_voxels: int) -> Float64[Array, "voxel 2"]:
    """Choose two sums of the noise: orthogonal, and hardly correlated with any voxel's own."""
    signs = np.random.default_rng(1).choice([-1.0, 1.0], size=n_voxels)
    other = signs * np.where(np.arange(n_voxels) % 2, -1.0, 1.0)
    if n_voxels % 2:
        other[-1] = 0.0
    both = np.column_stack([signs, other])
    both[other == 0.0] = 0.0
    return np.asarray(both / np.linalg.norm(both, axis=0))


def _solve(
    matrix: Float[Tensor, "event 2 2"],
    right: Float[Tensor, "event 2"],
    energy: Float[Tensor, "event 1"],
) -> Float[Tensor, "event 2"]:
    """Solve two equations; 0 where they have next to no solution, no steeper than allowed."""
    a, b, c, d = torch.split(matrix.flatten(start_dim=1), 1, dim=1)
    x, y = torch.split(right, 1, dim=1)
    determinant = a * d - b * c
    solvable = determinant > _LEAST_LEVER * energy * energy
    solution = torch.cat([d * x - b * y, a * y - c * x], dim=1)
    solution = torch.where(solvable, solution / torch.where(solvable, determinant, 1.0), 0.0)
    x, y = torch.split(solution, 1, dim=1)
    length = (x * x + y * y).sqrt()
    return solution / (length / _STEEPEST).clamp(min=1.0)
