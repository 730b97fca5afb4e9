"""What distillation needs of a shape model: that it can remove noise.

CaloDiT does so itself. CaloCFM does with `FlowDenoiser`: the velocity of a straight flow and a
denoiser are the same thing (`calovox.models.edm`).
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Conditions, Showers
from calovox.models.cfm import CaloCFM
from calovox.models.diffusion import CaloDiT
from calovox.models.edm import denoise, flow_boundary_coefficients, flow_coefficients
from calovox.preprocessing import VoxelSpace

__all__ = ["DenoisingModel", "FlowDenoiser", "as_denoiser"]


@runtime_checkable
class DenoisingModel(Protocol):
    """A shape model whose samples are the ends of dx/ds = (x - D(x; s)) / s."""

    @property
    def voxels(self) -> VoxelSpace:
        """How voxels become the model's variables."""
        ...

    def condition(
        self, conditions: Conditions[Tensor], layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event condition"]:
        """Prepare what stays the same at all levels of noise."""
        ...

    def denoise(
        self,
        x: Float[Tensor, "event voxel"],
        sigma: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event voxel"]:
        """Evaluate the denoiser D."""
        ...

    def denoise_consistently(
        self,
        x: Float[Tensor, "event voxel"],
        sigma: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event voxel"]:
        """Evaluate the network between factors that make it the identity at the lowest level."""
        ...

    def to_variables(
        self, batch: Showers[Tensor], rng: torch.Generator
    ) -> Float[Tensor, "event voxel"]:
        """Map showers to clean variables."""
        ...

    def to_voxels(
        self,
        x_0: Float[Tensor, "event voxel"],
        conditions: Conditions[Tensor],
        layer_energy: Float[Tensor, "event layer"],
    ) -> Float[Tensor, "event voxel"]:
        """Map clean variables to showers."""
        ...


class FlowDenoiser(nn.Module):
    """CaloCFM as a denoiser.

    Args:
        model: The flow.
    """

    def __init__(self, model: CaloCFM) -> None:
        super().__init__()
        self.model = model

    @property
    def voxels(self) -> VoxelSpace:
        """How voxels become the flow's variables."""
        return self.model.voxels

    def condition(
        self, conditions: Conditions[Tensor], layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event condition"]:
        """Prepare what stays the same at all levels of noise.

        Args:
            conditions: Photons.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            The condition of the velocity.
        """
        return self.model.condition(conditions, layer_energy)

    def denoise(
        self,
        x: Float[Tensor, "event voxel"],
        sigma: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event voxel"]:
        """Evaluate the denoiser D.

        Args:
            x: Noisy variables.
            sigma: Their levels of noise, or one for all.
            condition: What `condition` returned.

        Returns:
            Clean variables.
        """
        return denoise(self.model.network, x, condition, flow_coefficients(sigma))

    def denoise_consistently(
        self,
        x: Float[Tensor, "event voxel"],
        sigma: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event voxel"]:
        """Evaluate the network between the factors of a consistency function.

        Args:
            x: Noisy variables.
            sigma: Their levels of noise, or one for all.
            condition: What `condition` returned.

        Returns:
            Clean variables; x itself at the lowest level.
        """
        return denoise(self.model.network, x, condition, flow_boundary_coefficients(sigma))

    def to_variables(
        self, batch: Showers[Tensor], rng: torch.Generator
    ) -> Float[Tensor, "event voxel"]:
        """Map showers to clean variables.

        Args:
            batch: Showers.
            rng: Where the noise of the preprocessing comes from.

        Returns:
            Standardised numbers.
        """
        return self.model.to_variables(batch, rng)

    def to_voxels(
        self,
        x_0: Float[Tensor, "event voxel"],
        conditions: Conditions[Tensor],
        layer_energy: Float[Tensor, "event layer"],
    ) -> Float[Tensor, "event voxel"]:
        """Map clean variables to showers.

        Args:
            x_0: The variables.
            conditions: Photons.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            Voxels as fractions of the kinetic energy, which add up to the layers.
        """
        return self.model.to_voxels(x_0, conditions, layer_energy)

    def __repr__(self) -> str:
        return repr(self.model)


def as_denoiser(model: nn.Module) -> CaloDiT | FlowDenoiser:
    """Give a model the interface of a denoiser.

    Args:
        model: A shape model.

    Returns:
        The model itself, or around it.

    Raises:
        ValueError: If it is no diffusion or flow model of voxels.
    """
    if isinstance(model, CaloDiT):
        return model
    if isinstance(model, CaloCFM):
        return FlowDenoiser(model)
    raise ValueError(
        f"distillation: expected a CaloDiT or CaloCFM as teacher, got {type(model).__name__}"
    )
