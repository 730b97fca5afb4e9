r"""The inverse of a spline flow in as few nodes as possible.

A graph of small tensors costs time by the node, and by the weight that is read. Three changes
of `ConditionalFlow.inverse` leave what it computes as it is:

- Permutations are part of the weights: every block reads and writes the same places.
- What the variables add to the quantities of the bins comes from one product beside the network.
- A spline is evaluated in all of its bins at once instead of in the one that holds y. With
  e = min(max(y - y_k, 0), h) and p = h - e, the part of y's bin below and above y, a bin of width
  w, height h and slopes d_0, d_1 at its knots adds

      w/2 q / (r + h),  q = b + e - p,  r = sqrt(b^2 + 4 e p),  b = (w / h) (d_1 e - d_0 p)

  to x. This is the root of the quadratic equation in `calovox.nn.spline`, less w/2; bins below y
  add w/2, bins above -w/2. There is no case to tell apart, nothing cancels but to the rounding of
  w, and the root is never of a negative number.

Outside of [-bound, bound] the parts of y beyond are added: the linear tails.

The flow is written in double precision; `calovox.export.passes.mixed_flow` lets its networks
compute in single precision behind the exporter. Where splines are steep, 14 blocks enlarge a
rounding of 1e-7 to 1e-4 and more in the logits of layer energies; on tensors this small, double
precision costs little.

References:
    C. Durkan, A. Bekasov, I. Murray, G. Papamakarios, *Neural spline flows*, 2019,
    https://arxiv.org/abs/1906.04032
"""

from collections.abc import Sequence
from typing import Final

import torch
from jaxtyping import Float64, Int64
from torch import Tensor, nn

from calovox.export.affine import Affine, linear_layers
from calovox.nn import ConditionalFlow, SplineCoupling
from calovox.nn.spline import MIN_SHARE, MIN_SLOPE, UNIT_SLOPE

__all__ = ["FusedFlow"]

_STEEPEST: Final = 1e-300  # a slope of 690


class FusedFlow(nn.Module):
    """Maps normal numbers to the variables of a flow, conditions given block by block.

    Args:
        flow: The flow, with networks of ReLU.

    Attributes:
        consumers: For each block, in the order in which they come, weight and bias with which
            the embedded condition enters it.
        places: Where in the result each variable of the flow stands.
    """

    def __init__(self, flow: ConditionalFlow) -> None:
        super().__init__()
        places = torch.arange(flow.n_variables)
        self.consumers: list[tuple[Tensor, Tensor]] = []
        blocks: list[_FusedBlock] = []
        for k in reversed(range(len(flow.blocks))):
            coupling = flow.blocks[k]
            assert isinstance(coupling, SplineCoupling)
            blocks.append(_FusedBlock(coupling, places))
            self.consumers.append(_condition_part(coupling))
            if k > 0:  # the permutation before the block is done by reading other places
                places = places[flow.inverse_permutations[k - 1]]
        self.blocks = nn.ModuleList(blocks)
        self.places = places

    def forward(
        self,
        z: Float64[Tensor, "event variable"],
        conditions: Sequence[Float64[Tensor, "event neuron"]],
    ) -> Float64[Tensor, "event variable"]:
        """Draw variables.

        Args:
            z: Standard normal numbers.
            conditions: For each block, what the condition adds to its first neurons.

        Returns:
            Variables of the flow at `places`.
        """
        for block, condition in zip(self.blocks, conditions, strict=True):
            z = block(z, condition)
        return z


