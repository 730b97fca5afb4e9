r"""Voxels as normal scores: what a voxel holds, by its rank among showers of the same energy.

Most voxels are empty in showers of low energy, and hold a narrow range of shares in those of high
energy. A logit or a logarithm of the shares leaves a gap between empty voxels and the others,
which a continuous model fills with voxels that hold a little, and a spread that changes
hundredfold with the energy. Here every voxel becomes a standard normal number at every energy,

    z = Phi^-1(u P_0)       if it is empty, with u uniform in (0, 1),
    z = g^-1(log share)     if not; then z > z_0 = Phi^-1(P_0),

where P_0 is the probability that the voxel is empty in a layer that is not, and g(z) is the
logarithm of the share that has the rank Phi(z). Back, z up to z_0 is an empty voxel. The tables of
z_0 and g are linear in the logarithm of the kinetic energy between nodes, and constant beyond; g
is linear in z between knots, and beyond the last one. This makes showers a Gaussian copula with
atoms at 0: what a model has to learn are correlations, and what depends on more than the energy.

References:
    R. B. Nelsen, *An Introduction to Copulas*, Springer, 2nd edition 2006, chapter 2
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from calovox.arrays import Array, Float32, Float64
from calovox.preprocessing.energy_nodes import node_weights
from calovox.preprocessing.quantile_tables import (
    HIGHEST_SCORE,
    KNOTS,
    LOWEST_SCORE,
    QuantileTable,
    tabulate_quantiles,
)
from calovox.preprocessing.voxels import ShareTransform

__all__ = ["NEXT_TO_NOTHING", "N_NODES", "QuantileVoxelTransform"]

N_NODES: Final = 12
"""Nodes in the logarithm of the energy: one per octave of the note's spectrum to 524 GeV."""

NEXT_TO_NOTHING: Final = 1e-20
"""A share that counts only where all others of its layer are 0."""

_LEAST_RANK: Final = 1e-9
_BEYOND_KNOTS: Final = 2.0


