r"""What CaloFast sees of photons and layers, in functions that any runtime rounds alike.

A photon becomes numbers that are linear in log E and in |eta| above or below fixed knots, 0 on the
other side and at most `HIGHEST`: what a network makes of them can bend at every knot, and turn
within 0.02 where the detector changes. The layers of a shower become roots: of the shares of the
energy, and fourth roots of the energies, which need no logarithm.
"""

from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.preprocessing.conditions import SPREAD

__all__ = ["LogEnergy", "PhotonHinges", "layer_roots"]

HIGHEST: Final = 8.0

_N_ENERGIES: Final = 14
_N_ETAS: Final = 10
_PER_E_FOLD: Final = 1.0 / 1.5
_PER_ETA: Final = 5.0
_PER_ETA_NEAR_STEPS: Final = 50.0
_FOURTH_ROOT: Final = 0.1
"""Brings fourth roots of energies in MeV to the order of 1."""


class LogEnergy(nn.Module):
    """The natural logarithm of energies, rounded in the same way in batches of any size."""

    ones: Tensor

    def __init__(self) -> None:
        super().__init__()
        # a whole vector of every processor
        self.register_buffer("ones", torch.ones(1, 16), persistent=False)

    def forward(self, energy: Float[Tensor, "event 1"]) -> Float[Tensor, "event 16"]:
        """Compute it, in each of sixteen columns.

        Args:
            energy: Energies in MeV.

        Returns:
            Their logarithms.
        """
        return (energy * self.ones).log()


class PhotonHinges(nn.Module):
    """Pieces of lines in log E and |eta|.

    Args:
        energy_range: Lowest and highest kinetic energy in MeV.
        eta_range: Lowest and highest abs(eta).
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, energy_range: tuple[float, float], eta_range: tuple[float, float]) -> None:
        super().__init__()
        self.log_energy = LogEnergy()
        low, high = np.log(energy_range)
        energies = np.linspace(low, max(high, low + 1e-3), _N_ENERGIES)
        etas = np.linspace(*eta_range, _N_ETAS)
        near = np.array([edge for a, b in SPREAD for edge in (a, 0.5 * (a + b), b)])
        slopes = [(_PER_E_FOLD, energies), (-_PER_E_FOLD, energies)]
        of_energy = [(slope, knot) for slope, knots in slopes for knot in knots]
        slopes = [(_PER_ETA, etas), (_PER_ETA_NEAR_STEPS, near)]
        of_eta = [(slope, knot) for slope, knots in slopes for knot in knots]
        weight = np.zeros((len(of_energy) + len(of_eta), 17))  # 16 columns of log E, and |eta|
        weight[: len(of_energy), 0] = [slope for slope, _ in of_energy]
        weight[len(of_energy) :, 16] = [slope for slope, _ in of_eta]
        bias = np.array([-slope * knot for slope, knot in (*of_energy, *of_eta)])
        self.register_buffer("weight", torch.from_numpy(weight.T.copy()).float())
        self.register_buffer("bias", torch.from_numpy(bias).float())

    @property
    def n_features(self) -> int:
        """How many numbers a photon becomes."""
        return len(self.bias)

    def forward(
        self, energy: Float[Tensor, "event 1"], eta: Float[Tensor, "event 1"]
    ) -> Float[Tensor, "event feature"]:
        """Prepare photons.

        Args:
            energy: Kinetic energies in MeV.
            eta: Their abs(eta).

        Returns:
            Numbers from 0 to `HIGHEST`.
        """
        photon = torch.cat([self.log_energy(energy), eta], dim=1)
        return torch.addmm(self.bias, photon, self.weight).clamp(0.0, HIGHEST)


def layer_roots(
    shares: Float[Tensor, "event layer"], energy: Float[Tensor, "event layer"]
) -> Float[Tensor, "event root"]:
    """Prepare the energies of layers.

    Args:
        shares: What each layer holds of the energy of all.
        energy: Its energy in MeV.

    Returns:
        Roots of the shares, and fourth roots of the energies.
    """
    return torch.cat([shares.sqrt(), _FOURTH_ROOT * energy.sqrt().sqrt()], dim=1)
