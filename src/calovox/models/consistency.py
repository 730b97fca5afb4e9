"""Shape models of one, two or four evaluations: consistency functions.

A consistency function leads from noise of the highest level to a shower in one evaluation. With
more, noise of a lower level is added and removed again; the levels are those of
`karras_sigmas`. Such models are made from others by `calovox.distillation`.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.3
    Y. Song, P. Dhariwal, M. Chen, I. Sutskever, *Consistency models*, 2023,
    https://arxiv.org/abs/2303.01469
"""

from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Conditions
from calovox.models.denoisers import DenoisingModel
from calovox.models.edm import karras_sigmas, sample_consistently
from calovox.preprocessing import VoxelSpace

__all__ = ["ConsistencyModel"]


class ConsistencyModel(nn.Module):
    """Draws voxels for given layer energies in few evaluations.

    Args:
        denoiser: The network and all around it, a module.
        n_evaluations: How often the network is evaluated.
    """

    denoiser: DenoisingModel

    def __init__(self, denoiser: DenoisingModel, *, n_evaluations: int = 1) -> None:
        super().__init__()
        if n_evaluations < 1:
            raise ValueError(
                f"ConsistencyModel: expected `n_evaluations` of 1 or more, got {n_evaluations}"
            )
        self.denoiser = denoiser
        self.n_evaluations = n_evaluations

    @property
    def voxels(self) -> VoxelSpace:
        """How voxels become the model's variables."""
        return self.denoiser.voxels

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """Shape of the noise of one event: for each evaluation, one number per voxel."""
        return (self.n_evaluations * self.voxels.n_voxels,)

    def sample(
        self,
        conditions: Conditions[Tensor],
        layer_energy: Float[Tensor, "event layer"],
        noise: Float[Tensor, "event noise"],
    ) -> Float[Tensor, "event voxel"]:
        """Draw voxels.

        Args:
            conditions: Photons.
            layer_energy: Energies of the layers as fractions of the kinetic energy.
            noise: Standard normal numbers, evaluation by evaluation.

        Returns:
            Voxels as fractions of the kinetic energy, which add up to the layers.
        """
        condition = self.denoiser.condition(conditions, layer_energy)

        def consistent(x: Tensor, sigma: Tensor) -> Tensor:
            return self.denoiser.denoise_consistently(x, sigma, condition)

        parts = noise.reshape(-1, self.n_evaluations, self.voxels.n_voxels)
        x_0 = sample_consistently(consistent, parts, karras_sigmas(self.n_evaluations + 1)[:-1])
        return self.denoiser.to_voxels(x_0, conditions, layer_energy)

    def __repr__(self) -> str:
        return f"ConsistencyModel({self.n_evaluations} evaluations of {self.denoiser!r})"
