r"""Solvers of dx/dt = v(x, t) from t = 0 to 1, in any number of equal steps.

References:
    E. Hairer, S. Nørsett, G. Wanner, *Solving ordinary differential equations I*, 1993, chapter II
"""

from collections.abc import Callable
from typing import Final

from jaxtyping import Float
from torch import Tensor

__all__ = ["SOLVERS", "Solver", "Velocity", "euler", "heun", "midpoint", "rk4"]

Velocity = Callable[[Tensor, float], Tensor]
"""v(x, t), for one time and any number of events."""

Solver = Callable[[Velocity, Tensor, int], Tensor]
"""From v, x at t = 0 and a number of steps to x at t = 1."""


def euler(
    velocity: Velocity, x_0: Float[Tensor, "event variable"], n_steps: int
) -> Float[Tensor, "event variable"]:
    """Solve by x += h v(x, t): order 1, one evaluation per step.

    Args:
        velocity: v(x, t).
        x_0: x at t = 0.
        n_steps: Number of steps.

    Returns:
        x at t = 1.
    """
    h = _step_size(n_steps)
    x = x_0
    for step in range(n_steps):
        x = x + h * velocity(x, step * h)
    return x


def midpoint(
    velocity: Velocity, x_0: Float[Tensor, "event variable"], n_steps: int
) -> Float[Tensor, "event variable"]:
    """Solve by x += h v(x + h/2 v(x, t), t + h/2): order 2, two evaluations per step.

    Args:
        velocity: v(x, t).
        x_0: x at t = 0.
        n_steps: Number of steps.

    Returns:
        x at t = 1.
    """
    h = _step_size(n_steps)
    x = x_0
    for step in range(n_steps):
        t = step * h
        middle = x + 0.5 * h * velocity(x, t)
        x = x + h * velocity(middle, t + 0.5 * h)
    return x


def heun(
    velocity: Velocity, x_0: Float[Tensor, "event variable"], n_steps: int
) -> Float[Tensor, "event variable"]:
    """Solve by x += h/2 (v(x, t) + v(x + h v(x, t), t + h)): order 2, two evaluations per step.

    Args:
        velocity: v(x, t).
        x_0: x at t = 0.
        n_steps: Number of steps.

    Returns:
        x at t = 1.
    """
    h = _step_size(n_steps)
    x = x_0
    for step in range(n_steps):
        t = step * h  # not summed up: roundings of many steps do not add
        k_1 = velocity(x, t)
        k_2 = velocity(x + h * k_1, t + h)
        x = x + 0.5 * h * (k_1 + k_2)
    return x


def rk4(
    velocity: Velocity, x_0: Float[Tensor, "event variable"], n_steps: int
) -> Float[Tensor, "event variable"]:
    """Solve by the classical method of Runge and Kutta: order 4, four evaluations per step.

    x += h/6 (k_1 + 2 k_2 + 2 k_3 + k_4), with k_1 = v(x, t), k_2 = v(x + h/2 k_1, t + h/2),
    k_3 = v(x + h/2 k_2, t + h/2), k_4 = v(x + h k_3, t + h).

    Args:
        velocity: v(x, t).
        x_0: x at t = 0.
        n_steps: Number of steps.

    Returns:
        x at t = 1.
    """
    h = _step_size(n_steps)
    x = x_0
    for step in range(n_steps):
        t = step * h
        k_1 = velocity(x, t)
        k_2 = velocity(x + 0.5 * h * k_1, t + 0.5 * h)
        k_3 = velocity(x + 0.5 * h * k_2, t + 0.5 * h)
        k_4 = velocity(x + h * k_3, t + h)
        x = x + h / 6.0 * (k_1 + 2.0 * k_2 + 2.0 * k_3 + k_4)
    return x


SOLVERS: Final[dict[str, Solver]] = {
    "euler": euler,
    "heun": heun,
    "midpoint": midpoint,
    "rk4": rk4,
}
"""The solvers by the names that a configuration uses."""


def _step_size(n_steps: int) -> float:
    if n_steps < 1:
        raise ValueError(f"solver: expected `n_steps` of 1 or more, got {n_steps}")
    return 1.0 / n_steps
