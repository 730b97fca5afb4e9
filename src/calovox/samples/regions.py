r"""Regions of energy and pseudorapidity in which showers are compared (Figures 13 to 16 and D.1).

A region holds the events with 3/4 E0 < E_kin < 3/2 E0 and |eta_center| in its range. Observables
that are energies are multiplied by E0 / E_kin, so that all its events stand for photons of E0. A
region of a discrete energy holds the events of exactly E0, and nothing is rescaled.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float, Float64
from calovox.units import GEV, TEV, format_energy

__all__ = ["CENTRAL", "REGIONS", "Region"]

_LOWEST_ENERGY = 3.0 / 4.0
_HIGHEST_ENERGY = 3.0 / 2.0
_SAME_ENERGY = 1e-6
_DISCRETE_ENERGY = 2.0**16


@dataclass(frozen=True)
class Region:
    """A range of |eta_center| around one kinetic energy.

    Attributes:
        name: Short name, part of the names of files.
        energy: The kinetic energy E0 in MeV.
        eta_low: Lowest |eta_center|.
        eta_high: Highest |eta_center|, not included.
        figure: Number of the note's figure; none if the note does not show the region.
        discrete: Whether the region holds the photons of exactly this energy.
    """

    name: str
    energy: float
    eta_low: float
    eta_high: float
    figure: str | None
    discrete: bool = False

    def __post_init__(self) -> None:
        if not self.energy > 0:
            raise ValueError(f"Region {self.name}: `energy` must be above 0, got {self.energy:g}")
        if not 0 <= self.eta_low < self.eta_high:
            raise ValueError(
                f"Region {self.name}: expected 0 <= eta_low < eta_high, "
                f"got {self.eta_low:g} and {self.eta_high:g}"
            )

    def __str__(self) -> str:
        low = f"{self.eta_low:.2f} < " if self.eta_low > 0 else ""
        exactly = "exactly " if self.discrete else ""
        return f"{exactly}{format_energy(self.energy)}, {low}|η| < {self.eta_high:.2f}"

    def select(
        self, energy: Float[Array, " event"], eta_center: Float[Array, " event"]
    ) -> Bool[Array, " event"]:
        """Find the events of the region.

        Args:
            energy: Kinetic energies in MeV.
            eta_center: Pseudorapidities of the shower centres.

        Returns:
            True for each event of the region.

        Example:
            >>> CENTRAL.select(np.array([48e3, 65e3, 65e3]), np.array([0.22, -0.22, 0.25]))
            array([False,  True, False])
        """
        low, high = _LOWEST_ENERGY * self.energy, _HIGHEST_ENERGY * self.energy
        size = np.abs(eta_center)
        if self.discrete:
            inside = np.abs(energy / self.energy - 1.0) < _SAME_ENERGY
        else:
            inside = (energy > low) & (energy < high)
        return np.asarray(inside & (size >= self.eta_low) & (size < self.eta_high))

    def rescale(
        self, values: Float[Array, " event"], energy: Float[Array, " event"]
    ) -> Float64[Array, " event"]:
        """Multiply energies by E0 / E_kin, unless the region is one of a discrete energy.

        Args:
            values: An observable of each event in MeV.
            energy: Kinetic energies in MeV.

        Returns:
            The observable as if each photon had the energy E0.

        Example:
            >>> CENTRAL.rescale(np.array([45e3]), np.array([50e3]))
            array([58500.])
        """
        if self.discrete:
            return np.asarray(values, dtype=np.float64)
        return np.asarray(values * (self.energy / energy), dtype=np.float64)


CENTRAL: Final = Region("central", 65 * GEV, 0.20, 0.25, figure="14")
"""The simple region in the middle of the barrel."""

REGIONS: Final = (
    CENTRAL,
    Region("gap-0", 65 * GEV, 0.0, 0.05, figure="13"),
    Region("transition", 65 * GEV, 0.75, 0.80, figure="15"),
    Region("transition-1TeV", 1 * TEV, 0.75, 0.80, figure="16"),
    Region("gap-0-discrete", _DISCRETE_ENERGY, 0.0, 0.05, figure="D.1", discrete=True),
    Region("central-discrete", _DISCRETE_ENERGY, 0.20, 0.25, figure=None, discrete=True),
    Region("transition-discrete", _DISCRETE_ENERGY, 0.75, 0.80, figure=None, discrete=True),
)
"""The regions of the note, and the discrete energy of Figure D.1 in all three ranges of |eta|."""
