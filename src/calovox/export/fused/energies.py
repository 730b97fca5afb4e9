r"""Layer energies from the variables of the flow, and what the shape model sees of them.

`LayerEnergyTransform.inverse` and, behind it, `LayerEnergyTransform.forward` of the shape model
in few nodes. With v the logits of the shares u_1, ..., all shares and their rests 1 - u come from
one exponential of (-v, v); energies are what is left behind the layers before,

    left_k = E_kin u_0 (1 - u_1) ... (1 - u_k),   E_k = left_k u_{k + 1},

and the shape model reads the logarithms of u and 1 - u instead of computing u from energies again:
its logit and standardisation are part of its first weights.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor, nn

from calovox.export.affine import Affine
from calovox.preprocessing import EnergyBounds, LayerEnergyTransform

__all__ = ["FusedContext", "FusedEnergies", "LayerShares"]

_FOR_SHARE_OF_ONE = -1000.0  # 1 / (1 + exp(this)) is 1


class LayerShares(NamedTuple):
    """Energies of the layers, and how they came about.

    Attributes:
        energy: Energies of the layers in MeV.
        left: What is left for each layer and those behind, MeV.
        total: u_0.
        shares: The shares, a share of 1 and the rests.
    """

    energy: Float32[Tensor, "event layer"]
    left: Float32[Tensor, "event layer"]
    total: Float32[Tensor, "event 1"]
    shares: Float32[Tensor, "event share"]


class FusedEnergies(nn.Module):
    """Maps variables of the flow to layer energies.

    Args:
        transform: The transform of the energy model, of two layers or more.
        places: Where each variable of the transform stands.
        bounds: Within which energies are kept; None for no bounds.
    """

    stretch: Tensor
    shift: Tensor
    before: Tensor
    one: Tensor

    def __init__(
        self,
        transform: LayerEnergyTransform,
        places: Int64[Tensor, " layer"],
        bounds: EnergyBounds | None = None,
    ) -> None:
        super().__init__()
        self.n_layers = n = transform.n_layers
        self.bounds = bounds if bounds is not None and bounds.known else None
        std = transform.standardization.std.double()
        mean = transform.standardization.mean.double()
        straight = torch.diag(std)[:, places.argsort()]
        # u_0, then -v and the number of a share of 1, then v
        last = torch.zeros(1, n, dtype=torch.float64)
        constant = torch.full((1,), _FOR_SHARE_OF_ONE, dtype=torch.float64)
        self.logits = Affine(
            torch.cat([straight[:1], -straight[1:], last, straight[1:]]),
            torch.cat([mean[:1], -mean[1:], constant, mean[1:]]),
        )
        self.least_rest = transform.least_rest
        width, regular = transform.dequantization.width, _regularisation(transform)
        stretch = torch.full((2 * n - 1,), 2.0 * regular * (1.0 + width) + width)
        shift = torch.full((2 * n - 1,), regular * (1.0 + width))
        shift[: n - 1] += width
        stretch[n - 1] = shift[n - 1] = 0.0
        self.register_buffer("stretch", stretch)
        self.register_buffer("shift", shift)
        self.register_buffer("before", torch.ones(n, n - 1).tril(-1) > 0)
        self.register_buffer("one", torch.ones(()))

    def forward(
        self, y: Float32[Tensor, "event layer"], energy: Float32[Tensor, "event 1"]
    ) -> LayerShares:
        """Compute layer energies.

        Args:
            y: Variables of the flow.
            energy: Kinetic energy in MeV.

        Returns:
            The energies.
        """
        total, logits = torch.split(self.logits(y), [1, 2 * self.n_layers - 1], dim=1)
        bounds = self.bounds
        if bounds is None:
            total = total.relu()
        else:
            at = bounds.at(energy[:, 0])
            total = bounds.bound_total(total, at)
        raw = 1.0 / (1.0 + logits.exp())
        shares = (raw + (raw * self.stretch - self.shift)).clamp(0.0, 1.0)
        taken, rests = torch.split(shares, [self.n_layers, self.n_layers - 1], dim=1)
        # up to `least_rest` of the energy is given to no layer
        rests = torch.where(rests > self.least_rest, rests, 0.0)
        if bounds is not None:
            kept, one = torch.split(taken, [self.n_layers - 1, 1], dim=1)
            kept, rests = bounds.bound_shares(kept, rests, at)
            taken = torch.cat([kept, one], dim=1)
        shares = torch.cat([taken, rests], dim=1)
        factors = torch.where(self.before, rests.unsqueeze(1), self.one)
        left = factors.prod(dim=2) * (total * energy)
        return LayerShares(left * taken, left, total, shares)


class FusedContext(nn.Module):
    """Adds to neurons what a network reads of the layer energies.

    Args:
        transform: The transform of the shape model.
        weight: How its numbers enter the network.
    """

    of_none: Tensor

    def __init__(
        self, transform: LayerEnergyTransform, weight: Float64[Tensor, "neuron layer"]
    ) -> None:
        super().__init__()
        n = transform.n_layers
        width = transform.dequantization.width / (1.0 + transform.dequantization.width)
        alpha = transform.logit.alpha
        scale = (1.0 - 2.0 * alpha) * (1.0 - width)
        offset = alpha + (1.0 - 2.0 * alpha) * width
        # the numbers p and 1 - p of the logit, from the shares and the rests
        pick = torch.eye(2 * n - 1, dtype=torch.float64)
        pick = torch.cat([pick[: n - 1], pick[n:]])
        constants = torch.tensor([offset, alpha], dtype=torch.float64).repeat_interleave(n - 1)
        self.both = Affine(scale * pick, constants)
        self.is_left = Affine(torch.eye(n, dtype=torch.float64)[: n - 1].repeat(2, 1))
        none = torch.tensor([offset, alpha + scale]).repeat_interleave(n - 1)
        self.register_buffer("of_none", none)  # a share of 0, a rest of 1
        weight = weight / transform.standardization.std.double()
        bias = -weight @ transform.standardization.mean.double()
        self.bias = bias
        self.enter = Affine(torch.cat([weight, -weight[:, 1:]], dim=1))

    def forward(
        self,
        layers: LayerShares,
        neurons: Float32[Tensor, "event neuron"],
    ) -> Float32[Tensor, "event neuron"]:
        """Add the context.

        Args:
            layers: The energies, as `FusedEnergies` gives them.
            neurons: What else the neurons read, with `bias` in it.

        Returns:
            The neurons, with the context.
        """
        there = self.is_left(layers.left) > 0.0
        logarithms = torch.where(there, self.both(layers.shares), self.of_none).log()
        entered: Tensor = self.enter(torch.cat([layers.total, logarithms], dim=1), neurons)
        return entered


def _regularisation(transform: LayerEnergyTransform) -> float:
    """Find a in p - a (1 - 2 p), the inverse of the regularisation of the logit."""
    return transform.logit.alpha / (1.0 - 2.0 * transform.logit.alpha)
