r"""CaloDiT-2: the shares of the voxels, by a diffusion transformer.

Preprocessed showers x_0, scaled to the standard deviation 0.5, get noise of a random level s, and
a denoiser D learns to remove it (`calovox.models.edm`):

    x    = x_0 + s z,
    loss = mean over events and voxels of w(s) (D(x; s) - x_0)^2.

The network sees x, log(s) / 4, and the numbers of `ShapeConditions`. The note counts 2 001 958
numbers for the regular grid, the fixed table of positions included; its split is printed by
`DiffusionTransformer.count`. Samples are made by Heun's method in 32 steps, 63 evaluations.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.3
    T. Karras, M. Aittala, T. Aila, S. Laine, *Elucidating the design space of diffusion-based
    generative models*, 2022, https://arxiv.org/abs/2206.00364
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Conditions, Showers
from calovox.models.edm import (
    SIGMA_DATA,
    denoise,
    draw_sigmas,
    edm_boundary_coefficients,
    edm_coefficients,
    edm_weight,
    karras_sigmas,
    sample_by_heun,
)
from calovox.nn import DiffusionTransformer
from calovox.preprocessing import ShapeConditions, VoxelSpace

__all__ = ["CaloDiT"]


class CaloDiT(nn.Module):
    """Draws voxels for given layer energies.

    Args:
        network: The transformer.
        conditions: What the network sees of a photon and its layer energies.
        voxels: How voxels become the network's variables.
        n_steps: In how many steps a sample is made.
    """

    def __init__(
        self,
        network: DiffusionTransformer,
        conditions: ShapeConditions,
        voxels: VoxelSpace,
        *,
        n_steps: int = 32,
    ) -> None:
        super().__init__()
        if network.n_variables != voxels.n_voxels:
            raise ValueError(
                f"CaloDiT: expected a network of {voxels.n_voxels} variables, one per voxel, got "
                f"{network.n_variables}"
            )
        if conditions.n_scalars != 2 + len(voxels.layer_sizes):
            raise ValueError(
                f"CaloDiT: expected conditions with energies of {len(voxels.layer_sizes)} layers, "
                f"got {conditions.n_scalars - 2}"
            )
        self.network = network
        self.conditions = conditions
        self.voxels = voxels
        self.n_steps = n_steps

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event: one number per voxel."""
        return (self.network.n_variables,)

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

        def denoiser(x: Tensor, sigma: Tensor) -> Tensor:
            return self.denoise(x, sigma, condition)

        x_0 = sample_by_heun(denoiser, noise, karras_sigmas(self.n_steps))
        return self.to_voxels(x_0, conditions, layer_energy)

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        """Compute the weighted squared error of the denoiser, at one random level per event.

        Args:
            batch: Showers.
            rng: Where levels and noise come from.

        Returns:
            `denoising`.
        """
        x_0 = self.to_variables(batch, rng)
        sigma = draw_sigmas(len(x_0), rng)
        x = x_0 + sigma * torch.empty_like(x_0).normal_(generator=rng)
        found = self.denoise(x, sigma, self.condition(batch.conditions, batch.layer_energy))
        return {"denoising": (edm_weight(sigma) * (found - x_0) ** 2).mean()}

    def condition(
        self, conditions: Conditions[Tensor], layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event condition"]:
        """Prepare what stays the same at all levels of noise.

        Args:
            conditions: Photons.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            The condition of the denoiser.
        """
        scalars = self.conditions(conditions.energy, conditions.eta, layer_energy)
        return self.network.embed(scalars)

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
        return denoise(self.network, x, condition, edm_coefficients(sigma))

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
        return denoise(self.network, x, condition, edm_boundary_coefficients(sigma))

    def to_variables(
        self, batch: Showers[Tensor], rng: torch.Generator
    ) -> Float[Tensor, "event voxel"]:
        """Map showers to the denoiser's clean variables.

        Args:
            batch: Showers.
            rng: Where the noise of the preprocessing comes from.

        Returns:
            Numbers of mean 0 and standard deviation 0.5, over all voxels.
        """
        noise = torch.empty_like(batch.voxels).uniform_(generator=rng)
        variables: Tensor = self.voxels(batch.voxels, batch.conditions.energy, noise)
        return SIGMA_DATA * variables

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
        return self.voxels.inverse(x_0 / SIGMA_DATA, conditions.energy, layer_energy)

    def __repr__(self) -> str:
        count = sum(self.network.count().values())
        return (
            f"CaloDiT({self.noise_shape[0]} voxels, {self.network.n_tokens} tokens, {count} "
            f"weights, {self.n_steps} steps)"
        )
