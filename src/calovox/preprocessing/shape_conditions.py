"""What the transformer sees of a photon and of its layer energies: some numbers, side by side.

The note divides energy and eta by their maxima (`ScaledConditions`). Showers of low energies,
which are most, then all have an energy close to 0; `StandardizedConditions`, ours, are those of
CaloCFM: standardised log E, 10 abs(eta), and standardised logits of the ratios of layer energies.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.3
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.preprocessing.conditions import ConditionTransform
from calovox.preprocessing.layer_energies import LayerEnergyTransform

__all__ = ["ScaledConditions", "ShapeConditions", "StandardizedConditions"]


class ScaledConditions(nn.Module):
    """Energy, abs(eta) and layer energies, each divided by its maximum.

    Args:
        maxima: Of the energy in MeV, of abs(eta), and of the layer energies as fractions of the
            kinetic energy; all above 0.
    """

    maxima: Tensor

    def __init__(self, maxima: Float[Tensor, " scalar"]) -> None:
        super().__init__()
        if not bool((maxima > 0).all() and maxima.isfinite().all()):
            raise ValueError("ScaledConditions: expected finite `maxima` above 0")
        self.register_buffer("maxima", maxima)

    @classmethod
    def unfitted(cls, n_layers: int) -> "ScaledConditions":
        """Build a transform that does not scale yet.

        Args:
            n_layers: How many layers.

        Returns:
            The transform.
        """
        return cls(torch.ones(2 + n_layers))

    @classmethod
    def fit(
        cls,
        batches: Iterable[
            tuple[Float[Tensor, " _"], Float[Tensor, " _"], Float[Tensor, "_ layer"]]
        ],
    ) -> "ScaledConditions":
        """Find the maxima.

        Args:
            batches: Kinetic energies in MeV, eta, and layer energies, in parts of any size.

        Returns:
            A new transform; what is 0 in all showers is divided by 1.

        Raises:
            ValueError: If there are no showers.
        """
        maxima = [
            torch.cat([energy[:, None], eta.abs()[:, None], layer_energy], dim=1).amax(dim=0)
            for energy, eta, layer_energy in batches
            if len(energy)
        ]
        if not maxima:
            raise ValueError("ScaledConditions: expected showers to find their maxima, got none")
        largest = torch.stack(maxima).amax(dim=0)
        return cls(torch.where(largest > 0, largest, 1.0))

    @property
    def n_scalars(self) -> int:
        """How many numbers there are."""
        return len(self.maxima)

    def forward(
        self,
        energy: Float[Tensor, " event"],
        eta: Float[Tensor, " event"],
        layer_energy: Float[Tensor, "event layer"],
    ) -> Float[Tensor, "event scalar"]:
        """Prepare conditions.

        Args:
            energy: Kinetic energy in MeV.
            eta: Pseudorapidity of the shower centre.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            Numbers up to 1 for photons like those that the transform was fitted to.
        """
        scalars = torch.cat([energy[:, None], eta.abs()[:, None], layer_energy], dim=1)
        return scalars / self.maxima


class StandardizedConditions(nn.Module):
    """What CaloCFM sees.

    Args:
        photons: Of energy and eta.
        layers: Of layer energies.
    """

    def __init__(self, photons: ConditionTransform, layers: LayerEnergyTransform) -> None:
        super().__init__()
        self.photons = photons
        self.layers = layers

    @property
    def n_scalars(self) -> int:
        """How many numbers there are."""
        return 2 + self.layers.n_layers

    def forward(
        self,
        energy: Float[Tensor, " event"],
        eta: Float[Tensor, " event"],
        layer_energy: Float[Tensor, "event layer"],
    ) -> Float[Tensor, "event scalar"]:
        """Prepare conditions.

        Args:
            energy: Kinetic energy in MeV.
            eta: Pseudorapidity of the shower centre.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            Numbers of the order of 1, but for 10 abs(eta).
        """
        return torch.cat([self.photons(energy, eta), self.layers(layer_energy)], dim=1)


ShapeConditions = ScaledConditions | StandardizedConditions
"""Either of the two."""
