r"""CaloDiT-2: the shares of the voxels, by a diffusion transformer.

Preprocessed showers x_0, scaled to the standard deviation 0.5, get noise of a random level s, and
a denoiser D learns to remove it (`calovox.models.shapes.edm`):

    x    = x_0 + s z,
    loss = mean over events and voxels of w(s) (D(x; s) - x_0)^2.

The network sees x, log(s) / 4, and the numbers of `ShapeConditions`. The note counts 2 001 958
numbers for the regular grid, the fixed table of positions included; `calovox train dit --dry-run`
prints their split. The note samples by Heun's method in 32 steps, 63 evaluations; the
arcs of `calovox.models.shapes.arc` need three.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.3
    T. Karras, M. Aittala, T. Aila, S. Laine, *Elucidating the design space of diffusion-based
    generative models*, 2022, https://arxiv.org/abs/2206.00364
"""

import torch
from jaxtyping import Float
from torch import Tensor

from calovox.models.base import Conditions, Showers
from calovox.models.shapes.arc_model import ArcModel
from calovox.models.shapes.centroid import VoxelCentroid
from calovox.models.shapes.edm import (
    SIGMA_DATA,
    angle_to_time,
    denoise,
    draw_sigmas,
    edm_coefficients,
    edm_weight,
)
from calovox.models.shapes.sampling import ONE_STEP, Sampling
from calovox.nn import DiffusionTransformer
from calovox.preprocessing import ShapeConditions, VoxelSpace

__all__ = ["CaloDiT"]


class CaloDiT(ArcModel):
    """Draws voxels for given layer energies.

    Args:
        network: The transformer.
        conditions: What the network sees of a photon and its layer energies.
        voxels: How voxels become the network's variables.
        sampling: How samples are made.
        centroid: Where the energy centre of whole showers is moved; None to leave it.
    """

    def __init__(
        self,
        network: DiffusionTransformer,
        conditions: ShapeConditions,
        voxels: VoxelSpace,
        *,
        sampling: Sampling = ONE_STEP,
        centroid: VoxelCentroid | None = None,
    ) -> None:
        super().__init__(voxels, sampling, centroid)
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

    def condition(
        self, conditions: Conditions[Tensor], layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event condition"]:
        """Prepare what stays the same at all levels of noise.

        Args:
            conditions: Photons.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            The condition of the network.
        """
        scalars = self.conditions(conditions.energy, conditions.eta, layer_energy)
        return self.network.embed(scalars)

    def slope(
        self,
        u: Float[Tensor, "event voxel"],
        angle: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event voxel"]:
        """Evaluate the slope of the arcs, which is the network of the denoiser.

        Args:
            u: Variables.
            angle: Their angles in rad, or one for all.
            condition: What `condition` returned.

        Returns:
            du/da.
        """
        found: Tensor = self.network(u, angle_to_time(angle), condition)
        return found

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        """Compute the weighted squared error of the denoiser, at one random level per event.

        Args:
            batch: Showers.
            rng: Where levels and noise come from.

        Returns:
            `denoising`.
        """
        x_0 = SIGMA_DATA * self.to_variables(batch, rng)
        sigma = draw_sigmas(len(x_0), rng)
        x = x_0 + sigma * torch.empty_like(x_0).normal_(generator=rng)
        condition = self.condition(batch.conditions, batch.layer_energy)
        found = denoise(self.network, x, condition, edm_coefficients(sigma))
        return {"denoising": (edm_weight(sigma) * (found - x_0) ** 2).mean()}

    def __repr__(self) -> str:
        count = sum(self.network.count().values())
        return (
            f"CaloDiT({self.noise_shape[0]} voxels, {self.network.n_tokens} tokens, {count} "
            f"weights, {self.sampling})"
        )
