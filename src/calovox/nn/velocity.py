r"""The fully connected network of a continuous normalizing flow: dx/dt = v(x, t, condition).

The backbone F adds to what is known without it. If data were independent normal numbers, a
straight flow from noise would have the velocity

    v(x, t) = (2 t - 1) / s(t)^2 x,    s(t)^2 = (1 - t)^2 + t^2 = variance of x_t,

and what the velocities of single events leave around it would have the variance 1 / s(t)^2. So

    v(x, t) = (2 t - 1) / s(t)^2 x + F(x / s(t), t, condition) / s(t):

F reads and writes numbers of unit variance at all times, and need not carry x from its input to
its output. This is the preconditioning of EDM, for flows; it has no parameters and is not in the
note. Without it, v(x, t) = F(x, t, condition).

References:
    T. Karras, M. Aittala, T. Aila, S. Laine, *Elucidating the design space of diffusion-based
    generative models*, 2022, https://arxiv.org/abs/2206.00364, section 5
"""

from collections.abc import Callable
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from calovox.nn.mlp import MLP, ScalarEmbedding

__all__ = ["VelocityNetwork", "flow_preconditioning", "slope_of_velocity"]

Time = TypeVar("Time", float, Tensor)


class VelocityNetwork(nn.Module):
    """A backbone that sees the variables, the time, embedded numbers and further numbers.

    Args:
        embedding: What becomes of the numbers that are embedded.
        n_variables: How many variables are moved.
        n_context: How many further numbers enter as they are.
        width: Neurons of each hidden layer.
        n_layers: Linear layers of the backbone, the last one included.
        activation: Activation of the backbone.
        preconditioned: Whether the backbone adds to what is known.
    """

    def __init__(
        self,
        embedding: ScalarEmbedding,
        *,
        n_variables: int,
        n_context: int,
        width: int = 1024,
        n_layers: int = 4,
        activation: type[nn.Module] = nn.SiLU,
        preconditioned: bool = True,
    ) -> None:
        super().__init__()
        self.n_variables = n_variables
        self.embedding = embedding
        self.preconditioned = preconditioned
        n_inputs = n_variables + 1 + embedding.n_outputs + n_context
        sizes = (n_inputs, *[width] * (n_layers - 1), n_variables)
        self.backbone = MLP(sizes, activation=activation, layer_norm=True)

    def embed(
        self, scalars: Float[Tensor, "event scalar"], context: Float[Tensor, "event context"]
    ) -> Float[Tensor, "event condition"]:
        """Prepare what stays the same along the way from t = 0 to 1.

        Args:
            scalars: Numbers to be embedded.
            context: Numbers that enter as they are.

        Returns:
            The condition that `forward` takes.
        """
        return torch.cat([self.embedding(scalars), context], dim=1)

    def forward(
        self,
        x: Float[Tensor, "event variable"],
        t: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event variable"]:
        """Evaluate the velocity.

        Args:
            x: Variables at the time t.
            t: Time, 0 to 1, for each event or for all.
            condition: What `embed` returned.

        Returns:
            dx/dt.
        """
        if not self.preconditioned:
            return self._run_backbone(x, t, condition)
        known, scale = flow_preconditioning(t)
        return known * x + scale * self._run_backbone(scale * x, t, condition)

    def rest(
        self,
        u: Float[Tensor, "event variable"],
        t: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event variable"]:
        """Evaluate what the velocity has beyond the known part: F, if preconditioned.

        Args:
            u: Variables at the time t, divided by s(t).
            t: Time, 0 to 1, for each event or for all.
            condition: What `embed` returned.

        Returns:
            What the velocity has beyond the known part, times s(t): the slope of the arcs.
        """
        if self.preconditioned:
            return self._run_backbone(u, t, condition)
        return slope_of_velocity(lambda x: self._run_backbone(x, t, condition), u, t)

    def _run_backbone(
        self,
        u: Float[Tensor, "event variable"],
        t: Float[Tensor, "#event 1"],
        condition: Float[Tensor, "event condition"],
    ) -> Float[Tensor, "event variable"]:
        found: Tensor = self.backbone(torch.cat([u, t.expand(u.shape[0], 1), condition], dim=1))
        return found


def slope_of_velocity(
    velocity: Callable[[Tensor], Tensor],
    u: Float[Tensor, "event variable"],
    t: Float[Tensor, "#event 1"],
) -> Float[Tensor, "event variable"]:
    """Compute what a velocity has beyond the known part, times s(t): s v(s u) - (2 t - 1) u.

    Args:
        velocity: v at the time t, of x.
        u: Variables at the time t, divided by s(t).
        t: Time, 0 to 1, for each event or for all.

    Returns:
        The slope of the arcs.
    """
    spread = ((1.0 - t) ** 2 + t**2) ** 0.5
    return spread * velocity(spread * u) - (2.0 * t - 1.0) * u


def flow_preconditioning(t: Time) -> tuple[Time, Time]:
    """Compute the factors around the backbone.

    Args:
        t: Time, 0 to 1: a number, or one per event.

    Returns:
        (2 t - 1) / s(t)^2, and 1 / s(t).
    """
    # of x_t, for independent noise and data of unit variance
    variance = (1.0 - t) ** 2 + t**2
    return (2.0 * t - 1.0) / variance, variance**-0.5
