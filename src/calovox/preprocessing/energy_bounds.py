r"""Bounds on layer energies, by what training showers had.

A flow has no ends: one shower of some thousands has most of its energy in the last layer, or none
at all. The visible fraction u_0 of the kinetic energy E is kept within the lowest and the highest
that training showers near E had, and the part of it that each layer holds,

$$f_k = \frac{E_k}{E_0 + \dots + E_{n-1}} = u_{k+1} \prod_{j \le k} (1 - u_j), \qquad 1 \le j,$$

below the highest. What a layer has beyond goes to the layer that holds most on average, which has
no bound. The bounds are known at `N_BOUNDS` energies, evenly spaced in log E, each from all
showers up to the next energies on both sides: between them they change linearly, and no training
shower is changed.
"""

from collections.abc import Iterable
from typing import Final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from calovox.preprocessing.energy_nodes import node_weights

__all__ = ["N_BOUNDS", "EnergyBounds"]

N_BOUNDS: Final = 12
"""Energies at which bounds are known: a little more than an octave for the note's range."""

_ROUNDING: Final = 1e-5
"""How far single precision may bring a training shower beyond its own bound, relatively."""


_VECTOR: Final = 16
"""Numbers that any processor treats at once: runtimes round the logarithms of others differently,
and a shower would depend on its batch."""


class EnergyBounds(nn.Module):
    """Keeps layer energies within bounds that depend on the kinetic energy.

    Args:
        nodes: Logarithms of energies in MeV, evenly spaced.
        table: At each of them the lowest and the highest u_0, then the highest f_0, f_1, ...
        sink: 1 for the layer that takes what others have beyond, 0 for the others.

    Attributes:
        known: Whether there are bounds: without them, everything stays as it is.
    """

    nodes: Tensor
    table: Tensor
    sink: Tensor
    before: Tensor
    behind: Tensor
    ones: Tensor

    def __init__(
        self,
        nodes: Float[Tensor, " node"],
        table: Float[Tensor, "node bound"],
        sink: Float[Tensor, " layer"],
    ) -> None:
        super().__init__()
        self.register_buffer("nodes", nodes)
        self.register_buffer("table", table)
        self.register_buffer("sink", sink)
        n = len(sink)
        self.register_buffer("before", torch.ones(n, n - 1).tril(-1) > 0, persistent=False)
        self.register_buffer("behind", torch.ones(n, n).tril(), persistent=False)
        self.register_buffer("ones", torch.ones(1, _VECTOR), persistent=False)
        # kept beside the numbers: an exported graph cannot depend on their values
        self.known = bool(table.any())
        hook = self.register_load_state_dict_post_hook
        hook(_tell_whether_known)  # type: ignore[no-untyped-call]

    @staticmethod
    def unfitted(n_layers: int) -> "EnergyBounds":
        """Build bounds that are not known yet.

        Args:
            n_layers: How many layers.

        Returns:
            Bounds that change nothing.
        """
        nodes = torch.arange(N_BOUNDS, dtype=torch.float32)
        return EnergyBounds(nodes, torch.zeros(N_BOUNDS, n_layers + 2), torch.zeros(n_layers))

    @staticmethod
    def fit(
        showers: Iterable[tuple[Float[Tensor, " _"], Float[Tensor, "_ layer"]]],
        energy_range: tuple[float, float],
    ) -> "EnergyBounds":
        """Find the extremes of showers.

        Args:
            showers: Kinetic energies in MeV and layer energies as fractions of them, in parts of
                any size.
            energy_range: Lowest and highest kinetic energy of the showers in MeV.

        Returns:
            The bounds. Where no shower is near, they are those of the next energies.
        """
        low, high = torch.tensor(energy_range, dtype=torch.float64).log()
        nodes = torch.linspace(float(low), max(float(high), float(low) + 1e-3), N_BOUNDS)
        # the lowest u_0 with a minus: all are highest values
        extremes, sums = torch.tensor(-torch.inf), torch.tensor(0.0)
        for energy, layer_energy in showers:
            values = _bounded(layer_energy.double())
            extremes = torch.maximum(extremes, _extremes_near(nodes, energy.log(), values))
            sums = sums + values[:, 2:].sum(dim=0)
        if not bool(extremes.isfinite().any()):
            raise ValueError("EnergyBounds: expected showers with energy, got none")
        table = _filled(extremes)
        table[:, 0] *= -1.0
        wider = torch.full((table.shape[1],), 1.0 + _ROUNDING, dtype=table.dtype)
        wider[0] = 1.0 - _ROUNDING
        table *= wider
        sink = int(sums.argmax())
        table[:, 2 + sink] = 1.0
        return EnergyBounds(
            nodes.float(), table.float(), torch.eye(len(sums), dtype=torch.float32)[sink]
        )

    def at(self, energy: Float[Tensor, " event"]) -> Float[Tensor, "event bound"]:
        """Interpolate the bounds.

        Args:
            energy: Kinetic energies in MeV.

        Returns:
            The lowest and the highest u_0, then the highest f_0, f_1, ...
        """
        logarithm = (energy[:, None] * self.ones.to(energy.dtype)).log()[:, 0]
        weights = node_weights(logarithm, self.nodes.to(energy.dtype))
        return weights @ self.table.to(energy.dtype)

    def bound_total(
        self, total: Float[Tensor, "event 1"], bounds: Float[Tensor, "event bound"]
    ) -> Float[Tensor, "event 1"]:
        """Keep u_0 within its bounds.

        Args:
            total: u_0.
            bounds: What `at` gave.

        Returns:
            u_0, not below the lowest and not above the highest.
        """
        return torch.minimum(torch.maximum(total, bounds[:, :1]), bounds[:, 1:2])

    def bound_shares(
        self,
        shares: Float[Tensor, "event share"],
        rests: Float[Tensor, "event share"],
        bounds: Float[Tensor, "event bound"],
    ) -> tuple[Float[Tensor, "event share"], Float[Tensor, "event share"]]:
        """Keep what each layer holds within its bounds.

        Args:
            shares: u_1, u_2, ...
            rests: 1 - u_1, 1 - u_2, ...
            bounds: What `at` gave.

        Returns:
            Shares and rests, the very same numbers where nothing is beyond.
        """
        if shares.shape[1] == 0:
            return shares, rests
        sink, behind = self.sink.to(shares.dtype), self.behind.to(shares.dtype)
        left = torch.where(self.before, rests[:, None, :], 1.0).prod(dim=2)
        parts = left * torch.cat([shares, torch.ones_like(shares[:, :1])], dim=1)
        highest = bounds[:, 2:]
        kept = torch.minimum(parts, highest)
        # sums as products of matrices: runtimes add few numbers in another order in other batches
        kept = kept @ (torch.eye(len(sink), dtype=sink.dtype) - sink) + sink
        tails = kept @ behind
        filled = tails[:, :-1].clamp(min=torch.finfo(shares.dtype).tiny)
        beyond = (parts - highest).amax(dim=1, keepdim=True) > 0.0
        # both by division: 1 - u would lose the digits of the smaller one
        return (
            torch.where(beyond, kept[:, :-1] / filled, shares),
            torch.where(beyond, tails[:, 1:] / filled, rests),
        )


