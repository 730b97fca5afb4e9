"""CaloFast as a graph: the model itself has few nodes, and takes what FastCaloSim gives."""

from jaxtyping import Float32
from torch import Tensor, nn

from calovox.export.fused.conditions import ENERGY_LIMITS, ETA_LIMITS
from calovox.models.fast import CaloFast
from calovox.preprocessing.conditions import ETA_FACTOR

__all__ = ["FastGraph"]


class FastGraph(nn.Module):
    """Draws the showers of CaloFast.

    Args:
        model: The model.
    """

    def __init__(self, model: CaloFast) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        eta: Float32[Tensor, "event 1"],
        energy: Float32[Tensor, "event 1"],
        layer_noise: Float32[Tensor, "event layer"],
        voxel_noise: Float32[Tensor, "event voxel"],
    ) -> Float32[Tensor, "event voxel"]:
        """Draw showers.

        Args:
            eta: 10 abs(eta) of the shower centre.
            energy: Kinetic energy in MeV.
            layer_noise: Standard normal numbers for the energies of the layers.
            voxel_noise: Standard normal numbers for the voxels.

        Returns:
            Energies of the voxels in MeV.
        """
        eta, energy = eta.clamp(*ETA_LIMITS) / ETA_FACTOR, energy.clamp(*ENERGY_LIMITS)
        voxels: Tensor = self.model(energy, eta, layer_noise, voxel_noise)
        return voxels
