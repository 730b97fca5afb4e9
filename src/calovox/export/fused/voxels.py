"""From the variables of the flow to voxels, with tables put together and rounded once."""

import math

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from calovox.export.affine import Affine
from calovox.export.fused.nodes import FusedNodes
from calovox.preprocessing import (
    LogitVoxelTransform,
    LogVoxelTransform,
    QuantileVoxelTransform,
    VoxelSpace,
)
from calovox.preprocessing.quantile_tables import HIGHEST_SCORE, LOWEST_SHARE
from calovox.preprocessing.voxel_quantiles import NEXT_TO_NOTHING

__all__ = ["FusedVoxels", "fuse_voxels"]


class FusedLayers(nn.Module):
    """Makes the shares of every layer add up to its energy.

    Args:
        layer: The layer of each voxel.
        n_layers: How many layers.
    """

    sizes: Tensor

    def __init__(self, layer: Tensor, n_layers: int) -> None:
        super().__init__()
        spread = torch.eye(n_layers, dtype=torch.float64)[layer]
        self.sum, self.spread = Affine(spread.T), Affine(spread)
        self.register_buffer("sizes", spread.sum(dim=0).float())

    def forward(
        self,
        shares: Float32[Tensor, "event voxel"],
        layer_energy: Float32[Tensor, "event layer"],
    ) -> Float32[Tensor, "event voxel"]:
        """Distribute the energies, evenly where all shares of a layer are 0.

        Args:
            shares: Numbers that are not negative.
            layer_energy: Energies of the layers, not negative.

        Returns:
            Energies of the voxels, which add up to the layers.
        """
        total = self.sum(shares)
        # without a branch, which costs nodes: empty layers get shares of 1 and their number
        empty = total <= 0.0
        factor = layer_energy / torch.where(empty, self.sizes, total)
        spread: Tensor = self.spread(empty.to(shares.dtype), shares)
        factors: Tensor = self.spread(factor)
        return spread * factors


class FusedVoxels(nn.Module):
    """From the variables of a model to the energies of the voxels.

    Args:
        voxels: The transform of the model.
    """

    def __init__(self, voxels: VoxelSpace) -> None:
        super().__init__()
        self.layers = FusedLayers(voxels.normalization.layer, len(voxels.layer_sizes))

    def forward(
        self,
        y: Float32[Tensor, "event voxel"],
        energy: Float32[Tensor, "event 1"],
        layer_energy: Float32[Tensor, "event layer"],
    ) -> Float32[Tensor, "event voxel"]:
        """Map variables of the model to voxels.

        Args:
            y: Any numbers.
            energy: Kinetic energy in MeV.
            layer_energy: Energies of the layers in MeV, not negative.

        Returns:
            Energies of the voxels in MeV, which add up to the layers.
        """
        voxels: Tensor = self.layers(self._shares(y, energy, layer_energy), layer_energy)
        return voxels

    def _shares(
        self,
        y: Float32[Tensor, "event voxel"],
        energy: Float32[Tensor, "event 1"],
        layer_energy: Float32[Tensor, "event layer"],
    ) -> Float32[Tensor, "event voxel"]:
        """Map variables of the model to shares, not negative, of any sum."""
        raise NotImplementedError


class FusedLogits(FusedVoxels):
    """`LogitVoxelTransform`, backwards.

    Args:
        voxels: The transform.
    """

    def __init__(self, voxels: LogitVoxelTransform) -> None:
        super().__init__(voxels)
        self.standardization = voxels.standardization
        self.cut = _cut(voxels.logit.alpha, voxels.dequantization.width)

    def _shares(
        self,
        y: Float32[Tensor, "event voxel"],
        energy: Float32[Tensor, "event 1"],
        layer_energy: Float32[Tensor, "event layer"],
    ) -> Float32[Tensor, "event voxel"]:
        raw = 1.0 / (1.0 + (-self.standardization.inverse(y)).exp())
        return (raw - self.cut).relu()  # the layers' sums take care of the scale


