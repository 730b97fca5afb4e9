"""What simulated showers and others are compared by, and in which units."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from calovox.arrays import Array, Float64
from calovox.preprocessing.energy_nodes import node_weights
from calovox.voxelization import VoxelGrid

__all__ = ["ObservableScales", "ShowerObservables", "neighbours"]

N_NODES: Final = 24
"""Energies at which fluctuations are known."""

_LEAST: Final = {
    **{"energies": 0.3, "voxels": 0.15, "centre": 0.02, "moments": 0.02},
    "patterns": 0.01,
}
"""Fluctuations below these, in roots of MeV, mm or pure numbers, count as these."""

_NEXT_TO_NOTHING: Final = 1e-8
_LEAST_ENERGY: Final = 0.5
_REACH: Final = 30.0
_ELLIPSE_REACH: Final = 60.0
_BEYOND: Final = (10.0, 30.0, 100.0)
_MEV: Final = 1.0
_SOFT: Final = 0.3


class ShowerObservables(nn.Module):
    """What the terms of the loss compare.

    Args:
        grid: The voxels.
        positions: Where they are along eta and phi in mm; None for no centre.
    """

    layers: Tensor
    rings: Tensor
    moments: Tensor
    positions: Tensor

    def __init__(self, grid: VoxelGrid, positions: Float64[Array, "axis voxel"] | None) -> None:
        super().__init__()
        layer = np.repeat(np.arange(len(grid.layer_sizes)), grid.layer_sizes)
        of_layer = np.eye(len(grid.layer_sizes))[layer]
        _, ring = np.unique(np.stack([layer, grid.r_min]), axis=1, return_inverse=True)
        r, alpha = grid.r_middle, grid.alpha_middle
        near, nearer = np.minimum(r, _REACH), np.minimum(r, _ELLIPSE_REACH)
        parts = [
            *(near * np.cos(alpha), near * np.sin(alpha), r * np.cos(alpha), r * np.sin(alpha)),
            *(r, nearer * np.cos(2 * alpha), nearer * np.sin(2 * alpha)),
            *(np.greater(r, beyond).astype(np.float64) for beyond in _BEYOND),
        ]
        of_all = np.hstack([of_layer, np.ones((len(layer), 1))])
        self.moved = positions is not None
        where = np.zeros((2, len(r))) if positions is None else positions
        for name, values in {
            "layers": of_layer,
            "rings": np.eye(ring.max() + 1)[ring.ravel()],
            "moments": np.hstack([part[:, None] * of_all for part in parts]),
            "positions": where.T,
        }.items():
            self.register_buffer(name, torch.from_numpy(values).float(), persistent=False)

    def of_energies(
        self, total: Float[Tensor, "event 1"], energy: Float[Tensor, "event layer"]
    ) -> Float[Tensor, "event number"]:
        """Give the total in MeV, and roots of the energies of layers."""
        return torch.cat([total, _root(energy)], dim=1)

    def of_voxels(self, voxels: Float[Tensor, "event voxel"]) -> dict[str, Tensor]:
        """Give the numbers of all terms that depend on voxels, in MeV."""
        energy = voxels @ self.layers
        whole = energy.sum(dim=1, keepdim=True).clamp(min=_LEAST_ENERGY)
        least = torch.cat([energy.clamp(min=_LEAST_ENERGY), whole], dim=1)
        n_moments = self.moments.shape[1] // least.shape[1]
        moments = (voxels @ self.moments) / least.repeat(1, n_moments)
        hit = torch.sigmoid((voxels - _MEV) / _SOFT) @ self.layers
        largest = _root((voxels * voxels) @ self.layers) / _root(energy)
        of_rings = _root(voxels @ self.rings)
        numbers = {
            "voxels": _root(voxels),
            "moments": torch.cat([moments, of_rings, hit.sqrt(), _root(largest)], dim=1),
        }
        if self.moved:
            numbers["centre"] = (voxels @ self.positions) / whole
        return numbers


def neighbours(grid: VoxelGrid) -> Int64[Tensor, "2 pair"]:
    """Find the next voxel in alpha of each voxel.

    Args:
        grid: The voxels.

    Returns:
        Pairs of voxels of one ring.
    """
    keys = np.stack([grid.layer, grid.r_min, grid.alpha_min])
    order = np.lexsort(keys[::-1])
    ring = keys[:2, order]
    starts = np.flatnonzero(np.r_[True, np.any(ring[:, 1:] != ring[:, :-1], axis=0)])
    rings = np.split(order, starts[1:])
    following = np.concatenate([np.roll(of_ring, -1) for of_ring in rings])
    return torch.from_numpy(np.stack([np.concatenate(rings), following]))


class ObservableScales(nn.Module):
    """Mean and fluctuation of numbers among showers near an energy.

    Args:
        nodes: Logarithms of kinetic energies in MeV, evenly spaced, rising.
        means: Means at the nodes, by the name of the term.
        spreads: Standard deviations at the nodes.
    """

    nodes: Tensor
    energies: Tensor

    def __init__(
        self, nodes: Float[Tensor, " node"], means: dict[str, Tensor], spreads: dict[str, Tensor]
    ) -> None:
        super().__init__()
        self.register_buffer("nodes", nodes)
        for name, values in means.items():
            self.register_buffer(f"mean_{name}", values)
        for name, values in spreads.items():
            self.register_buffer(name, values)

    @property
    def n_numbers(self) -> int:
        """How many numbers of all terms there are."""
        means = (v for name, v in self.named_buffers() if name.startswith("mean_"))
        return sum(values.shape[1] for values in means)

    @staticmethod
    def fit(
        showers: Iterable[tuple[Float[Tensor, " _"], dict[str, Tensor]]],
        energy_range: tuple[float, float],
    ) -> "ObservableScales":
        """Find them.

        Args:
            showers: Kinetic energies in MeV and numbers of showers, in parts of any size.
            energy_range: Lowest and highest kinetic energy in MeV.

        Returns:
            The spreads; those below `_LEAST` are `_LEAST`.
        """
        low, high = np.log(energy_range)
        nodes = torch.linspace(low, max(high, low + 1e-3), N_NODES, dtype=torch.float64)
        sums: dict[str, list[Tensor]] = {}
        for energy, numbers in showers:
            weights = node_weights(energy.double().log(), nodes)
            for name, values in numbers.items():
                exact = values.double()
                moments = (torch.ones(len(exact), 1, dtype=exact.dtype), exact, exact * exact)
                found = [weights.T @ moment for moment in moments]
                known = sums.get(name)
                sums[name] = (
                    found if known is None else [a + b for a, b in zip(known, found, strict=True)]
                )
        means, spreads = {}, {}
        for name, (count, first, second) in sums.items():
            mean, square = (part / count.clamp(min=1e-9) for part in (first, second))
            means[name] = mean.float()
            spread = (square - mean * mean).clamp(min=0.0).sqrt()
            spreads[name] = spread.clamp(min=_LEAST[name]).float()
        return ObservableScales(nodes.float(), means, spreads)

    def at(self, name: str, log_energy: Float[Tensor, " event"]) -> Float[Tensor, "event number"]:
        """Interpolate the spreads of the numbers of a term."""
        spreads: Tensor = getattr(self, name)
        return node_weights(log_energy, self.nodes) @ spreads

    def standardized(
        self, name: str, values: Float[Tensor, "event number"], log_energy: Float[Tensor, " event"]
    ) -> Float[Tensor, "event number"]:
        """Give numbers of a term as distances from their mean, in units of their spread."""
        weights = node_weights(log_energy, self.nodes)
        means: Tensor = getattr(self, f"mean_{name}")
        spreads: Tensor = getattr(self, name)
        return (values - weights @ means) / (weights @ spreads)


def _root(energy: Tensor) -> Tensor:
    return (energy + _NEXT_TO_NOTHING).sqrt()
