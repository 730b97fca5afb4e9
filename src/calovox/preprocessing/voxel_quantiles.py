r"""Voxels as normal scores: what a voxel holds, by its rank among showers alike.

Most voxels are empty in showers of low energy, and hold a narrow range of shares in those of high
energy. A logit or a logarithm of the shares leaves a gap between empty voxels and the others,
which a continuous model fills with voxels that hold a little, and a spread that changes
hundredfold with the energy. The same holds for a layer that a shower of high energy has hardly
touched: the showers that start late have few voxels in EMB1, near the axis. Here every voxel
becomes a standard normal number at every kinetic energy and every energy of its layer,

    z = Phi^-1(u P_0)       if it is empty, with u uniform in (0, 1),
    z = g^-1(log share)     if not; then z > z_0 = Phi^-1(P_0),

where P_0 is the probability that the voxel is empty in a layer that is not, and g(z) is the
logarithm of the share that has the rank Phi(z). Back, z up to z_0 is an empty voxel. The tables of
z_0 and g are bilinear in the logarithms of the kinetic energy and of the fraction of it that the
layer holds between nodes, and constant beyond; g is linear in z between knots, and beyond the last
one. This makes showers a Gaussian copula with atoms at 0: what a model has to learn are
correlations, and what depends on more than these energies.

References:
    R. B. Nelsen, *An Introduction to Copulas*, Springer, 2nd edition 2006, chapter 2
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.arrays import Array, Float32, Float64
from calovox.preprocessing.energy_nodes import fraction_weights, node_weights
from calovox.preprocessing.quantile_tables import (
    HIGHEST_SCORE,
    KNOTS,
    LOWEST_SCORE,
    LOWEST_SHARE,
    N_FRACTIONS,
    LayerTables,
    tabulate_layer,
)
from calovox.preprocessing.voxels import ShareTransform

__all__ = ["NEXT_TO_NOTHING", "N_ENERGIES", "QuantileVoxelTransform"]

N_ENERGIES: Final = 7
"""Nodes in the logarithm of the kinetic energy: one in two octaves of the note's spectrum."""

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
        energies: Logarithms of kinetic energies in MeV, evenly spaced, rising; two or more.
        fractions: For each of them, logarithms of the fraction that a layer holds, rising.
        thresholds: z_0 at the nodes.
        climbs: How much g rises from knot to knot, at the nodes; it begins with the logarithm of
            `quantile_tables.LOWEST_SHARE`.
    """

    energies: Tensor
    fractions: Tensor
    thresholds: Tensor
    climbs: Tensor
    knots: Tensor
    longest: Tensor

    def __init__(
        self,
        layer_sizes: Sequence[int],
        energies: Float[Tensor, " energy"],
        fractions: Float[Tensor, "energy layer fraction"],
        thresholds: Float[Tensor, "energy fraction voxel"],
        climbs: Float[Tensor, "energy fraction voxel interval"],
    ) -> None:
        super().__init__(layer_sizes)
        self.register_buffer("energies", energies)
        self.register_buffer("fractions", fractions)
        self.register_buffer("thresholds", thresholds)
        self.register_buffer("climbs", climbs)
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
        nodes, n_voxels, n_intervals = (N_ENERGIES, N_FRACTIONS), sum(layer_sizes), len(KNOTS) - 1
        return cls(
            layer_sizes,
            torch.linspace(0.0, 1.0, N_ENERGIES),
            torch.linspace(-1.0, 0.0, N_FRACTIONS).repeat(N_ENERGIES, len(layer_sizes), 1),
            torch.full((*nodes, n_voxels), LOWEST_SCORE),
            torch.full((*nodes, n_voxels, n_intervals), -math.log(LOWEST_SHARE) / n_intervals),
        )

    def fit(
        self,
        energies: Float64[Array, " energy"],
        samples: Iterable[tuple[Float32[Array, "_ voxel"], Float64[Array, " _"]]],
    ) -> "QuantileVoxelTransform":
        """Make the tables.

        Args:
            energies: Logarithms of kinetic energies in MeV, `N_ENERGIES` of them, evenly spaced.
            samples: For each of them, voxels of showers near it as fractions of the kinetic
                energy, and their weights.

        Returns:
            A new transform.

        Raises:
            ValueError: If there are no showers near an energy.
        """
        rows: list[list[LayerTables]] = []
        for node, (voxels, weights) in zip(energies, samples, strict=True):
            if not weights.sum() > 0:
                raise ValueError(
                    f"QuantileVoxelTransform: expected showers near {np.exp(node):.4g} MeV, got "
                    "none"
                )
            of_layers = np.split(voxels, np.cumsum(self.layer_sizes)[:-1], axis=1)
            rows.append([tabulate_layer(of_layer, weights) for of_layer in of_layers])
        return QuantileVoxelTransform(
            self.layer_sizes,
            torch.from_numpy(energies).float(),
            _stack([np.stack([layer.fractions for layer in row]) for row in rows]),
            _stack([np.concatenate([layer.thresholds for layer in row], axis=1) for row in rows]),
            _stack([np.concatenate([layer.climbs for layer in row], axis=1) for row in rows]),
        )

    def forward(
        self,
        voxels: Float[Tensor, "event voxel"],
        energy: Float[Tensor, " event"],
        noise: Float[Tensor, "event voxel"] | None = None,
    ) -> Float[Tensor, "event voxel"]:
        """Map voxels into the space of the models.

        Args:
            voxels: Energies as fractions of the kinetic energy.
            energy: Kinetic energies in MeV.
            noise: Uniform numbers u in [0, 1) for the empty voxels; None for 1, where voxels stop
                being empty.

        Returns:
            Normal scores.
        """
        shares: Tensor = self.normalization(voxels)
        layer_energy = self.normalization.layer_energy(voxels)
        threshold, climbs = self._tables(energy, layer_energy)
        log_shares = nn.functional.pad(climbs.cumsum(dim=2), (1, 0)) + math.log(LOWEST_SHARE)
        # an empty voxel has no logarithm; what it gets here is replaced in the last line
        ratio = shares.clamp(min=torch.finfo(shares.dtype).tiny).log()
        interval = (ratio.unsqueeze(2) >= log_shares[:, :, 1:-1]).sum(dim=2, keepdim=True)
        low = log_shares.gather(2, interval).squeeze(2)
        high = log_shares.gather(2, interval + 1).squeeze(2)
        first = self.knots[interval.squeeze(2)]
        width = self.knots[interval.squeeze(2) + 1] - first
        position = first + width * ((ratio - low) / (high - low)).clamp(min=1e-6)
        score = threshold + (HIGHEST_SCORE - threshold) * position
        # ties are broken at random below the threshold: empty voxels fill the tail of the normal
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
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            Energies of the voxels as fractions of the kinetic energy, not negative.
        """
        threshold, climbs = self._tables(energy, layer_energy)
        position = (y - threshold) / (HIGHEST_SCORE - threshold)
        passed = (position.unsqueeze(2) - self.knots[:-1]) / self.knots.diff()
        passed = torch.minimum(passed.relu(), self.longest)
        ratio = math.log(LOWEST_SHARE) + (passed * climbs).sum(dim=2)
        shares = torch.where(position > 0.0, ratio.clamp(max=0.0).exp(), 0.0)
        return self.normalization.inverse(self._fill(shares, position), layer_energy)

    def empty_scores(
        self, energy: Float[Tensor, " event"], layer_energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event voxel"]:
        """Look up the scores z_0 up to which voxels are empty.

        Args:
            energy: Kinetic energies in MeV.
            layer_energy: Energies of the layers as fractions of the kinetic energy.

        Returns:
            The scores.
        """
        return self._tables(energy, layer_energy)[0]

    def extra_repr(self) -> str:
        """Say how large the tables are."""
        n_energies, n_fractions = self.thresholds.shape[:2]
        nodes = f"{n_energies} x {n_fractions} nodes"
        return f"{self.n_voxels} voxels, {nodes}, {len(self.knots)} knots"

    def _tables(
        self, energy: Float[Tensor, " event"], layer_energy: Float[Tensor, "event layer"]
    ) -> tuple[Float[Tensor, "event voxel"], Float[Tensor, "event voxel interval"]]:
        near = node_weights(energy.log(), self.energies)
        logarithm = layer_energy.clamp(min=torch.finfo(energy.dtype).tiny).log()
        between = fraction_weights(logarithm, self.fractions)
        weights = (near[:, :, None, None] * between).transpose(1, 2).flatten(start_dim=2)
        thresholds, climbs = [], []
        tables = (self.thresholds.flatten(end_dim=1), self.climbs.flatten(end_dim=1))
        for of_layer, threshold, climb in zip(
            weights.unbind(dim=1),
            *(torch.split(table, list(self.layer_sizes), dim=1) for table in tables),
            strict=True,
        ):
            thresholds.append(of_layer @ threshold)
            at_knots = of_layer @ climb.flatten(start_dim=1)
            climbs.append(at_knots.unflatten(1, climb.shape[1:]))
        return torch.cat(thresholds, dim=1), torch.cat(climbs, dim=1)

    def _fill(
        self, shares: Float[Tensor, "event voxel"], position: Float[Tensor, "event voxel"]
    ) -> Float[Tensor, "event voxel"]:
        """Give layers whose voxels are all empty one voxel: that of the highest position."""
        parts = torch.split(position, list(self.layer_sizes), dim=1)
        highest = torch.cat([part.amax(dim=1, keepdim=True) for part in parts], dim=1)
        wanted = highest.clamp(max=0.0).index_select(1, self.normalization.layer)
        return torch.where(position >= wanted, shares.clamp(min=NEXT_TO_NOTHING), shares)


def _stack(rows: list[Array]) -> Float[Tensor, "energy ..."]:
    return torch.from_numpy(np.stack(rows)).float()
