"""CaloCFM with all that does not change along the way computed once."""

import torch
from jaxtyping import Float32, Float64
from torch import Tensor, nn

from calovox.export.affine import Affine, linear_layers
from calovox.export.fused_voxels import fuse_voxels
from calovox.models.cfm import CaloCFM
from calovox.nn import flow_preconditioning

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
        self.voxels = fuse_voxels(model.voxels)

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
            known, scale = flow_preconditioning(t)
            y: Tensor = self.first(scale * x, condition + t * self.time)
            for layer in self.layers:
                y = layer(nn.functional.silu(nn.functional.layer_norm(y, y.shape[1:])))
            return known * x + scale * y

        voxels: Tensor = self.voxels(
            self.solver(velocity, noise, self.n_steps), energy, layer_energy
        )
        return voxels


def _centred(
    weight: Float64[Tensor, "neuron in"], bias: Float64[Tensor, " neuron"]
) -> tuple[Float64[Tensor, "neuron in"], Float64[Tensor, " neuron"]]:
    """Take the mean over the neurons away, which the layer norm behind takes away anyway.

    ONNX Runtime finds the variance as the mean of squares less the square of the mean: where a
    large mean stands before small differences, that is below 0 and its root is NaN.
    """
    return weight - weight.mean(dim=0), bias - bias.mean()
