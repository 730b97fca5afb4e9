r"""Whole showers as points for a GAN: the visible energy, and square roots of shares of it.

A shower with the energies E_i of its voxels, E_j of its layers and E_tot of all is the point

    x = (3 (E_tot / E_kin - m) / s, 20 sqrt(E_j / E_tot), 20 sqrt(E_i / E_tot)),

where mean m and spread s of E_tot / E_kin depend on the kinetic energy. The
Euclidean distance of such points is, but for a factor, that of Hellinger. The root of a count
fluctuates by as much for few as for many, and an empty voxel is a 0. A GAN that sees the shares
themselves sees little but the hottest voxels. Without the division by s, it would see E_tot only
as finely as E_tot fluctuates at the lowest energies. The factors bring the fluctuations of all
coordinates to the order of 1; without them, a critic of random weights is next to linear where the
showers are.

References:
    M. S. Bartlett, *The square root transformation in analysis of variance*, 1936
"""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.preprocessing.energy_nodes import node_weights
from calovox.preprocessing.voxels import LayerNormalization

__all__ = ["RootShareTransform"]

N_NODES = 12
"""Nodes in the logarithm of the energy: one per octave of the note's spectrum to 524 GeV."""

_TINY = 1e-12
_VISIBLE_SCALE = 3.0
_ROOT_SCALE = 20.0


