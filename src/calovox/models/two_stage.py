"""Samplers of whole showers: two stages as one, energies of layers and then voxels, or one model.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6, Figure 11
"""

from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Conditions
from calovox.models.fast import CaloFast
from calovox.models.gan import CaloGAN
from calovox.models.inn import CaloINN
from calovox.models.shapes.cfm import CaloCFM
from calovox.models.shapes.dit import CaloDiT
from calovox.models.shapes.students import ConsistencyModel

__all__ = ["ShapeModel", "TwoStageSampler", "WholeSampler"]

ShapeModel = CaloCFM | CaloDiT | ConsistencyModel
"""Any model of the voxels for given layer energies."""


class TwoStageSampler(nn.Module):
    """Draws showers for photons.

    Args:
        energies: Model of the layer energies.
        shapes: Model of the voxels for given layer energies.
    """

    def __init__(self, energies: CaloINN, shapes: ShapeModel) -> None:
        super().__init__()
        n_layers = len(shapes.voxels.layer_sizes)
        if energies.noise_shape != (n_layers,):
            raise ValueError(
                f"TwoStageSampler: expected energies of {n_layers} layers, got "
                f"{energies.noise_shape[0]}"
            )
        self.energies = energies
        self.shapes = shapes

    @property
    def noise_parts(self) -> tuple[int, int]:
        """How many numbers of the noise are for the layers, and how many for the voxels."""
        return self.energies.noise_shape[0], self.shapes.noise_shape[0]

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event: first the layers' numbers, then the voxels'."""
        return (sum(self.noise_parts),)

    def sample(
        self, conditions: Conditions[Tensor], noise: Float[Tensor, "event noise"]
    ) -> Float[Tensor, "event voxel"]:
        """Draw showers.

        Args:
            conditions: Photons.
            noise: Standard normal numbers.

        Returns:
            Voxels as fractions of the kinetic energy, not negative.
        """
        n_layers = self.energies.noise_shape[0]
        layer_energy = self.energies.sample(conditions, noise[:, :n_layers])
        voxels = self.shapes.sample(conditions, layer_energy, noise[:, n_layers:])
        centroid = self.shapes.centroid
        if centroid is None or not centroid.known:
            return voxels
        moved: Tensor = centroid(voxels, conditions.energy[:, None], noise[:, n_layers:])
        return moved


WholeSampler = TwoStageSampler | CaloGAN | CaloFast
"""Anything that gives whole showers for photons."""