class QuantileVoxelTransform(ShareTransform):
    """Maps voxels to standard normal numbers, and back.

    Back, the shares of a layer are made to add up to 1; if all its voxels are empty, the one that
    was nearest to not being empty holds its energy. A round trip changes a share only if it is
    below the table's lowest (`quantile_tables.LOWEST_SHARE`), which it becomes.

    Args:
        layer_sizes: Number of voxels of each layer.
        nodes: Logarithms of kinetic energies in MeV, evenly spaced, rising; two or more.
        thresholds: z_0 at the nodes.
        log_shares: g at the nodes and knots.
    """

    nodes: Tensor
    thresholds: Tensor
    log_shares: Tensor
    knots: Tensor
    longest: Tensor

    def __init__(
        self,
        layer_sizes: Sequence[int],
        nodes: Float[Tensor, " node"],
        thresholds: Float[Tensor, "node voxel"],
        log_shares: Float[Tensor, "node voxel knot"],
    ) -> None:
        super().__init__(layer_sizes)
        self.register_buffer("nodes", nodes)
        self.register_buffer("thresholds", thresholds)
        self.register_buffer("log_shares", log_shares)
        knots = torch.from_numpy(KNOTS).float()
        self.register_buffer("knots", knots, persistent=False)
        longest = torch.ones(len(knots) - 1)
        longest[-1] = 1e3  # the last interval goes on
        self.register_buffer("longest", longest, persistent=False)

    @classmethod
    def unfitted(cls, layer_sizes: Sequence[int]) -> "QuantileVoxelTransform":
        """Build a transform of no data yet.

        Args:
            layer_sizes: Number of voxels of each layer.

        Returns:
            Tables in which voxels are never empty, and shares rise to 1.
        """
        n_voxels = sum(layer_sizes)
        return cls(
            layer_sizes,
            torch.linspace(0.0, 1.0, N_NODES),
            torch.full((N_NODES, n_voxels), LOWEST_SCORE),
            torch.linspace(-10.0, 0.0, len(KNOTS)).expand(N_NODES, n_voxels, -1).contiguous(),
        )

    def fit(
        self,
        nodes: Float64[Array, " node"],
        samples: Iterable[tuple[Float32[Array, "_ voxel"], Float64[Array, " _"]]],
    ) -> "QuantileVoxelTransform":
        """Make the tables.

        Args:
            nodes: Logarithms of kinetic energies in MeV, `N_NODES` of them, evenly spaced.
            samples: For each node, voxels of showers near it, in any unit, and their weights.

        Returns:
            A new transform.

        Raises:
            ValueError: If a node has no showers.
        """
        tables: list[QuantileTable] = []
        for node, (voxels, weights) in zip(nodes, samples, strict=True):
            if not weights.sum() > 0:
                raise ValueError(
                    f"QuantileVoxelTransform: expected showers near {np.exp(node):.4g} MeV, got "
                    "none"
                )
            shares = self.normalization(torch.from_numpy(voxels)).numpy()
            tables.append(tabulate_quantiles(shares, weights, self.layer_sizes))
        return QuantileVoxelTransform(
            self.layer_sizes,
            torch.from_numpy(nodes).float(),
            torch.from_numpy(np.stack([table.thresholds for table in tables])).float(),
            torch.from_numpy(np.stack([table.log_shares for table in tables])).float(),
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
            energy: Kinetic energies in MeV.
            noise: Uniform numbers u in [0, 1) for the empty voxels; None for 1, where voxels stop
                being empty.

        Returns:
            Normal scores.
        """
        shares: Tensor = self.normalization(voxels)
        threshold, log_shares = self._tables(energy)
        ratio = shares.clamp(min=torch.finfo(shares.dtype).tiny).log()
        interval = (ratio.unsqueeze(2) >= log_shares[:, :, 1:-1]).sum(dim=2, keepdim=True)
        low = log_shares.gather(2, interval).squeeze(2)
        high = log_shares.gather(2, interval + 1).squeeze(2)
        first = self.knots[interval.squeeze(2)]
        width = self.knots[interval.squeeze(2) + 1] - first
        position = first + width * ((ratio - low) / (high - low)).clamp(min=1e-6)
        score = threshold + (HIGHEST_SCORE - threshold) * position
        rank = torch.special.ndtr(threshold) * (1.0 if noise is None else noise)
        of_empty = torch.special.ndtri(rank.clamp(min=_LEAST_RANK))
        return torch.where(
            shares > 0.0,
            score.clamp(max=HIGHEST_SCORE + _BEYOND_KNOTS),
            torch.minimum(of_empty, threshold),
        )

    def inverse(
        self,
        y: Float[Tensor, "event voxel"],
        energy: Float[Tensor, " event"],
        layer_energy: Float[Tensor, "event layer"],
    ) -> Float[Tensor, "event voxel"]:
        """Map numbers of a model to voxels.

        Args:
            y: Any numbers.
            energy: Kinetic energies in MeV.
            layer_energy: Energies of the layers.

        Returns:
            Energies of the voxels in the unit of the layers, not negative.
        """
        threshold, log_shares = self._tables(energy)
        position = (y - threshold) / (HIGHEST_SCORE - threshold)
        passed = (position.unsqueeze(2) - self.knots[:-1]) / self.knots.diff()
        passed = torch.minimum(passed.relu(), self.longest)
        ratio = log_shares[:, :, 0] + (passed * log_shares.diff(dim=2)).sum(dim=2)
        shares = torch.where(position > 0.0, ratio.clamp(max=0.0).exp(), 0.0)
        return self.normalization.inverse(self._fill(shares, position), layer_energy)

    def extra_repr(self) -> str:
        """Say how large the tables are."""
        return f"{self.n_voxels} voxels, {len(self.nodes)} nodes, {len(self.knots)} knots"

    def _tables(
        self, energy: Float[Tensor, " event"]
    ) -> tuple[Float[Tensor, "event voxel"], Float[Tensor, "event voxel knot"]]:
        near = node_weights(energy.log(), self.nodes)
        log_shares = near @ self.log_shares.flatten(start_dim=1)
        return near @ self.thresholds, log_shares.reshape(-1, *self.log_shares.shape[1:])

    def _fill(
        self, shares: Float[Tensor, "event voxel"], position: Float[Tensor, "event voxel"]
    ) -> Float[Tensor, "event voxel"]:
        """Give layers whose voxels are all empty one voxel: that of the highest position."""
        parts = torch.split(position, list(self.layer_sizes), dim=1)
        highest = torch.cat([part.amax(dim=1, keepdim=True) for part in parts], dim=1)
        wanted = highest.clamp(max=0.0).index_select(1, self.normalization.layer)
        return torch.where(position >= wanted, shares.clamp(min=NEXT_TO_NOTHING), shares)
