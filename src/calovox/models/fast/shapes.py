r"""Voxels from one evaluation of a small network, for given energies of the layers.

From conditions c (`calovox.models.fast.conditions`) come a few neurons h(c), and from those all
that depends on the photon and on the layers alone. Each voxel has its own normal number z_i in

$$y_i = \sigma_i(c) z_i + g_i(z, c), \qquad
  q_i = \max(0, y_i - t_i(c)) \exp(p_i(c) + p'_i(c) y_i + p''_i(c) y_i^2),$$

with a network g of two hidden layers for what voxels have in common, and a threshold t_i below
which the voxel is empty. Shares q are made to add up to the energies of the layers.

Then the energy centre D of the voxels is moved, as `calovox.models.shapes.centroid` does, but with
what the conditions know instead of the moments of each shower: D is drawn with the width w(c), and
the tilt by lambda . t_i has lambda = k(c) (w(c) z_D - D), with z_D two sums of the noise.
"""

from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.arrays import Array, Float64
from calovox.models.fast.conditions import layer_roots
from calovox.models.shapes.centroid import REACH, noise_directions
from calovox.nn import MLP

__all__ = ["FastShapes", "VoxelParameters"]

_TINY: Final = 1e-12
_NEXT_TO_NOTHING: Final = 1e-20
_NO_GRADIENT: Final = 1e-9
_HIGHEST_EXPONENT: Final = 5.0
_PER_VOXEL: Final = 5  # sigma, t, p, p', p''


class VoxelParameters(NamedTuple):
    """What depends on the photon and on the layers alone, event by number.

    Attributes:
        entered: What it adds to the first hidden layer.
        scale: sigma.
        threshold: t.
        powers: p, p' and p''.
        centre: w in mm and k in 1/mm.
    """

    entered: Tensor
    scale: Tensor
    threshold: Tensor
    powers: tuple[Tensor, Tensor, Tensor]
    centre: Tensor


