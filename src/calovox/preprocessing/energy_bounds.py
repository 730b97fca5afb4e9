r"""Bounds on layer energies, by what training showers had.

A flow has no ends: one shower of some thousands has most of its energy in the last layer, or none
at all. With u_0 the visible fraction of the kinetic energy E and t_k the part of it behind layer
k,

$$t_k = \frac{E_{k+1} + \dots + E_{n-1}}{E_0 + \dots + E_{n-1}} = \prod_{j \le k} (1 - u_{j+1}),$$

u_0 is kept within the lowest and the highest that training showers near E had, and every t_k below
the highest. A share u that would leave more for the layers behind takes what is too much. The
bounds are known at `N_BOUNDS` energies, evenly spaced in log E, each from all showers up to the
next energies on both sides: between them they change linearly, and no training shower is changed.
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
        table: At each of them the lowest and the highest u_0, then the highest t_0, t_1, ...

    Attributes:
        known: Whether there are bounds: without them, everything stays as it is.
    """

    nodes: Tensor
    table: Tensor
    before: Tensor
    ones: Tensor

    def __init__(self, nodes: Float[Tensor, " node"], table: Float[Tensor, "node bound"]) -> None:
        super().__init__()
        self.register_buffer("nodes", nodes)
        self.register_buffer("table", table)
        n_shares = table.shape[1] - 2
        upto = torch.ones(n_shares, n_shares).tril() > 0
        self.register_buffer("before", upto, persistent=False)
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
        return EnergyBounds(nodes, torch.zeros(N_BOUNDS, n_layers + 1))

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
        extremes: Tensor | None = None
        for energy, layer_energy in showers:
            of_part = _extremes_near(nodes, energy.log(), _bounded(layer_energy.double()))
            extremes = of_part if extremes is None else torch.maximum(extremes, of_part)
        if extremes is None:
            raise ValueError("EnergyBounds: expected showers, got none")
        table = _filled(extremes)
        table[:, 0] *= -1.0
        wider = torch.full((table.shape[1],), 1.0 + _ROUNDING, dtype=table.dtype)
        wider[0] = 1.0 - _ROUNDING
        return EnergyBounds(nodes.float(), (table * wider).float())

    def at(self, energy: Float[Tensor, " event"]) -> Float[Tensor, "event bound"]:
        """Interpolate the bounds.

        Args:
            energy: Kinetic energies in MeV.

        Returns:
            The lowest and the highest u_0, then the highest t_0, t_1, ...
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
        """Keep what is left for the layers behind each layer within its bounds.

        Args:
            shares: u_1, u_2, ...
            rests: 1 - u_1, 1 - u_2, ...
            bounds: What `at` gave.

        Returns:
            Shares and rests, the very same numbers where nothing is beyond.
        """
        if shares.shape[1] == 0:
            return shares, rests
        behind = torch.where(self.before, rests[:, None, :], 1.0).prod(dim=2)
        # by how much too much is left, at this layer or any before
        excess = (behind / bounds[:, 2:].clamp(min=torch.finfo(rests.dtype).tiny)).clamp(min=1.0)
        largest = torch.where(self.before, excess[:, None, :], 1.0).amax(dim=2)
        before = torch.cat([torch.ones_like(largest[:, :1]), largest[:, :-1]], dim=1)
        kept = rests * (before / largest)
        return shares + (rests - kept), kept


def _bounded(layer_energy: Float[Tensor, "event layer"]) -> Float[Tensor, "event bound"]:
    """Compute -u_0, u_0 and what is behind each layer, of showers that are not empty."""
    total = layer_energy.sum(dim=1, keepdim=True)
    behind = layer_energy.flip(1).cumsum(dim=1).flip(1)[:, 1:] / total
    return torch.cat([-total, total, behind], dim=1)[total[:, 0] > 0.0]


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