class _FusedBlock(nn.Module):
    """The inverse of a coupling block on variables that stand at given places."""

    difference: Tensor
    half_difference: Tensor
    scatter: Tensor
    signs: Tensor
    steepest: Tensor
    least_slope: Tensor

    def __init__(self, coupling: SplineCoupling, places: Int64[Tensor, " variable"]) -> None:
        super().__init__()
        n_variables, n_changed = len(places), coupling.n_changed
        self.n_bins = (coupling.network.sizes[-1] // n_changed + 1) // 3
        self.n_parts = n_changed * self.n_bins
        changed = places[coupling.n_unchanged :]
        self.hidden = _hidden_layers(coupling, places)
        shares, offsets = _bin_quantities(coupling.bound, self.n_bins, n_changed)
        self.outputs = _output_layer(coupling)
        self.offsets = _offset_layer(n_variables, changed, coupling.bound, offsets)
        n_tails = 2 * n_variables
        self.knots = Affine(nn.functional.pad(shares, (0, 0, 0, n_tails)), dtype=torch.float64)
        one = torch.eye(self.n_parts, dtype=torch.float64)
        self.register_buffer("difference", torch.cat([one, -one]))
        self.register_buffer("half_difference", 0.5 * torch.cat([one, -one]))
        # tensors: the exporter would round numbers to single precision, and the first to 0
        self.register_buffer("steepest", torch.tensor(_STEEPEST, dtype=torch.float64))
        self.register_buffer("least_slope", torch.tensor(MIN_SLOPE, dtype=torch.float64))
        each = torch.eye(n_variables, dtype=torch.float64)
        self.register_buffer("scatter", each[changed].repeat_interleave(self.n_bins, dim=0))
        self.register_buffer("signs", torch.cat([each, -each]))

    def forward(
        self, z: Float64[Tensor, "event variable"], condition: Float64[Tensor, "event neuron"]
    ) -> Float64[Tensor, "event variable"]:
        n, n_tails = self.n_parts, len(self.signs)
        neurons = self.hidden[0](z, condition).relu()
        for layer in self.hidden[1:]:
            neurons = layer(neurons).relu()
        logits, slopes = torch.split(self.outputs(neurons), 2 * n, dim=1)
        offsets = self.offsets(z)
        # one softmax for widths and heights of all variables
        shares = logits.reshape(-1, self.n_bins).softmax(dim=1).reshape(-1, 2 * n)
        quantities = self.knots(shares, offsets).relu()
        parts = [2 * n, 2 * n, n, n, n_tails]
        reach, size, half_width, height, rest = torch.split(quantities, parts, dim=1)
        both = torch.minimum(reach, size)  # 2 e and 2 p
        below, above = torch.split(both, n, dim=1)
        # softplus of -slopes, with an end: infinity times nothing would be NaN
        slope = self.least_slope - torch.maximum(torch.sigmoid(slopes), self.steepest).log()
        b = torch.mm(both * slope, self.difference) * (half_width / height)
        r = (b * b + below * above).sqrt()
        q = torch.addmm(b, both, self.half_difference)
        x = half_width * q / (r + height)
        return torch.addmm(torch.mm(rest, self.signs), x, self.scatter)


def _condition_part(
    coupling: SplineCoupling,
) -> tuple[Float64[Tensor, "neuron condition"], Float64[Tensor, " neuron"]]:
    weight, bias = linear_layers(coupling.network, nn.ReLU)[0]
    return weight[:, coupling.n_unchanged :], bias


def _hidden_layers(coupling: SplineCoupling, places: Int64[Tensor, " variable"]) -> nn.ModuleList:
    """Let the first hidden layer read variables where they stand."""
    (weight, bias), *later = linear_layers(coupling.network, nn.ReLU)[:-1]
    first = weight.new_zeros(len(bias), len(places))
    first[:, places[: coupling.n_unchanged]] = weight[:, : coupling.n_unchanged]
    layers = [Affine(first, dtype=torch.float64)]
    layers.extend(Affine(*layer, dtype=torch.float64) for layer in later)
    return nn.ModuleList(layers)


def _bin_quantities(
    bound: float, n_bins: int, n_changed: int
) -> tuple[Float64[Tensor, "quantity logit"], Float64[Tensor, "quantity column"]]:
    """Write what a spline needs as affine maps of the shares of its bins and of y."""
    # first the matrix for the shares (per variable, widths before heights); then for the rest, in
    # the columns, the constants and the factors of y of each changed variable
    below = torch.ones(n_bins + 1, n_bins, dtype=torch.float64).tril(-1)
    factors = 2.0 * bound * (1.0 - MIN_SHARE * n_bins) * below
    constants = 2.0 * bound * MIN_SHARE * torch.arange(n_bins + 1, dtype=torch.float64) - bound
    factors[-1], constants[-1] = 0.0, bound  # the last knot is the end, whatever the rounding
    size, size_0 = factors.diff(dim=0), constants.diff()
    none = torch.zeros_like(size)
    # shares of widths, shares of heights, constant, factor of y
    rows = [
        (none, -2.0 * factors[:-1], -2.0 * constants[:-1], 2.0),  # 2 (y - y_k)
        (none, 2.0 * factors[1:], 2.0 * constants[1:], -2.0),  # 2 (y_{k + 1} - y)
        (none, 2.0 * size, 2.0 * size_0, 0.0),  # 2 h, for e
        (none, 2.0 * size, 2.0 * size_0, 0.0),  # 2 h, for p
        (0.5 * size, none, 0.5 * size_0, 0.0),  # w / 2
        (none, size, size_0, 0.0),  # h
    ]
    one = torch.eye(n_changed, dtype=torch.float64)
    shares = [torch.kron(one, torch.cat([widths, heights], 1)) for widths, heights, _, _ in rows]
    offsets = [
        torch.cat([c.repeat(n_changed)[:, None], f * one.repeat_interleave(n_bins, 0)], 1)
        for _, _, c, f in rows
    ]
    return torch.cat(shares), torch.cat(offsets)


def _offset_layer(
    n_variables: int,
    changed: Int64[Tensor, " changed"],
    bound: float,
    offsets: Float64[Tensor, "quantity column"],
) -> Affine:
    """Join what variables add to quantities of bins, and z and -z, less the bound if changed."""
    of_bins = offsets.new_zeros(len(offsets), n_variables)
    of_bins[:, changed] = offsets[:, 1:]
    constants = torch.zeros(n_variables, dtype=torch.float64)
    constants[changed] = -bound
    each = torch.eye(n_variables, dtype=torch.float64)
    weight = torch.cat([of_bins, each, -each])
    return Affine(weight, torch.cat([offsets[:, 0], constants.repeat(2)]), dtype=torch.float64)


def _output_layer(coupling: SplineCoupling) -> Affine:
    """Order the last layer: logits, then (minus) slopes at both ends of each bin."""
    weight, bias = linear_layers(coupling.network, nn.ReLU)[-1]
    # the bias is one more column: rows can then be cut and reordered with their bias
    both = torch.cat([weight, bias[:, None]], dim=1)
    both = both.reshape(coupling.n_changed, -1, both.shape[1])
    n_bins = (both.shape[1] + 1) // 3
    logits, inner = both[:, : 2 * n_bins], both[:, 2 * n_bins :]
    # the network gives slopes at inner knots alone; rows of zeros with this bias make them 1 at
    # both ends, as in `RationalQuadraticSpline`
    slopes = nn.functional.pad(inner, (0, 0, 1, 1))
    slopes[:, :, -1] += UNIT_SLOPE
    # minus: the forward pass writes softplus(s) as -log(sigmoid(-s)), which it can keep finite
    parts = (logits, -slopes[:, 1:], -slopes[:, :-1])
    joined = torch.cat([part.flatten(0, 1) for part in parts])
    return Affine(joined[:, :-1], joined[:, -1], dtype=torch.float64)