class FastShapes(nn.Module):
    """Draws voxels.

    Args:
        n_features: Numbers that a photon has become.
        layer_sizes: Number of voxels of each layer.
        positions: Where voxels are along eta and phi, in mm at the radius of the middle layer;
            None to leave the energy centre where it is.
        width: Neurons of the hidden layers.
        depth: How many hidden layers.
        condition_width: Neurons h(c).
    """

    layers: Tensor
    first: Tensor
    positions: Tensor
    tilts: Tensor
    directions: Tensor

    def __init__(
        self,
        n_features: int,
        layer_sizes: tuple[int, ...],
        positions: Float64[Array, "axis voxel"] | None,
        *,
        width: int,
        depth: int,
        condition_width: int,
    ) -> None:
        super().__init__()
        self.layer_sizes = layer_sizes
        n_layers, n_voxels = len(layer_sizes), sum(layer_sizes)
        self.of_condition = nn.Linear(n_features + 2 * n_layers, condition_width)
        self.sizes = [width, *[n_voxels] * _PER_VOXEL, 2]
        self.for_shower = nn.Linear(condition_width, sum(self.sizes))
        self.enter = nn.Linear(n_voxels, width, bias=False)
        self.network = MLP([width] * depth + [n_voxels])
        self.moved = positions is not None
        where = np.zeros((2, n_voxels)) if positions is None else positions
        reach = np.maximum(np.hypot(*where), REACH) / REACH
        of_layer = np.repeat(np.eye(n_layers), layer_sizes, axis=0)
        starts = np.cumsum([0, *layer_sizes[:-1]])
        for name, values in {
            "layers": of_layer,
            "first": _NEXT_TO_NOTHING * (np.arange(n_voxels)[None] == starts[:, None]).sum(axis=0),
            "positions": where.T,
            "tilts": where / reach,
            "directions": noise_directions(n_voxels),
        }.items():
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)
        self._start()

    def forward(
        self,
        features: Float[Tensor, "event feature"],
        shares: Float[Tensor, "event layer"],
        energy: Float[Tensor, "event layer"],
        noise: Float[Tensor, "event voxel"],
    ) -> Float[Tensor, "event voxel"]:
        """Draw voxels.

        Args:
            features: The photons.
            shares: What each layer holds of the energy of all.
            energy: Its energy in MeV.
            noise: Standard normal numbers.

        Returns:
            Energies of the voxels in MeV, not negative, which add up to the layers.
        """
        given = self.voxel_parameters(features, shares, energy)
        voxels = self._fill(self.raw_shares(given, self.scores(given, noise)), energy)
        return self._move(voxels, energy, noise, given.centre) if self.moved else voxels

    def voxel_parameters(
        self,
        features: Float[Tensor, "event feature"],
        shares: Float[Tensor, "event layer"],
        energy: Float[Tensor, "event layer"],
    ) -> VoxelParameters:
        """Find what depends on the photon and on the layers alone.

        Args:
            features: The photons.
            shares: What each layer holds of the energy of all.
            energy: Its energy in MeV.

        Returns:
            What it says of the voxels.
        """
        condition = torch.cat([features, layer_roots(shares, energy)], dim=1)
        neurons = nn.functional.silu(self.of_condition(condition))
        entered, scale, threshold, *powers, centre = torch.split(
            self.for_shower(neurons), self.sizes, dim=1
        )
        return VoxelParameters(
            entered, scale, threshold, (powers[0], powers[1], powers[2]), centre
        )

    def scores(
        self, given: VoxelParameters, noise: Float[Tensor, "event voxel"]
    ) -> Float[Tensor, "event voxel"]:
        """Draw the numbers y.

        Args:
            given: What is known of the voxels.
            noise: Standard normal numbers.

        Returns:
            y of each voxel.
        """
        hidden = nn.functional.silu(torch.addmm(given.entered, noise, self.enter.weight.T))
        y: Tensor = self.network(hidden) + given.scale * noise
        return y

    def raw_shares(
        self, given: VoxelParameters, y: Float[Tensor, "event voxel"]
    ) -> Float[Tensor, "event voxel"]:
        """Turn the numbers y into shares q.

        Args:
            given: What is known of the voxels.
            y: One number per voxel.

        Returns:
            Shares that are not negative, of any sum.
        """
        constant, linear, square = given.powers
        exponent = constant + y * (linear + y * square)
        return (y - given.threshold).relu() * exponent.clamp(max=_HIGHEST_EXPONENT).exp()

    def _fill(
        self, free: Float[Tensor, "event voxel"], energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event voxel"]:
        """Make shares add up to the layers; the first voxel of a layer holds it if all are 0."""
        free = free + self.first
        whole = free @ self.layers
        if self.training:  # what is next to nothing has no gradient
            whole = torch.where(whole > _NO_GRADIENT, whole, 1.0)
        return free * ((energy / whole) @ self.layers.T)

    def _move(
        self,
        voxels: Float[Tensor, "event voxel"],
        energy: Float[Tensor, "event layer"],
        noise: Float[Tensor, "event voxel"],
        centre: Float[Tensor, "event 2"],
    ) -> Float[Tensor, "event voxel"]:
        """Tilt the voxels, so that their energy centre is about where it is in showers."""
        width, strength = torch.split(centre, 1, dim=1)
        whole = (energy @ energy.new_ones(len(self.layer_sizes), 1)).clamp(min=_TINY)
        wanted = width * (noise @ self.directions) - (voxels @ self.positions) / whole
        slope = (strength * wanted).clamp(-1.0 / REACH, 1.0 / REACH)
        return self._fill(voxels * (1.0 + slope @ self.tilts).relu(), energy)

    @torch.no_grad()
    def _start(self) -> None:
        """Begin with voxels of their own noise, all of them alike."""
        self.for_shower.weight.mul_(0.3)
        self.enter.weight.mul_(1.5)
        bias = self.for_shower.bias
        parts = torch.split(bias, self.sizes)
        parts[1].fill_(0.8)
        parts[2].fill_(-1.0)
        for part, value in zip(parts[3:6], (-6.0, 1.0, 0.0), strict=True):
            part.fill_(value)
        parts[6].copy_(torch.tensor([0.3, 0.01]))