class FusedLogarithms(FusedVoxels):
    """`LogVoxelTransform`, backwards.

    Args:
        voxels: The transform.
    """

    def __init__(self, voxels: LogVoxelTransform) -> None:
        super().__init__(voxels)
        self.standardization = voxels.standardization
        self.offset = voxels.offset

    def _shares(
        self,
        y: Float32[Tensor, "event voxel"],
        energy: Float32[Tensor, "event 1"],
        layer_energy: Float32[Tensor, "event layer"],
    ) -> Float32[Tensor, "event voxel"]:
        logarithms = self.standardization.inverse(y).clamp(max=math.log1p(self.offset))
        shares = logarithms.exp() - self.offset
        return torch.where(shares < self.offset, 0.0, shares)


class FusedQuantiles(FusedVoxels):
    """`QuantileVoxelTransform`, backwards.

    Args:
        voxels: The transform.
    """

    starts: Tensor
    lengths: Tensor
    longest: Tensor

    def __init__(self, voxels: QuantileVoxelTransform) -> None:
        super().__init__(voxels)
        self.layer_sizes = list(voxels.layer_sizes)
        self.nodes = FusedNodes(voxels)
        knots = voxels.knots.double()
        self.register_buffer("starts", knots[:-1].float())
        self.register_buffer("lengths", knots.diff().float())
        self.register_buffer("longest", voxels.longest)
        # of each layer: node by voxel by the threshold and what the share rises between knots
        tables = torch.cat([voxels.thresholds[..., None], voxels.climbs], dim=3).double()
        of_layers = torch.split(tables.flatten(end_dim=1), self.layer_sizes, dim=1)
        self.tables = nn.ModuleList(Affine(part.flatten(start_dim=1).T) for part in of_layers)

    def _shares(
        self,
        y: Float32[Tensor, "event voxel"],
        energy: Float32[Tensor, "event 1"],
        layer_energy: Float32[Tensor, "event layer"],
    ) -> Float32[Tensor, "event voxel"]:
        weights = self.nodes(energy, layer_energy)
        n_intervals = len(self.starts)
        rows = [table(near) for table, near in zip(self.tables, weights, strict=True)]
        tables = torch.cat(rows, dim=1).reshape(-1, y.shape[1], 1 + n_intervals)
        threshold, climbs = torch.split(tables, [1, n_intervals], dim=2)
        threshold = threshold.squeeze(2)
        position = (y - threshold) / (HIGHEST_SCORE - threshold)
        # how much of each interval lies below the position: all of it, a part, or nothing
        passed = ((position.unsqueeze(2) - self.starts) / self.lengths).relu()
        ratio = math.log(LOWEST_SHARE) + (torch.minimum(passed, self.longest) * climbs).sum(dim=2)
        shares = torch.where(position > 0.0, ratio.clamp(max=0.0).exp(), 0.0)
        return self._fill(shares, position)

    def _fill(
        self, shares: Float32[Tensor, "event voxel"], position: Float32[Tensor, "event voxel"]
    ) -> Float32[Tensor, "event voxel"]:
        """Give layers whose voxels are all empty one voxel: the highest position, if below 0."""
        highest = [
            part.amax(dim=1, keepdim=True) for part in torch.split(position, self.layer_sizes, 1)
        ]
        wanted = self.layers.spread(torch.cat(highest, dim=1).clamp(max=0.0))
        return torch.where(position >= wanted, shares.clamp(min=NEXT_TO_NOTHING), shares)


def fuse_voxels(voxels: VoxelSpace) -> FusedVoxels:
    """Build the last part of a graph.

    Args:
        voxels: The transform of the model.

    Returns:
        The same, backwards.
    """
    if isinstance(voxels, QuantileVoxelTransform):
        return FusedQuantiles(voxels)
    if isinstance(voxels, LogitVoxelTransform):
        return FusedLogits(voxels)
    return FusedLogarithms(voxels)


def _cut(alpha: float, width: float) -> float:
    """Find the p whose share is 0."""
    # the inverse of the regularised logit and of the noise is p (1 + c) - d; the shares of a layer
    # are made to add up to 1, so that p - d / (1 + c) does as well
    regular = alpha / (1.0 - 2.0 * alpha)
    stretch = 2.0 * regular * (1.0 + width) + width
    return (regular * (1.0 + width) + width) / (1.0 + stretch)