class RootShareTransform(nn.Module):
    """Maps showers to points, and back.

    Args:
        layer_sizes: Number of voxels of each layer.
        nodes: Logarithms of kinetic energies in MeV, evenly spaced, rising; two or more.
        mean: m at the nodes.
        spread: s at the nodes, above 0.
    """

    nodes: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(
        self,
        layer_sizes: Sequence[int],
        nodes: Float[Tensor, " node"],
        mean: Float[Tensor, " node"],
        spread: Float[Tensor, " node"],
    ) -> None:
        super().__init__()
        if not bool((spread > 0).all() and spread.isfinite().all() and mean.isfinite().all()):
            raise ValueError(
                "RootShareTransform: expected finite `mean` and `spread`, and `spread` > 0"
            )
        self.layers = LayerNormalization(layer_sizes)
        self.whole = LayerNormalization([sum(layer_sizes)])
        self.register_buffer("nodes", nodes)
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)

    @classmethod
    def unfitted(cls, layer_sizes: Sequence[int]) -> "RootShareTransform":
        """Build a transform of no data yet.

        Args:
            layer_sizes: Number of voxels of each layer.

        Returns:
            m = 0 and s = 1 at all energies.
        """
        nodes = torch.linspace(0.0, 1.0, N_NODES)
        return cls(layer_sizes, nodes, torch.zeros(N_NODES), torch.ones(N_NODES))

    def fit(
        self,
        nodes: Float[Tensor, " node"],
        showers: Iterable[tuple[Float[Tensor, " _"], Float[Tensor, " _"]]],
    ) -> "RootShareTransform":
        """Find mean and spread of the visible energy.

        Args:
            nodes: Logarithms of kinetic energies in MeV, `N_NODES` of them, evenly spaced.
            showers: Kinetic energies in MeV and E_tot / E_kin, in parts of any size.

        Returns:
            A new transform. Showers count at the nodes next to them; a node without showers has
            the numbers of the nearest one that has some.

        Raises:
            ValueError: If there are no showers.
        """
        sums = torch.zeros(3, len(nodes), dtype=torch.float64)
        for energy, total in showers:
            weights = node_weights(energy.double().log(), nodes.double())
            moments = torch.stack([torch.ones_like(total), total, total**2]).double()
            sums += moments @ weights
        known = torch.nonzero(sums[0] > 1.0)[:, 0]
        if len(known) == 0:
            raise ValueError("RootShareTransform: expected two showers or more at some energy")
        place = (torch.arange(len(nodes))[:, None] - known).abs().argmin(dim=1)
        _, mean, square = (sums / sums[0])[:, known[place]]
        spread = (square - mean**2).clamp(min=_TINY).sqrt()
        return RootShareTransform(
            self.layers.layer_sizes, nodes.float(), mean.float(), spread.float()
        )

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Number of voxels of each layer."""
        return self.layers.layer_sizes

    @property
    def n_voxels(self) -> int:
        """Number of voxels of all layers."""
        return sum(self.layer_sizes)

    @property
    def n_variables(self) -> int:
        """Number of coordinates of a point."""
        return 1 + len(self.layer_sizes) + self.n_voxels

    def forward(
        self, voxels: Float[Tensor, "event voxel"], log_energy: Float[Tensor, " event"]
    ) -> Float[Tensor, "event variable"]:
        """Map showers to points.

        Args:
            voxels: Energies as fractions of the kinetic energy.
            log_energy: Logarithms of kinetic energies in MeV.

        Returns:
            Points; a shower without energy has no shares.
        """
        mean, spread = self._tables(log_energy)
        visible = _VISIBLE_SCALE * (voxels.sum(dim=1) - mean) / spread
        shares = self.whole(voxels)
        roots = torch.cat([self.layers.layer_energy(shares), shares], dim=1).sqrt()
        return torch.cat([visible[:, None], _ROOT_SCALE * roots], dim=1)

    def inverse(
        self, points: Float[Tensor, "event variable"], log_energy: Float[Tensor, " event"]
    ) -> Float[Tensor, "event voxel"]:
        """Map points to showers; E_tot is that of the first coordinate, or 0 if it is negative.

        Args:
            points: Points; those of the layers, which follow from the voxels, are not needed.
            log_energy: Logarithms of kinetic energies in MeV.

        Returns:
            Energies of the voxels as fractions of the kinetic energy, not negative.
        """
        total = self.visible(points[:, 0], log_energy)
        roots = points[:, 1 + len(self.layer_sizes) :]
        voxels: Tensor = self.whole.inverse(roots.square(), total[:, None])
        return voxels

    def visible(
        self, coordinate: Float[Tensor, " event"], log_energy: Float[Tensor, " event"]
    ) -> Float[Tensor, " event"]:
        """Compute visible energies.

        Args:
            coordinate: The first coordinates of points.
            log_energy: Logarithms of kinetic energies in MeV.

        Returns:
            E_tot / E_kin, not negative.
        """
        mean, spread = self._tables(log_energy)
        return (mean + spread * coordinate / _VISIBLE_SCALE).clamp(min=0.0)

    def compose(self, numbers: Float[Tensor, "event variable"]) -> Float[Tensor, "event variable"]:
        """Make points of any numbers: not negative, roots of the layers' voxels as large as these.

        Args:
            numbers: What a network gives.

        Returns:
            Points of showers, unless a layer with energy has no voxel above 0.
        """
        n_layers = len(self.layer_sizes)
        layers = _normalized(numbers[:, 1 : 1 + n_layers].relu())
        parts = torch.split(numbers[:, 1 + n_layers :].relu(), list(self.layer_sizes), dim=1)
        voxels = [_normalized(part) * layers[:, k : k + 1] for k, part in enumerate(parts)]
        roots = torch.cat([layers, *voxels], dim=1)
        return torch.cat([numbers[:, :1], _ROOT_SCALE * roots], dim=1)

    def _tables(
        self, log_energy: Float[Tensor, " event"]
    ) -> tuple[Float[Tensor, " event"], Float[Tensor, " event"]]:
        # sums, not products of matrices: a graph gives the same in batches of any size
        near = node_weights(log_energy, self.nodes)
        return (near * self.mean).sum(dim=1), (near * self.spread).sum(dim=1)

    def extra_repr(self) -> str:
        """Say how large the tables are."""
        return f"{self.n_voxels} voxels, {len(self.nodes)} nodes"


def _normalized(vectors: Float[Tensor, "event variable"]) -> Float[Tensor, "event variable"]:
    """Divide vectors by their length; those next to 0 stay."""
    square = vectors.square().sum(dim=1, keepdim=True)
    return vectors / torch.where(square > _TINY, square, 1.0).sqrt()
