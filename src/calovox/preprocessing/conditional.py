r"""Standardisation whose mean and standard deviation depend on a condition.

In the core of a shower of 500 GeV, the logit of a voxel's share fluctuates by some per cent; over
all energies from 256 MeV on, where most voxels are empty, its standard deviation is hundred times
larger. A model that sees voxels standardised over all energies must learn showers of high energy
to a hundredth of its unit. With a condition t, here the standardised log of the kinetic energy,

    y = (x - m(t)) / s(t),

where m and log s are linear in t between nodes and constant beyond the first and the last one, all
energies have the same width.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

__all__ = ["ConditionalStandardization"]

_FEWEST: Final = 50
_LOWEST_STD: Final = 1e-3


class ConditionalStandardization(nn.Module):
    """Subtracts m(t) and divides by s(t).

    Args:
        nodes: Evenly spaced values of t, rising; two or more.
        means: m at the nodes.
        log_stds: log s at the nodes.
    """

    nodes: Tensor
    means: Tensor
    log_stds: Tensor

    def __init__(
        self,
        nodes: Float[Tensor, " node"],
        means: Float[Tensor, "node variable"],
        log_stds: Float[Tensor, "node variable"],
    ) -> None:
        super().__init__()
        self.register_buffer("nodes", nodes)
        self.register_buffer("means", means)
        self.register_buffer("log_stds", log_stds)

    @classmethod
    def identity(cls, n_variables: int, *, n_nodes: int = 23) -> "ConditionalStandardization":
        """Build a transform that changes nothing yet.

        Args:
            n_variables: How many variables.
            n_nodes: How many nodes.

        Returns:
            Mean 0 and standard deviation 1 at every t.
        """
        nothing = torch.zeros(n_nodes, n_variables)
        return cls(torch.linspace(-1.0, 1.0, n_nodes), nothing, nothing.clone())

    def fit(
        self,
        batches: Iterable[tuple[Float[Tensor, "_ variable"], Float[Tensor, "_ 1"]]],
        limits: tuple[float, float],
    ) -> "ConditionalStandardization":
        """Find means and standard deviations near each node, in one pass.

        A node has the events that are nearer to it than to any other; one with under 50 of them
        gets what lies between its neighbours. Where none has 50, all get those of all events.

        Args:
            batches: Variables and conditions, in parts of any size.
            limits: Lowest and highest condition: the first and the last node.

        Returns:
            A new transform with as many nodes.

        Raises:
            ValueError: If there are no events, or a number is not finite.
        """
        n_nodes, n_variables = self.means.shape
        count = torch.zeros(n_nodes, 1, dtype=torch.float64)
        sums = torch.zeros(2, n_nodes, n_variables, dtype=torch.float64)
        step = max(limits[1] - limits[0], 1e-6) / (n_nodes - 1)
        for x, t in batches:
            position = ((t[:, 0] - limits[0]) / step).round().long().clamp(0, n_nodes - 1)
            count.index_add_(0, position, torch.ones(len(x), 1, dtype=torch.float64))
            for power in (1, 2):
                sums[power - 1].index_add_(0, position, x.double() ** power)
        if not count.any() or not bool(sums.isfinite().all()):
            raise ValueError(
                f"ConditionalStandardization: expected finite data, got {int(count.sum())} events"
            )
        if not (count >= _FEWEST).any():
            count = count.sum(dim=0, keepdim=True).expand(n_nodes, 1)
            sums = sums.sum(dim=1, keepdim=True).expand(2, n_nodes, n_variables)
        known = count[:, 0].numpy() >= min(_FEWEST, int(count.max()))
        mean = sums[0] / count.clamp(min=1.0)
        std = (sums[1] / count.clamp(min=1.0) - mean**2).clamp(min=_LOWEST_STD**2).sqrt()
        nodes = limits[0] + step * torch.arange(n_nodes)
        return ConditionalStandardization(
            nodes, _between_known(mean, known), _between_known(std.log(), known)
        )

    def forward(
        self, x: Float[Tensor, "event variable"], t: Float[Tensor, "event 1"]
    ) -> Float[Tensor, "event variable"]:
        """Standardise.

        Args:
            x: Variables.
            t: Conditions.

        Returns:
            (x - m(t)) / s(t).
        """
        near = self.interpolate(t)
        return (x - near @ self.means) * (-(near @ self.log_stds)).exp()

    def inverse(
        self, y: Float[Tensor, "event variable"], t: Float[Tensor, "event 1"]
    ) -> Float[Tensor, "event variable"]:
        """Undo the standardisation.

        Args:
            y: Standardised variables.
            t: Conditions.

        Returns:
            m(t) + s(t) y.
        """
        near = self.interpolate(t)
        return near @ self.means + (near @ self.log_stds).exp() * y

    def log_abs_det_jacobian(
        self, x: Float[Tensor, "event variable"], t: Float[Tensor, "event 1"]
    ) -> Float[Tensor, " event"]:
        """Compute the logarithm of the determinant of dy/dx.

        Args:
            x: Variables.
            t: Conditions.

        Returns:
            One number per event.
        """
        return -(self.interpolate(t) @ self.log_stds).sum(dim=1)

    def interpolate(self, t: Float[Tensor, "event 1"]) -> Float[Tensor, "event node"]:
        """Compute how much each node counts: at most two do, and together they count 1.

        Args:
            t: Conditions.

        Returns:
            Factors of the values at the nodes.
        """
        inside = torch.minimum(torch.maximum(t, self.nodes[0]), self.nodes[-1])
        distance = (inside - self.nodes).abs() / (self.nodes[1] - self.nodes[0])
        return (1.0 - distance).clamp(min=0.0)

    def extra_repr(self) -> str:
        """Say how many variables and nodes there are."""
        return f"{self.means.shape[1]} variables, {len(self.nodes)} nodes"


def _between_known(
    values: Float64[Tensor, "node variable"], known: np.ndarray
) -> Float[Tensor, "node variable"]:
    """Interpolate the values of nodes without data."""
    places = np.arange(len(values))
    filled = [np.interp(places, places[known], column[known]) for column in values.numpy().T]
    return torch.from_numpy(np.stack(filled, axis=1)).float()
