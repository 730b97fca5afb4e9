"""Shape models of one, two or four evaluations: consistency functions.

A consistency function leads from anywhere on an arc to its end in one evaluation. From noise, that
is a shower; with more evaluations, fresh noise takes the shower back to a later angle of the arc,
and the next evaluation leads to the end again. Such models are made from others by
`calovox.training.distillation`.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.3
    Y. Song, P. Dhariwal, M. Chen, I. Sutskever, *Consistency models*, 2023,
    https://arxiv.org/abs/2303.01469
"""

from jaxtyping import Float
from torch import Tensor, nn

from calovox.models.base import Conditions
from calovox.models.shapes.arc import Slope, sample_in_jumps
from calovox.models.shapes.arc_model import ArcModel
from calovox.models.shapes.centroid import VoxelCentroid
from calovox.preprocessing import VoxelSpace

__all__ = ["ConsistencyModel"]


class ConsistencyModel(nn.Module):
    """Draws voxels for given layer energies in few evaluations.

    Args:
        model: The network and all around it.
        n_evaluations: How often the network is evaluated.
    """

    def __init__(self, model: ArcModel, *, n_evaluations: int = 1) -> None:
        super().__init__()
        if n_evaluations < 1:
            raise ValueError(
                f"ConsistencyModel: expected `n_evaluations` of 1 or more, got {n_evaluations}"
            )
        self.model = model
        self.n_evaluations = n_evaluations

    @property
    def voxels(self) -> VoxelSpace:
        """How voxels become the model's variables."""
        return self.model.voxels

    @property
    def centroid(self) -> VoxelCentroid | None:
        """Where the energy centre of whole showers is moved."""
        return self.model.centroid

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
        condition = self.model.condition(conditions, layer_energy)
        x = self.draw(lambda u, angle: self.model.slope(u, angle, condition), noise)
        return self.model.to_voxels(x, conditions, layer_energy)

    def draw(
        self, slope: Slope, noise: Float[Tensor, "event noise"]
    ) -> Float[Tensor, "event voxel"]:
        """Draw variables.

        Args:
            slope: What has been trained in the place of the slope F.
            noise: Standard normal numbers, evaluation by evaluation.

        Returns:
            Variables of the voxels.
        """
        parts = noise.reshape(-1, self.n_evaluations, self.voxels.n_voxels)
        return sample_in_jumps(slope, parts)

    def __repr__(self) -> str:
        return f"ConsistencyModel({self.n_evaluations} evaluations of {self.model!r})"
