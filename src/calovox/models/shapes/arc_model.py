"""What CaloCFM and CaloDiT-2 share: everything but the network, its conditions and the loss."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Conditions, Showers
from calovox.models.shapes.centroid import VoxelCentroid
from calovox.models.shapes.sampling import Sampling
from calovox.preprocessing import VoxelSpace

__all__ = ["ArcModel"]


class ArcModel(nn.Module):
    """Draws voxels for given layer energies, by the slope of arcs (`calovox.models.shapes.arc`).

    Args:
        voxels: How voxels become variables of unit variance.
        sampling: How samples are made.
        centroid: Where the energy centre of whole showers is moved; None to leave it.
    """

    def __init__(
        self, voxels: VoxelSpace, sampling: Sampling, centroid: VoxelCentroid | None
    ) -> None:
        super().__init__()
        self.voxels = voxels
        self.sampling = sampling
        self.centroid = centroid

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event: one number per voxel."""
        return (self.voxels.n_voxels,)

    def condition(
        self, conditions: Conditions[Tensor], layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event condition"]:
        """Prepare what stays the same along the way.

        Args:
            conditions: Photons.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            What `slope` needs of them.
        """
        raise NotImplementedError

    def slope(
        self,
        u: Float[Tensor, "event voxel"],
        angle: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event voxel"]:
        """Evaluate the slope F of the arcs.

        Args:
            u: Variables.
            angle: Their angles in rad, or one for all.
            condition: What `condition` returned.

        Returns:
            du/da.
        """
        raise NotImplementedError

    def sample(
        self,
        conditions: Conditions[Tensor],
        layer_energy: Float[Tensor, "event layer"],
        noise: Float[Tensor, "event voxel"],
    ) -> Float[Tensor, "event voxel"]:
        """Draw voxels.

        Args:
            conditions: Photons.
            layer_energy: Energies of the layers as fractions of the kinetic energy.
            noise: Standard normal numbers.

        Returns:
            Voxels as fractions of the kinetic energy, which add up to the layers.
        """
        condition = self.condition(conditions, layer_energy)
        variables = self.sampling.draw(lambda u, angle: self.slope(u, angle, condition), noise)
        return self.to_voxels(variables, conditions, layer_energy)

    def to_variables(
        self, batch: Showers[Tensor], rng: torch.Generator
    ) -> Float[Tensor, "event voxel"]:
        """Map showers to variables.

        Args:
            batch: Showers.
            rng: Where the noise of the preprocessing comes from.

        Returns:
            Standardised numbers.
        """
        noise = torch.empty_like(batch.voxels).uniform_(generator=rng)
        # bfloat16 is for networks: tables rounded to it would be those of other voxels
        with torch.autocast(batch.voxels.device.type, enabled=False):
            variables: Tensor = self.voxels(batch.voxels, batch.conditions.energy, noise)
        return variables

    def to_voxels(
        self,
        variables: Float[Tensor, "event voxel"],
        conditions: Conditions[Tensor],
        layer_energy: Float[Tensor, "event layer"],
    ) -> Float[Tensor, "event voxel"]:
        """Map variables to showers.

        Args:
            variables: Any numbers.
            conditions: Photons.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            Voxels as fractions of the kinetic energy, which add up to the layers.
        """
        return self.voxels.inverse(variables, conditions.energy, layer_energy)
