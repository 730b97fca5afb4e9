r"""How many hits a voxel has.

A voxel of energy E gives

$$n(E) = \max(1, \min(100, \lfloor E / E_{hit} \rfloor))$$

hits of energy E / n each, and none if it has no energy. The number of hits sets how much the
energy fluctuates from strip to strip, and so how often a second maximum appears. E_hit tunes it:
4 MeV, and 6 MeV where abs(eta) of the shower centre is from 0.75 to 0.8, as in the note.

References:
    ATL-SOFT-PUB-2025-003, section 2.4.
"""

from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float, Float64
from calovox.kernels import kernel

__all__ = ["HitEnergy", "hit_count"]


@dataclass(frozen=True)
class HitEnergy:
    """Mean energy of a hit, the tuning parameter of the number of hits.

    Attributes:
        default: Energy in MeV.
        transition: Energy in MeV where the calorimeter's structure changes.
        transition_eta: Lowest and highest abs(eta) of the shower centre, both included, at which
            `transition` holds.
        max_hits: Largest number of hits of a voxel.
    """

    default: float = 4.0
    transition: float = 6.0
    transition_eta: tuple[float, float] = (0.75, 0.8)
    max_hits: int = 100

    def __post_init__(self) -> None:
        for name in ("default", "transition", "max_hits"):
            if not getattr(self, name) > 0:
                raise ValueError(f"HitEnergy: `{name}` must be above 0, got {getattr(self, name)}")

    def of_events(self, eta_center: Float[Array, " event"]) -> Float64[Array, " event"]:
        """Choose the hit energy of each event.

        Args:
            eta_center: Pseudorapidity of the shower centres.

        Returns:
            Energies in MeV.
        """
        low, high = self.transition_eta
        size = np.abs(eta_center)
        return np.where((size >= low) & (size <= high), self.transition, self.default)


@kernel(inline="always")
def hit_count(energy: float, hit_energy: float, max_hits: int) -> int:
    """Count the hits of one voxel, inside a compiled kernel.

    Args:
        energy: Energy of the voxel in MeV.
        hit_energy: Mean energy of a hit in MeV.
        max_hits: Largest number of hits.

    Returns:
        The number of hits.
    """
    if not energy > 0.0:
        return 0
    # compared before it becomes an integer, which a large ratio would overflow
    ratio = energy / hit_energy
    return max_hits if ratio >= max_hits else max(1, int(ratio))
