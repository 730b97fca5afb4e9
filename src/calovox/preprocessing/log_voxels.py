"""Voxels in the space of the transformer: the logarithms of their shares, with one scale for all.

As in the note, log(x + 1e-6) is standardised by one mean and one standard deviation for all
voxels. Unlike there, x is the share of the layer's energy, as for CaloCFM: the energy of a layer
is what the energy model says.

References:
    ATLAS Collaboration, ATL-SOFT-PUB-2025-003 (2025), section 2.6.3
"""

import math
from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from calovox.preprocessing.elementwise import Standardization
from calovox.preprocessing.voxels import ShareTransform

__all__ = ["LogVoxelTransform"]


class LogVoxelTransform(ShareTransform):
    """Maps voxels to standardised logarithms, and back.

    Back, shares below the offset become 0: a round trip changes a share by at most the offset,
    before the shares of a layer are made to add up to 1.

    Args:
        layer_sizes: Number of voxels of each layer.
        standardization: Of one variable, for all voxels; none yet by default.
        offset: What is added to a share before its logarithm is taken.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        standardization: Standardization | None = None,
        *,
        offset: float = 1e-6,
    ) -> None:
        super().__init__(layer_sizes)
        self.offset = offset
        self.standardization = standardization or Standardization.identity(1)
        if len(self.standardization.mean) != 1:
            raise ValueError(
                "LogVoxelTransform: expected a standardisation of 1 variable, got one of "
                f"{len(self.standardization.mean)}"
            )

    def fit(self, voxels: Iterable[Float[Tensor, "_ voxel"]]) -> "LogVoxelTransform":
        """Find the standardisation.

        Args:
            voxels: Energies, in parts of any size.

        Returns:
            A new transform.
        """
        return LogVoxelTransform(
            self.layer_sizes,
            Standardization.fit(self._logarithms(v).reshape(-1, 1) for v in voxels),
            offset=self.offset,
        )

    def forward(
        self,
        voxels: Float[Tensor, "event voxel"],
        energy: Float[Tensor, " event"],
        noise: Float[Tensor, "event voxel"] | None = None,
    ) -> Float[Tensor, "event voxel"]:
        """Map voxels into the space of the model.

        Args:
            voxels: Energies in any unit.
            energy: Kinetic energies; this transform is the same at all of them.
            noise: Of no use: empty voxels get the logarithm of the offset.

        Returns:
            Standardised numbers.
        """
        y: Tensor = self.standardization(self._logarithms(voxels))
        return y

    def inverse(
        self,
        y: Float[Tensor, "event voxel"],
        energy: Float[Tensor, " event"],
        layer_energy: Float[Tensor, "event layer"],
    ) -> Float[Tensor, "event voxel"]:
        """Map numbers of a model to voxels.

        Args:
            y: Any numbers; a share is at most 1, whatever they are.
            energy: Kinetic energies; this transform is the same at all of them.
            layer_energy: Energies of the layers.

        Returns:
            Energies of the voxels in the same unit, not negative.
        """
        logarithms = self.standardization.inverse(y).clamp(max=math.log1p(self.offset))
        shares = logarithms.exp() - self.offset
        kept = torch.where(shares < self.offset, 0.0, shares)
        voxels: Tensor = self.normalization.inverse(kept, layer_energy)
        return voxels

    def _logarithms(self, voxels: Float[Tensor, "event voxel"]) -> Float[Tensor, "event voxel"]:
        shares: Tensor = self.normalization(voxels)
        return (shares + self.offset).log()
