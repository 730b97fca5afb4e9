"""The network of CaloCFM with all that it depends on."""

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from calovox.export.affine import Affine, centred, linear_layers
from calovox.export.fused.conditions import FusedConditions
from calovox.export.fused.energies import FusedContext, LayerShares
from calovox.models.shapes.cfm import CaloCFM, angle_to_time
from calovox.nn.velocity import slope_of_velocity

__all__ = ["FusedVelocity"]


class FusedVelocity(nn.Module):
    """The slope of the arcs, with the first neurons' part of the condition computed once.

    Args:
        model: The model, with a network of SiLU and layer norms.
    """

    time: Tensor

    def __init__(self, model: CaloCFM) -> None:
        super().__init__()
        network = model.network
        *inner, last = linear_layers(network.backbone, nn.SiLU, layer_norm=True)
        (weight, bias), *layers = [*(centred(*layer) for layer in inner), last]
        n, n_embedded = network.n_variables, network.embedding.n_outputs
        n_context = weight.shape[1] - n - 1 - n_embedded
        x, time, embedded, layer = torch.split(weight, [n, 1, n_embedded, n_context], dim=1)
        self.context = FusedContext(model.layer_energies, layer)
        self.conditions = FusedConditions(
            model.conditions, network.embedding, [(embedded, bias + self.context.bias)]
        )
        self.preconditioned = network.preconditioned
        self.register_buffer("time", time[:, 0].float())
        self.first = Affine(x)
        self.layers = nn.ModuleList(Affine(*of_layer) for of_layer in layers)

    def condition(
        self,
        energy: Float32[Tensor, "event 1"],
        eta: Float32[Tensor, "event 1"],
        layers: LayerShares,
    ) -> Float32[Tensor, "event neuron"]:
        """Prepare what stays the same at all times.

        Args:
            energy: Kinetic energy in MeV, within `ENERGY_LIMITS`.
            eta: 10 abs(eta), within `ETA_LIMITS`.
            layers: The energies of the layers.

        Returns:
            What the first neurons read of everything but u and the angle.
        """
        (neurons,) = self.conditions(energy, eta)
        condition: Tensor = self.context(layers, neurons)
        return condition

    def forward(
        self,
        u: Float32[Tensor, "event voxel"],
        angle: Float32[Tensor, "1 1"],
        condition: Float32[Tensor, "event neuron"],
    ) -> Float32[Tensor, "event voxel"]:
        """Evaluate the slope.

        Args:
            u: Variables.
            angle: Their angle in rad.
            condition: What `condition` returned.

        Returns:
            du/da.
        """
        t = angle_to_time(angle)
        if self.preconditioned:
            return self._run_backbone(u, t, condition)
        return slope_of_velocity(lambda x: self._run_backbone(x, t, condition), u, t)

    def _run_backbone(
        self,
        u: Float32[Tensor, "event voxel"],
        t: Float32[Tensor, "1 1"],
        condition: Float32[Tensor, "event neuron"],
    ) -> Float32[Tensor, "event voxel"]:
        y: Tensor = self.first(u, condition + t * self.time)
        for layer in self.layers:
            y = layer(nn.functional.silu(nn.functional.layer_norm(y, y.shape[1:])))
        return y
