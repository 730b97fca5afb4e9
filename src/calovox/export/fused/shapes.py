"""Shape models of any kind with all that does not change along the way computed once."""

from jaxtyping import Float32
from torch import Tensor, nn

from calovox.export.fused.energies import LayerShares
from calovox.export.fused.transformer import FusedTransformer
from calovox.export.fused.velocity import FusedVelocity
from calovox.export.fused.voxels import fuse_voxels
from calovox.models.shapes.arc_model import ArcModel
from calovox.models.shapes.cfm import CaloCFM
from calovox.models.shapes.dit import CaloDiT
from calovox.models.shapes.students import ConsistencyModel
from calovox.models.two_stage import ShapeModel

__all__ = ["FusedShapes"]


class FusedShapes(nn.Module):
    """Maps normal numbers to voxels.

    Args:
        model: The model.

    Raises:
        ValueError: If its network is of a kind that cannot be fused.
    """

    def __init__(self, model: ShapeModel) -> None:
        super().__init__()
        if isinstance(model, ConsistencyModel):
            self.network, self.draw = _fuse_network(model.model), model.draw
        else:
            self.network, self.draw = _fuse_network(model), model.sampling.draw
        self.voxels = fuse_voxels(model.voxels)

    def forward(
        self,
        noise: Float32[Tensor, "event noise"],
        energy: Float32[Tensor, "event 1"],
        eta: Float32[Tensor, "event 1"],
        layers: LayerShares,
    ) -> Float32[Tensor, "event voxel"]:
        """Draw voxels.

        Args:
            noise: Standard normal numbers.
            energy: Kinetic energy in MeV, within `ENERGY_LIMITS`.
            eta: 10 abs(eta), within `ETA_LIMITS`.
            layers: The energies of the layers.

        Returns:
            Energies of the voxels in MeV, which add up to the layers.
        """
        condition = self.network.condition(energy, eta, layers)
        y = self.draw(lambda u, angle: self.network(u, angle, condition), noise)
        voxels: Tensor = self.voxels(y, energy, layers.energy)
        return voxels


def _fuse_network(model: ArcModel) -> FusedVelocity | FusedTransformer:
    if isinstance(model, CaloCFM):
        return FusedVelocity(model)
    if isinstance(model, CaloDiT):
        return FusedTransformer(model)
    raise ValueError(f"export: expected a CaloDiT or CaloCFM, or a student of one, got {model!r}")
