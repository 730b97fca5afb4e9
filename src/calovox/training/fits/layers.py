"""Energies and layers of showers, read once for all fits that need no voxels."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from calovox.training.data.showers import ShowerFiles

__all__ = ["LayerPart", "read_layers"]


@dataclass(frozen=True)
class LayerPart:
    """What is known of some showers without their voxels.

    Attributes:
        energy: Kinetic energies in MeV.
        eta: Pseudorapidities of the shower centres.
        layer_energy: Energies of the layers, as fractions of the kinetic energy.
    """

    energy: Float[Tensor, " event"]
    eta: Float[Tensor, " event"]
    layer_energy: Float[Tensor, "event layer"]


def read_layers(files: ShowerFiles) -> list[LayerPart]:
    """Read energies and layers of all showers.

    Args:
        files: The showers, not many: `ShowerFiles.for_fits`.

    Returns:
        Parts, in order.
    """
    return [
        LayerPart(part.conditions.energy, part.conditions.eta, part.layer_energy)
        for part in files.batches()
    ]
