"""A GAN in few nodes: its linear layers in single precision, and what makes showers of points.

The squares of the generator's numbers are all that is needed of them: roots of the voxels are
divided by their length in each layer and multiplied by the root of the layer, and then squared.
Sums are products with matrices of 0 and 1, which give the same in batches of any size.
"""

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from calovox.export.affine import Affine, centred, linear_layers
from calovox.export.fused.conditions import COPIES, ENERGY_LIMITS
from calovox.models.gan import CaloGAN

__all__ = ["GanGraph"]

_TINY = 1e-12  # as in `RootShareTransform`


class GanGraph(nn.Module):
    """Draws the showers of a GAN.

    Args:
        model: The model.

    Raises:
        ValueError: If its network is of another kind.
    """

    ones: Tensor
    layer: Tensor

    def __init__(self, model: CaloGAN) -> None:
        super().__init__()
        *inner, last = linear_layers(model.network, nn.SiLU, layer_norm=True)
        first, *layers = [*(centred(*layer) for layer in inner), last]
        self.model = model
        self.first = Affine(*first)
        self.layers = nn.ModuleList(Affine(*layer) for layer in layers)
        sizes = model.points.layer_sizes
        self.register_buffer("ones", torch.ones(1, COPIES))
        self.register_buffer(
            "layer", torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
        )
        self.of_layer = Affine(nn.functional.one_hot(self.layer).T.double())
        self.of_all = Affine(torch.ones(1, len(sizes), dtype=torch.float64))

    def forward(
        self,
        eta: Float32[Tensor, "event 1"],
        energy: Float32[Tensor, "event 1"],
        layer_noise: Float32[Tensor, "event layer"],
        voxel_noise: Float32[Tensor, "event voxel"],
    ) -> Float32[Tensor, "event voxel"]:
        """Draw showers.

        Args:
            eta: 10 abs(eta) of the shower centre, which a GAN does not look at.
            energy: Kinetic energy in MeV.
            layer_noise: Standard normal numbers, the first of the latent ones.
            voxel_noise: Standard normal numbers, the others; what is not needed is not used.

        Returns:
            Energies of the voxels in MeV.
        """
        energy = energy.clamp(*ENERGY_LIMITS)
        log_energy = (energy * self.ones).log()[:, 0]
        latent = torch.cat([layer_noise, voxel_noise], dim=1)[:, : self.model.n_latent]
        y = self.first(torch.cat([latent, self.model.condition(log_energy)], dim=1))
        for layer in self.layers:
            y = layer(nn.functional.silu(nn.functional.layer_norm(y, y.shape[1:])))
        total = self.model.points.visible(y[:, 0], log_energy)[:, None]
        return energy * (total * self._shares(y[:, 1:].relu().square()))

    def _shares(
        self, squares: Float32[Tensor, "event variable"]
    ) -> Float32[Tensor, "event voxel"]:
        """Divide the visible energy by the squares of the numbers for layers and voxels."""
        n_layers = self.of_all.weight.shape[0]
        layers, voxels = squares[:, :n_layers], squares[:, n_layers:]
        lengths = self.of_layer(voxels)
        filled = lengths > _TINY
        weights = torch.where(filled, layers / torch.where(filled, lengths, 1.0), 0.0)
        whole = self.of_all(torch.where(filled, layers, 0.0))
        empty = whole <= 0.0
        shares = voxels * weights.index_select(1, self.layer) / torch.where(empty, 1.0, whole)
        return torch.where(empty, 1.0 / voxels.shape[1], shares)
