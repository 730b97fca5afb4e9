"""The transformer of CaloDiT-2 with what it sees of a photon and of its layer energies."""

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from calovox.export.affine import Affine, linear_layers
from calovox.export.fused.conditions import COPIES, read_scalar
from calovox.export.fused.energies import FusedContext, LayerShares
from calovox.models.shapes.dit import CaloDiT
from calovox.models.shapes.edm import angle_to_time
from calovox.preprocessing import ScaledConditions, StandardizedConditions
from calovox.preprocessing.conditions import ETA_FACTOR

__all__ = ["FusedTransformer"]


class FusedTransformer(nn.Module):
    """The transformer of CaloDiT-2 with all that it depends on.

    Args:
        model: The model.
    """

    def __init__(self, model: CaloDiT) -> None:
        super().__init__()
        (weight, bias), *later = linear_layers(model.network.of_scalars, nn.SiLU)
        self.first: _Scaled | _Standardized
        if isinstance(model.conditions, ScaledConditions):
            self.first = _Scaled(model.conditions, weight, bias)
        else:
            self.first = _Standardized(model.conditions, weight, bias)
        self.later = nn.ModuleList(Affine(*layer) for layer in later)
        self.network = model.network

    def condition(
        self,
        energy: Float32[Tensor, "event 1"],
        eta: Float32[Tensor, "event 1"],
        layers: LayerShares,
    ) -> Float32[Tensor, "event condition"]:
        """Prepare what stays the same at all levels of noise.

        Args:
            energy: Kinetic energy in MeV, within `ENERGY_LIMITS`.
            eta: 10 abs(eta), within `ETA_LIMITS`.
            layers: The energies of the layers.

        Returns:
            The condition of the network.
        """
        y: Tensor = self.first(energy, eta, layers)
        for layer in self.later:
            y = layer(nn.functional.silu(y))
        return y

    def forward(
        self,
        u: Float32[Tensor, "event voxel"],
        angle: Float32[Tensor, "1 1"],
        condition: Float32[Tensor, "event condition"],
    ) -> Float32[Tensor, "event voxel"]:
        """Evaluate the slope of the arcs.

        Args:
            u: Variables.
            angle: Their angle in rad.
            condition: What `condition` returned.

        Returns:
            du/da.
        """
        y: Tensor = self.network(u, angle_to_time(angle), condition)
        return y


class _Standardized(nn.Module):
    """First neurons behind `StandardizedConditions`."""

    ones: Tensor

    def __init__(self, conditions: StandardizedConditions, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("ones", torch.ones(1, COPIES))
        of_photons, of_layers = weight[:, :2], weight[:, 2:]
        self.context = FusedContext(conditions.layers, of_layers)
        read = [read_scalar(conditions.photons, column) for column in range(2)]
        matrix, offset = (torch.cat(parts) for parts in zip(*read, strict=True))
        self.photons = Affine(of_photons @ matrix, of_photons @ offset + bias + self.context.bias)

    def forward(self, energy: Tensor, eta: Tensor, layers: LayerShares) -> Tensor:
        logarithm = (energy * self.ones).log()
        neurons: Tensor = self.photons(torch.cat([logarithm, eta], dim=1))
        entered: Tensor = self.context(layers, neurons)
        return entered


class _Scaled(nn.Module):
    """First neurons behind `ScaledConditions`."""

    def __init__(self, conditions: ScaledConditions, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        factors = 1.0 / conditions.maxima.double()
        factors[1] /= ETA_FACTOR
        self.scalars = Affine(weight * factors, bias)

    def forward(self, energy: Tensor, eta: Tensor, layers: LayerShares) -> Tensor:
        neurons: Tensor = self.scalars(torch.cat([energy, eta, layers.energy / energy], dim=1))
        return neurons
