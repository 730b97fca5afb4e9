r"""Monotonic splines of rational quadratics, and coupling blocks made of them.

In a bin of width w and height h, with the slope s = h / w, the slopes d_0 and d_1 at its two
knots, and the position xi in [0, 1] inside it,

    y  = y_0 + h (s xi^2 + d_0 xi (1 - xi)) / (s + (d_0 + d_1 - 2 s) xi (1 - xi)),
    y' = s^2 (d_1 xi^2 + 2 s xi (1 - xi) + d_0 (1 - xi)^2) / (s + (d_0 + d_1 - 2 s) xi (1 - xi))^2.

Outside of [-bound, bound] the spline is the identity (linear tails), and its slope at both ends
is 1. The bin of a number is found by counting the knots below it, so that everything here can be
written as an ONNX graph.

References:
    C. Durkan, A. Bekasov, I. Murray, G. Papamakarios, *Neural spline flows*, 2019,
    https://arxiv.org/abs/1906.04032, equations 4 to 8
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from calovox.nn.mlp import MLP

__all__ = ["RationalQuadraticSpline", "SplineCoupling"]

MIN_SHARE: Final = 1e-3
"""Smallest width and height of a bin, as a share of the whole range."""

MIN_SLOPE: Final = 1e-3
"""Smallest slope at a knot."""

UNIT_SLOPE: Final = math.log(math.expm1(1.0 - MIN_SLOPE))  # softplus of this + MIN_SLOPE is 1


@dataclass(frozen=True, eq=False)
class RationalQuadraticSpline:
    """One spline per event and variable.

    Attributes:
        x_knots: Rising knots; the first and the last are the ends of the range.
        y_knots: Values there, rising as well, with the same ends.
        slopes: Positive slopes there; 1 at the two ends.
    """

    x_knots: Float[Tensor, "event variable knot"]
    y_knots: Float[Tensor, "event variable knot"]
    slopes: Float[Tensor, "event variable knot"]

    @classmethod
    def from_parameters(
        cls, parameters: Float[Tensor, "event variable parameter"], *, bound: float
    ) -> "RationalQuadraticSpline":
        """Build splines from what a network gives.

        Args:
            parameters: Any numbers: for n bins, n for the widths, n for the heights, and n - 1
                for the slopes at the inner knots. All zeros give the identity.
            bound: The splines act in [-bound, bound].

        Returns:
            The splines.
        """
        n_bins = (parameters.shape[-1] + 1) // 3
        widths = parameters[..., :n_bins]
        heights = parameters[..., n_bins : 2 * n_bins]
        slopes = parameters[..., 2 * n_bins :]
        inner = MIN_SLOPE + nn.functional.softplus(slopes + UNIT_SLOPE)
        ends = torch.ones_like(parameters[..., :1])
        return cls(
            x_knots=_knots(widths, bound),
            y_knots=_knots(heights, bound),
            slopes=torch.cat([ends, inner, ends], dim=-1),
        )

    def forward(self, x: Float[Tensor, "event variable"]) -> Float[Tensor, "event variable"]:
        """Evaluate the splines.

        Args:
            x: Any numbers.

        Returns:
            The values y.
        """
        return self.forward_and_log_det(x)[0]

    def inverse(self, y: Float[Tensor, "event variable"]) -> Float[Tensor, "event variable"]:
        """Find where the splines have given values.

        With eta = (y - y_0) / h, xi solves a xi^2 + b xi = s eta; of the two ways to write the
        root, the one without cancellation is taken.

        Args:
            y: Any numbers.

        Returns:
            The arguments x.
        """
        bins = self._bins(_bin(y, self.y_knots))
        eta = ((y - bins.y) / bins.height).clamp(0.0, 1.0)
        a = bins.bend * eta + bins.slope - bins.slope_0
        b = bins.slope_0 - bins.bend * eta
        right = bins.slope * eta
        root = b.abs() + (b**2 + 4.0 * a * right).clamp(min=0.0).sqrt()
        # where b < 0, a > s: no division by zero on either side
        xi = torch.where(b < 0, root / (2.0 * torch.where(b < 0, a, 1.0)), 2.0 * right / root)
        x = bins.x + bins.width * xi.clamp(0.0, 1.0)
        return torch.where(self._outside(y), y, x)

    def log_abs_det_jacobian(
        self, x: Float[Tensor, "event variable"]
    ) -> Float[Tensor, "event variable"]:
        """Compute the logarithm of the slope.

        Args:
            x: Arguments of `forward`.

        Returns:
            log y' for each event and variable.
        """
        return self.forward_and_log_det(x)[1]

    def forward_and_log_det(
        self, x: Float[Tensor, "event variable"]
    ) -> tuple[Float[Tensor, "event variable"], Float[Tensor, "event variable"]]:
        """Do `forward` and `log_abs_det_jacobian`, finding the bins once.

        Args:
            x: Any numbers.

        Returns:
            What the two return.
        """
        bins = self._bins(_bin(x, self.x_knots))
        # clamped, so that gradients stay finite outside, where the identity is chosen below
        xi = ((x - bins.x) / bins.width).clamp(0.0, 1.0)
        rest = 1.0 - xi
        mixed = xi * rest
        lower = bins.slope + bins.bend * mixed
        share = (bins.slope * xi**2 + bins.slope_0 * mixed) / lower
        upper = bins.slope_1 * xi**2 + 2.0 * bins.slope * mixed + bins.slope_0 * rest**2
        log_slope = (bins.slope**2 * upper / lower**2).log()
        outside = self._outside(x)
        y = torch.where(outside, x, bins.y + bins.height * share)
        return y, torch.where(outside, 0.0, log_slope)

    def _outside(self, x: Float[Tensor, "event variable"]) -> Tensor:
        return (x < self.x_knots[..., 0]) | (x > self.x_knots[..., -1])

    def _bins(self, index: Int64[Tensor, "event variable 1"]) -> "_Bins":
        x_0, x_1 = _neighbours(self.x_knots, index)
        y_0, y_1 = _neighbours(self.y_knots, index)
        slope_0, slope_1 = _neighbours(self.slopes, index)
        slope = (y_1 - y_0) / (x_1 - x_0)
        bend = slope_0 + slope_1 - 2.0 * slope  # 0 where the spline is a straight line
        return _Bins(x_0, y_0, x_1 - x_0, y_1 - y_0, slope_0, slope_1, slope, bend)


class SplineCoupling(nn.Module):
    """One-sided coupling block: splines of the last variables, chosen by the first ones.

    The first variables are passed on unchanged and, with the condition, tell a network the
    splines of the last ones.

    Args:
        network: From the unchanged variables and the condition to 3 n - 1 parameters of a spline
            of n bins for each changed variable.
        n_unchanged: How many variables are passed on.
        n_changed: How many variables splines are applied to.
        bound: The splines act in [-bound, bound].
    """

    def __init__(
        self, network: MLP, *, n_unchanged: int, n_changed: int, bound: float = 10.0
    ) -> None:
        super().__init__()
        n_outputs = network.sizes[-1]
        if n_outputs % n_changed or (n_outputs // n_changed) % 3 != 2:
            raise ValueError(
                f"SplineCoupling: expected a network with 3 n - 1 outputs for each of {n_changed} "
                f"variables, got {n_outputs} outputs"
            )
        self.network = network
        self.n_unchanged = n_unchanged
        self.n_changed = n_changed
        self.bound = bound

    def forward(
        self, x: Float[Tensor, "event variable"], condition: Float[Tensor, "event condition"]
    ) -> Float[Tensor, "event variable"]:
        """Apply the block.

        Args:
            x: Variables.
            condition: What else the splines depend on.

        Returns:
            As many variables.
        """
        return self.forward_and_log_det(x, condition)[0]

    def inverse(
        self, z: Float[Tensor, "event variable"], condition: Float[Tensor, "event condition"]
    ) -> Float[Tensor, "event variable"]:
        """Undo `forward`.

        Args:
            z: What `forward` returned.
            condition: The same condition.

        Returns:
            The variables.
        """
        kept, changed = z[:, : self.n_unchanged], z[:, self.n_unchanged :]
        return torch.cat([kept, self._spline(kept, condition).inverse(changed)], dim=1)

    def log_abs_det_jacobian(
        self, x: Float[Tensor, "event variable"], condition: Float[Tensor, "event condition"]
    ) -> Float[Tensor, " event"]:
        """Compute the logarithm of the determinant of dz/dx.

        Args:
            x: Arguments of `forward`.
            condition: The same condition.

        Returns:
            One number per event.
        """
        return self.forward_and_log_det(x, condition)[1]

    def forward_and_log_det(
        self, x: Float[Tensor, "event variable"], condition: Float[Tensor, "event condition"]
    ) -> tuple[Float[Tensor, "event variable"], Float[Tensor, " event"]]:
        """Do `forward` and `log_abs_det_jacobian` with one evaluation of the network.

        Args:
            x: Variables.
            condition: What else the splines depend on.

        Returns:
            What the two return.
        """
        kept, changed = x[:, : self.n_unchanged], x[:, self.n_unchanged :]
        spline = self._spline(kept, condition)
        moved, log_slope = spline.forward_and_log_det(changed)
        return torch.cat([kept, moved], dim=1), log_slope.sum(dim=1)

    def _spline(
        self, kept: Float[Tensor, "event unchanged"], condition: Float[Tensor, "event condition"]
    ) -> RationalQuadraticSpline:
        parameters = self.network(torch.cat([kept, condition], dim=1))
        parameters = parameters.unflatten(1, (self.n_changed, -1))
        return RationalQuadraticSpline.from_parameters(parameters, bound=self.bound)


@dataclass(frozen=True, eq=False)
class _Bins:
    """The bin of each number: its lower knot, its size, the slopes at its ends and across it."""

    x: Float[Tensor, "event variable"]
    y: Float[Tensor, "event variable"]
    width: Float[Tensor, "event variable"]
    height: Float[Tensor, "event variable"]
    slope_0: Float[Tensor, "event variable"]
    slope_1: Float[Tensor, "event variable"]
    slope: Float[Tensor, "event variable"]
    bend: Float[Tensor, "event variable"]


def _knots(
    shares: Float[Tensor, "event variable bin"], bound: float
) -> Float[Tensor, "event variable knot"]:
    n_bins = shares.shape[-1]
    # no bin without width: slopes stay finite whatever the network gives
    sizes = MIN_SHARE + (1.0 - MIN_SHARE * n_bins) * shares.softmax(dim=-1)
    # the last knot is set, not summed: all splines end at the very same number
    inner = 2.0 * bound * sizes.cumsum(dim=-1)[..., :-1] - bound
    end = torch.full_like(shares[..., :1], bound)
    return torch.cat([-end, inner, end], dim=-1)


def _bin(
    values: Float[Tensor, "event variable"], knots: Float[Tensor, "event variable knot"]
) -> Int64[Tensor, "event variable 1"]:
    # counting inner knots only: numbers outside get the first or the last bin
    return (values[..., None] >= knots[..., 1:-1]).long().sum(dim=-1, keepdim=True)


def _neighbours(
    knots: Float[Tensor, "event variable knot"], index: Int64[Tensor, "event variable 1"]
) -> tuple[Float[Tensor, "event variable"], Float[Tensor, "event variable"]]:
    lower = knots[..., :-1].gather(-1, index)[..., 0]
    upper = knots[..., 1:].gather(-1, index)[..., 0]
    return lower, upper
