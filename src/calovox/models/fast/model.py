r"""CaloFast: whole showers from one evaluation of each of two small networks.

CaloFast learns from showers of another model and from the noise that they were made of: it is a
regression, from the noise of a shower and its photon to the very same shower. One model covers all
|eta| and energies of its teacher. What it has of its own, beside small networks, is that almost
all of a voxel's fluctuations are its own noise, which need no network
(`calovox.models.fast.shapes`).

References:
    E. Luhman, T. Luhman, *Knowledge distillation in iterative generative models for improved
    sampling speed*, 2021, https://arxiv.org/abs/2101.02388
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Conditions
from calovox.models.fast.conditions import PhotonHinges
from calovox.models.fast.energies import FastEnergies
from calovox.models.fast.shapes import FastShapes
from calovox.nn import count_parameters

__all__ = ["CaloFast"]


class CaloFast(nn.Module):
    """Draws showers.

    Args:
        photons: What the networks see of photons.
        energies: Draws the energies of the layers.
        shapes: Draws the voxels.
    """

    def __init__(self, photons: PhotonHinges, energies: FastEnergies, shapes: FastShapes) -> None:
        super().__init__()
        self.photons = photons
        self.energies = energies
        self.shapes = shapes

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Number of voxels of each layer."""
        return self.shapes.layer_sizes

    @property
    def noise_parts(self) -> tuple[int, int]:
        """How many numbers of the noise are for the layers, and how many for the voxels."""
        return len(self.layer_sizes), sum(self.layer_sizes)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event: first the layers' numbers, then the voxels'."""
        return (sum(self.noise_parts),)

    def forward(
        self,
        energy: Float[Tensor, "event 1"],
        eta: Float[Tensor, "event 1"],
        layer_noise: Float[Tensor, "event layer"],
        voxel_noise: Float[Tensor, "event voxel"],
    ) -> Float[Tensor, "event voxel"]:
        """Draw showers.

        Args:
            energy: Kinetic energies in MeV.
            eta: abs(eta) of the shower centres.
            layer_noise: Standard normal numbers.
            voxel_noise: More of them.

        Returns:
            Energies of the voxels in MeV, not negative.
        """
        features = self.photons(energy, eta)
        visible, shares = self.energies(features, energy, layer_noise)
        voxels: Tensor = self.shapes(features, shares, shares * (visible * energy), voxel_noise)
        return voxels

    def sample(
        self, conditions: Conditions[Tensor], noise: Float[Tensor, "event noise"]
    ) -> Float[Tensor, "event voxel"]:
        """Draw showers.

        Args:
            conditions: Photons.
            noise: Standard normal numbers.

        Returns:
            Voxels as fractions of the kinetic energy, not negative.
        """
        energy, eta = conditions.energy[:, None], conditions.eta.abs()[:, None]
        voxels: Tensor = self(energy, eta, *torch.split(noise, list(self.noise_parts), dim=1))
        return voxels / energy

    def __repr__(self) -> str:
        return f"CaloFast({sum(self.layer_sizes)} voxels, {count_parameters(self)} weights)"
