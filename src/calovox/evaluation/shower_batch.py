"""Showers of any file, a batch at a time, as the scores need them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from calovox.arrays import Array, Float32, Float64

if TYPE_CHECKING:
    from calovox.reconstruction import ShowerShapes

__all__ = ["ShowerBatch"]


@dataclass(frozen=True)
class ShowerBatch:
    """Some showers of a file.

    Attributes:
        fraction: Energy of each voxel as a fraction of the incident energy.
        incident_energy: Energy of the incident particle in MeV.
        abs_eta: abs(eta) of the shower centre; None if the file does not tell.
        shapes: Reconstructed shower shapes; None without cells.
    """

    fraction: Float32[Array, "event voxel"]
    incident_energy: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"] | None
    shapes: "ShowerShapes | None"

    def __len__(self) -> int:
        return len(self.incident_energy)
