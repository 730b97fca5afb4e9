"""CaloCFM with all that does not change along the way computed once."""

import torch
from jaxtyping import Float32, Float64
from torch import Tensor, nn

from calovox.export.affine import Affine, linear_layers
from calovox.export.fused_conditions import COPIES
from calovox.models.cfm import CaloCFM

__all__ = ["FusedShapes"]


class FusedShapes(nn.Module):
    """Maps normal numbers to voxels, with the first neurons' part of the condition given.

    Args:
        model: The model, with a network of SiLU and layer norms.

    Attributes:
        of_embedding: How the embedded conditions enter the first neurons: weight and bias.
        of_layers: How the layer energies enter them: weight.
    """

    time: Tensor
    ones: Tensor
    sizes: Tensor

    def __init__(self, model: CaloCFM) -> None:
        super().__init__()
        network = model.network
        *inner, last = linear_layers(network.backbone, nn.SiLU, layer_norm=True)
        (weight, bias), *layers = [*(_centred(*layer) for layer in inner), last]
        n, n_embedded = network.n_variables, network.embedding.n_outputs
        n_context = weight.shape[1] - n - 1 - n_embedded
        x, time, embedded, layer = torch.split(weight, [n, 1, n_embedded, n_context], dim=1)
        self.of_embedding = embedded, bias
        self.of_layers = layer
        self.register_buffer("time", time[:, 0].float())
        self.first = Affine(x)
        self.layers = nn.ModuleList(Affine(*of_layer) for of_layer in layers)
        self.solver, self.n_steps = model.solver, model.n_steps
        voxels = model.voxels
        std, mean = voxels.standardization.std.double(), voxels.standardization.mean.double()
        by_energy, log_energy = model.by_energy, model.conditions.log_energy
        self.shifts = Affine(-(mean + std * by_energy.means.double()).T)
        self.log_scales = Affine((std.log() + by_energy.log_stds.double()).T)
        nodes = log_energy.mean.double() + log_energy.std.double() * by_energy.nodes.double()
        self.limits = float(nodes[0]), float(nodes[-1])
        self.density = 1.0 / float(nodes[1] - nodes[0])
        self.register_buffer("ones", torch.ones(1, COPIES))
        first_copy = torch.eye(COPIES, dtype=torch.float64)[:1].expand(len(nodes), -1)
        self.beyond_nodes = Affine(first_copy, -nodes)
        self.cut = _cut(voxels.logit.alpha, voxels.dequantization.width)
        one = torch.eye(len(voxels.layer_sizes), dtype=torch.float64)
        spread = one[voxels.normalization.layer]
        self.sum, self.spread = Affine(spread.T), Affine(spread)
        self.register_buffer("sizes", torch.tensor(voxels.layer_sizes).float())

    def forward(
        self,
        noise: Float32[Tensor, "event voxel"],
        condition: Float32[Tensor, "event neuron"],
        layer_energy: Float32[Tensor, "event layer"],
        energy: Float32[Tensor, "event 1"],
    ) -> Float32[Tensor, "event voxel"]:
        """Draw voxels.

        Args:
            noise: Standard normal numbers.
            condition: What the first neurons read of everything but x and t.
            layer_energy: Energies of the layers, not negative.
            energy: Kinetic energy in MeV.

        Returns:
            Energies of the voxels in the unit of the layers, which add up to the layers.
        """

        def velocity(x: Tensor, t: float) -> Tensor:
            y: Tensor = self.first(x, condition + t * self.time)
            for layer in self.layers:
                y = layer(nn.functional.silu(nn.functional.layer_norm(y, y.shape[1:])))
            return y

        inside = (energy * self.ones).log().clamp(*self.limits)
        near = (1.0 - self.beyond_nodes(inside).abs() * self.density).relu()
        scale, shift = self.log_scales(near).exp(), self.shifts(near)
        # minus the logits: the shifts have the sign already
        logits = shift - scale * self.solver(velocity, noise, self.n_steps)
        shares = (1.0 / (1.0 + logits.exp()) - self.cut).relu()
        total = self.sum(shares)
        # a layer whose shares are all 0 is spread evenly, as in `LayerNormalization`
        empty = total <= 0.0
        factor = layer_energy / torch.where(empty, self.sizes, total)
        spread: Tensor = self.spread(empty.to(shares.dtype), shares)
        factors: Tensor = self.spread(factor)
        return spread * factors


def _centred(
    weight: Float64[Tensor, "neuron in"], bias: Float64[Tensor, " neuron"]
) -> tuple[Float64[Tensor, "neuron in"], Float64[Tensor, " neuron"]]:
    """Take the mean over the neurons away, which the layer norm behind takes away anyway.

    ONNX Runtime finds the variance as the mean of squares less the square of the mean: where a
    large mean stands before small differences, that is below 0 and its root is NaN.
    """
    return weight - weight.mean(dim=0), bias - bias.mean()


def _cut(alpha: float, width: float) -> float:
    """Find the p whose share is 0.

    The inverse of the regularised logit and of the noise is p (1 + c) - d; the shares of a layer
    are made to add up to 1, so that p - d / (1 + c) does as well.
    """
    regular = alpha / (1.0 - 2.0 * alpha)
    stretch = 2.0 * regular * (1.0 + width) + width
    return (regular * (1.0 + width) + width) / (1.0 + stretch)
