"""Energy and pseudorapidity of a photon as models see them."""

from collections.abc import Iterable
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.preprocessing.elementwise import Standardization

__all__ = ["ConditionTransform", "spread_eta"]

ETA_FACTOR: Final = 10.0
"""Brings eta to the order of 1 (note, section 2.6.1)."""

SPREAD: Final = ((0.0, 0.02), (0.78, 0.82))
"""The gap between the half barrels, and where EMB1 ends earlier and its lead becomes thinner."""


class ConditionTransform(nn.Module):
    """Two numbers per photon: the standardised log of its kinetic energy, and 10 abs(eta).

    The detector is symmetric in eta. The note says log E; its standardisation is ours.

    Args:
        log_energy: Standardisation of the natural logarithm of the energy in MeV.
        spread: Whether 10 abs(eta) passes `spread_eta`.
    """

    def __init__(self, log_energy: Standardization | None = None, *, spread: bool = False) -> None:
        super().__init__()
        self.spread = spread
        self.log_energy = Standardization.identity(1) if log_energy is None else log_energy

    @staticmethod
    def fit(
        energies: Iterable[Float[Tensor, " _"]], *, spread: bool = False
    ) -> "ConditionTransform":
        """Find the mean and the standard deviation of the log energy.

        Args:
            energies: Kinetic energies in MeV, in parts of any size.
            spread: Whether 10 abs(eta) passes `spread_eta`.

        Returns:
            A new transform.
        """
        log_energy = Standardization.fit(e.log()[:, None] for e in energies)
        return ConditionTransform(log_energy, spread=spread)

    def forward(
        self, energy: Float[Tensor, " event"], eta: Float[Tensor, " event"]
    ) -> Float[Tensor, "event 2"]:
        """Prepare conditions.

        Args:
            energy: Kinetic energy in MeV.
            eta: Pseudorapidity of the shower centre.

        Returns:
            Standardised log energy, and 10 abs(eta), spread or not.
        """
        log_energy = self.log_energy(energy.log()[:, None])
        scaled = ETA_FACTOR * eta.abs()[:, None]
        return torch.cat([log_energy, spread_eta(scaled) if self.spread else scaled], dim=1)


def spread_eta(eta: Float[Tensor, "event 1"]) -> Float[Tensor, "event 1"]:
    """Spread 10 abs(eta) where the detector changes within few cells, piecewise linearly.

    Without it, a small network that embeds eta would have to turn sixteen times as steeply there
    as anywhere else to follow the visible energy. Ours; the note has 10 abs(eta).

    Args:
        eta: 10 abs(eta).

    Returns:
        The same, with the intervals `SPREAD` sixteen times as long.
    """
    spread = eta
    for low, high in SPREAD:
        # tensors: in an exported graph of double precision, numbers are rounded to single
        start, end = (eta.new_tensor(ETA_FACTOR * limit) for limit in (low, high))
        spread = spread + 15.0 * ((eta - start).relu() - (eta - end).relu())
    return spread
