"""How much each node of the tables of `QuantileVoxelTransform` counts, for all layers at once."""

import torch
from jaxtyping import Float32
from torch import Tensor, nn

from calovox.export.affine import Affine
from calovox.export.fused.conditions import COPIES
from calovox.preprocessing import QuantileVoxelTransform

__all__ = ["FusedNodes"]


class FusedNodes(nn.Module):
    """Weights of the nodes in the kinetic energy and in the fraction that a layer holds of it.

    Args:
        voxels: The transform.
    """

    ones: Tensor
    inverse_gaps: Tensor

    def __init__(self, voxels: QuantileVoxelTransform) -> None:
        super().__init__()
        energies, fractions = voxels.energies.double(), voxels.fractions.double()
        n_energies, n_layers, n_fractions = fractions.shape
        self.n_energies, self.n_layers, self.n_fractions = n_energies, n_layers, n_fractions
        self.limits = float(energies[0]), float(energies[-1])
        self.density = 1.0 / float(energies[1] - energies[0])
        self.register_buffer("ones", torch.ones(1, COPIES))
        first_copy = torch.eye(COPIES, dtype=torch.float64)[:1].expand(n_energies, -1)
        self.beyond_energies = Affine(first_copy, -energies)
        # one column for each layer, and some more: whole vectors, as for the energy
        n_columns = COPIES * -(-n_layers // COPIES)
        self.columns = Affine(torch.eye(n_columns, n_layers, dtype=torch.float64))
        self.least = torch.finfo(torch.float32).tiny
        by_layer = fractions.transpose(0, 1)
        n_gaps = n_energies * (n_fractions - 1)
        place = torch.eye(n_layers, n_columns, dtype=torch.float64).repeat_interleave(n_gaps, 0)
        self.beyond_fractions = Affine(place, -by_layer[:, :, :-1].flatten())
        self.register_buffer("inverse_gaps", (1.0 / by_layer.diff(dim=2)).flatten().float())
        steps = torch.eye(n_fractions, dtype=torch.float64)
        constant = torch.eye(1, n_fractions, dtype=torch.float64)[0]
        self.between = Affine((steps[1:] - steps[:-1]).T, constant)

    def forward(
        self, energy: Float32[Tensor, "event 1"], layer_energy: Float32[Tensor, "event layer"]
    ) -> tuple[Float32[Tensor, "event node"], ...]:
        """Compute the weights.

        Args:
            energy: Kinetic energy in MeV.
            layer_energy: Energies of the layers in MeV, not negative.

        Returns:
            For each layer, those of its nodes: all fractions of the first energy, and so on.
        """
        inside = (energy * self.ones).log().clamp(*self.limits)
        near = (1.0 - self.beyond_energies(inside).abs() * self.density).relu()
        logarithm = self.columns(layer_energy / energy).clamp(min=self.least).log()
        passed = (self.beyond_fractions(logarithm) * self.inverse_gaps).clamp(0.0, 1.0)
        between = self.between(passed.reshape(-1, self.n_fractions - 1))
        shape = (-1, self.n_layers, self.n_energies, self.n_fractions)
        weights = between.reshape(shape) * near[:, None, :, None]
        n_nodes = self.n_energies * self.n_fractions
        return torch.split(weights.reshape(-1, self.n_layers * n_nodes), n_nodes, dim=1)