def _bounded(layer_energy: Float[Tensor, "event layer"]) -> Float[Tensor, "event bound"]:
    """Compute -u_0, u_0 and what each layer holds; nothing that counts of an empty shower."""
    total = layer_energy.sum(dim=1, keepdim=True)
    empty = total <= 0.0
    parts = layer_energy / torch.where(empty, 1.0, total)
    return torch.cat([torch.where(empty, -torch.inf, -total), total, parts], dim=1)


def _extremes_near(
    nodes: Float[Tensor, " node"],
    log_energy: Float[Tensor, " _"],
    values: Float[Tensor, "_ bound"],
) -> Float[Tensor, "node bound"]:
    gap = nodes[1] - nodes[0]
    near = (log_energy[:, None] - nodes).abs() <= gap * (1.0 + 1e-4)
    beyond = values.new_full((), -torch.inf)
    rows = [torch.where(chosen[:, None], values, beyond).amax(dim=0) for chosen in near.T]
    return torch.stack(rows)


def _filled(extremes: Float[Tensor, "node bound"]) -> Float[Tensor, "node bound"]:
    """Give nodes without showers the wider ones of the next bounds on both sides."""
    found: Bool[Tensor, " node"] = extremes[:, 0].isfinite()
    places = torch.arange(len(extremes))
    filled = extremes.clone()
    for node in places[~found].tolist():
        sides = (places[found & (places < node)][-1:], places[found & (places > node)][:1])
        filled[node] = extremes[torch.cat(sides)].amax(dim=0)
    return filled


def _tell_whether_known(bounds: EnergyBounds, incompatible_keys: object) -> None:
    bounds.known = bool(bounds.table.any())
