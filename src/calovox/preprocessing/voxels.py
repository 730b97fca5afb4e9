"""Voxels as shares of their layer, and the shares in the space of the models.

A shower is its layer energies and, for every layer, the shares of the layer's energy that its
voxels hold. Shares pass dequantisation, regularised logit and standardisation. Back, the shares of
each layer are made to add up to 1 and multiplied by the layer's energy, so that the energy of a
layer is what the energy model says, whatever the shape model says.
"""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.preprocessing.elementwise import Dequantization, RegularizedLogit, Standardization

__all__ = ["LayerNormalization", "LogitVoxelTransform", "ShareTransform"]


class LayerNormalization(nn.Module):
    """Divides voxels by the energy of their layer.

    This maps n voxels to n shares and the energies of the layers, which the shares do not hold:
    it is a bijection of showers, but has no determinant.

    Args:
        layer_sizes: Number of voxels of each layer; the voxels of a layer stand together.
    """

    layer: Tensor
    size: Tensor

    def __init__(self, layer_sizes: Sequence[int]) -> None:
        super().__init__()
        if len(layer_sizes) == 0 or min(layer_sizes) < 1:
            raise ValueError(
                f"LayerNormalization: expected `layer_sizes` of 1 or more, got {list(layer_sizes)}"
            )
        self.layer_sizes = tuple(int(size) for size in layer_sizes)
        sizes = torch.tensor(self.layer_sizes)
        layer = torch.arange(len(sizes)).repeat_interleave(sizes)
        self.register_buffer("layer", layer, persistent=False)
        self.register_buffer("size", sizes[layer].float(), persistent=False)

    def layer_energy(self, voxels: Float[Tensor, "event voxel"]) -> Float[Tensor, "event layer"]:
        """Sum the voxels of each layer.

        Args:
            voxels: Energies.

        Returns:
            Energies in the same unit.
        """
        parts = torch.split(voxels, list(self.layer_sizes), dim=1)
        return torch.stack([part.sum(dim=1) for part in parts], dim=1)

    def forward(self, voxels: Float[Tensor, "event voxel"]) -> Float[Tensor, "event voxel"]:
        """Compute the shares.

        Args:
            voxels: Energies in any unit, not negative.

        Returns:
            Shares that add up to 1 in every layer with energy, and are 0 in the others.
        """
        total = self.layer_energy(voxels)
        return voxels / torch.where(total <= 0.0, 1.0, total).index_select(1, self.layer)

    def inverse(
        self, shares: Float[Tensor, "event voxel"], layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event voxel"]:
        """Distribute the energies of the layers over their voxels.

        Args:
            shares: Numbers that are not negative; they need not add up to 1. Where all of a layer
                are 0, its energy is spread evenly.
            layer_energy: Energies, not negative.

        Returns:
            Energies of the voxels in the same unit, which add up to those of the layers.
        """
        total = self.layer_energy(shares).index_select(1, self.layer)
        even = torch.where(total <= 0.0, 1.0 / self.size, shares)
        # first a share of at most 1, then its energy: nothing on the way is larger than that
        normalised = even / torch.where(total <= 0.0, 1.0, total)
        return normalised * layer_energy.index_select(1, self.layer)


class ShareTransform(nn.Module):
    """What all transforms of voxels are: one of the shares in their layers.

    Args:
        layer_sizes: Number of voxels of each layer.
    """

    def __init__(self, layer_sizes: Sequence[int]) -> None:
        super().__init__()
        self.normalization = LayerNormalization(layer_sizes)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Number of voxels of each layer."""
        return self.normalization.layer_sizes

    @property
    def n_voxels(self) -> int:
        """Number of voxels of all layers."""
        return sum(self.layer_sizes)


class LogitVoxelTransform(ShareTransform):
    """Maps voxels to standardised numbers without bounds, and back.

    Args:
        layer_sizes: Number of voxels of each layer.
        standardization: The last step, one variable per voxel; none yet by default.
        noise_width: Width b of the noise.
        alpha: Regularisation of the logit.
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        standardization: Standardization | None = None,
        *,
        noise_width: float = 1e-6,
        alpha: float = 1e-6,
    ) -> None:
        super().__init__(layer_sizes)
        self.dequantization = Dequantization(noise_width)
        self.logit = RegularizedLogit(alpha)
        n_voxels = sum(self.normalization.layer_sizes)
        if standardization is None:
            standardization = Standardization.identity(n_voxels)
        if len(standardization.mean) != n_voxels:
            raise ValueError(
                f"LogitVoxelTransform: expected a standardisation of {n_voxels} voxels, got one "
                f"of {len(standardization.mean)}"
            )
        self.standardization = standardization

    def fit(self, voxels: Iterable[Float[Tensor, "_ voxel"]]) -> "LogitVoxelTransform":
        """Find the standardisation.

        Args:
            voxels: Energies, in parts of any size.

        Returns:
            A new transform.
        """
        return LogitVoxelTransform(
            self.layer_sizes,
            Standardization.fit(self._unbounded(v, None) for v in voxels),
            noise_width=self.dequantization.width,
            alpha=self.logit.alpha,
        )

    def forward(
        self,
        voxels: Float[Tensor, "event voxel"],
        energy: Float[Tensor, " event"],
        noise: Float[Tensor, "event voxel"] | None = None,
    ) -> Float[Tensor, "event voxel"]:
        """Map voxels into the space of the models.

        Args:
            voxels: Energies in any unit.
            energy: Kinetic energies; this transform is the same at all of them.
            noise: Uniform numbers in [0, 1); None for no noise.

        Returns:
            Standardised numbers.
        """
        y: Tensor = self.standardization(self._unbounded(voxels, noise))
        return y

    def inverse(
        self,
        y: Float[Tensor, "event voxel"],
        energy: Float[Tensor, " event"],
        layer_energy: Float[Tensor, "event layer"],
    ) -> Float[Tensor, "event voxel"]:
        """Map numbers of a model to voxels.

        Args:
            y: Any numbers.
            energy: Kinetic energies; this transform is the same at all of them.
            layer_energy: Energies of the layers.

        Returns:
            Energies of the voxels in the same unit, not negative.
        """
        shares = self.logit.inverse(self.standardization.inverse(y))
        return self.normalization.inverse(self.dequantization.inverse(shares), layer_energy)

    def _unbounded(
        self, voxels: Float[Tensor, "event voxel"], noise: Float[Tensor, "event voxel"] | None
    ) -> Float[Tensor, "event voxel"]:
        shares: Tensor = self.logit(self.dequantization(self.normalization(voxels), noise))
        return shares
