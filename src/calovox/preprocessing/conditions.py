"""Energy and pseudorapidity of a photon as models see them."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.preprocessing.elementwise import Standardization

__all__ = ["ConditionTransform"]

ETA_FACTOR = 10.0
"""Brings eta to the order of 1 (note, section 2.6.1)."""


class ConditionTransform(nn.Module):
    """Two numbers per photon: the standardised log of its kinetic energy, and 10 abs(eta).

    The detector is symmetric in eta. The note says log E; its standardisation is ours.

    Args:
        log_energy: Standardisation of the natural logarithm of the energy in MeV.
    """

    def __init__(self, log_energy: Standardization | None = None) -> None:
        super().__init__()
        self.log_energy = Standardization.identity(1) if log_energy is None else log_energy

    @staticmethod
    def fit(energies: Iterable[Float[Tensor, " _"]]) -> "ConditionTransform":
        """Find the mean and the standard deviation of the log energy.

        Args:
            energies: Kinetic energies in MeV, in parts of any size.

        Returns:
            A new transform.
        """
        return ConditionTransform(Standardization.fit(e.log()[:, None] for e in energies))

    def forward(
        self, energy: Float[Tensor, " event"], eta: Float[Tensor, " event"]
    ) -> Float[Tensor, "event 2"]:
        """Prepare conditions.

        Args:
            energy: Kinetic energy in MeV.
            eta: Pseudorapidity of the shower centre.

        Returns:
            Standardised log energy, and 10 abs(eta).
        """
        log_energy = self.log_energy(energy.log()[:, None])
        return torch.cat([log_energy, ETA_FACTOR * eta.abs()[:, None]], dim=1)

    def inverse(
        self, scalars: Float[Tensor, "event 2"]
    ) -> tuple[Float[Tensor, " event"], Float[Tensor, " event"]]:
        """Undo `forward`, but for the sign of eta.

        Args:
            scalars: What `forward` returned.

        Returns:
            Kinetic energy in MeV, and abs(eta).
        """
        energy = self.log_energy.inverse(scalars[:, :1]).exp()[:, 0]
        return energy, scalars[:, 1] / ETA_FACTOR
