"""The photons that are compared: a range of energies and one of pseudorapidities.

Ranges are written as for `calovox geant4`, and hold what it would draw.
"""

from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Bool, Float64
from calovox.photons.photons import parse_energies, parse_etas

__all__ = ["PhotonRange"]


@dataclass(frozen=True)
class PhotonRange:
    """A range of photons.

    Attributes:
        energy: Kinetic energies, as text: ``49GeV:98GeV``; None for all.
        eta: Pseudorapidities, as text: ``abs:0.2:0.25``; None for all.

    Raises:
        ValueError: If both are None, or one is no range.
    """

    energy: str | None = None
    eta: str | None = None

    def __post_init__(self) -> None:
        if self.energy is None and self.eta is None:
            raise ValueError("PhotonRange: expected `energy`, `eta` or both, got neither")
        if self.energy is not None:
            parse_energies(self.energy)
        if self.eta is not None:
            parse_etas(self.eta)

    def __str__(self) -> str:
        named = {"energy": self.energy, "eta": self.eta}
        return " and ".join(f"{name} {text}" for name, text in named.items() if text is not None)

    def holds(
        self, energy: Float64[Array, " event"], eta: Float64[Array, " event"] | None
    ) -> Bool[Array, " event"]:
        """Tell which photons are inside.

        Args:
            energy: Kinetic energies in MeV.
            eta: Pseudorapidities; None if they are not known.

        Raises:
            ValueError: If pseudorapidities are needed, and not known.

        Example:
            >>> some = PhotonRange("49GeV:98GeV", "abs:0.2:0.25")
            >>> some.holds(np.array([48e3, 65e3, 65e3]), np.array([0.22, -0.22, 0.25]))
            array([False,  True, False])
        """
        inside = np.ones(len(energy), dtype=bool)
        if self.energy is not None:
            inside &= parse_energies(self.energy).holds(energy)
        if self.eta is not None:
            if eta is None:
                raise ValueError(
                    f"eta: expected none of showers without pseudorapidities, got {self.eta}"
                )
            inside &= parse_etas(self.eta).holds(eta)
        return inside
