r"""Noise and data joined by arcs: what all shape models here have in common.

Standard normal noise z and data x of unit variance are mixed as

    u(a) = cos(a) z + sin(a) x,    0 <= a <= pi / 2,

and the mean slope of these arcs through a point, F(u; a) = E[cos(a) x - sin(a) z | u], turns noise
into samples of the data:

    du/da = F(u; a).

A diffusion model with noise of the level s on data of the standard deviation d has the same
paths, with tan(a) = d / s, and its network between the factors of EDM is F. So has a straight
flow x_t = (1 - t) z + t x, with tan(a) = t / (1 - t), whose velocity is

    v(x, t) = (2 t - 1) / r^2 x + F(x / r; a) / r,    r^2 = (1 - t)^2 + t^2.

Sampling along the arc takes fewest steps. If the data were normal and independent, F would be 0
and the noise itself the sample. Along the straight line v is large even then, and a solver has to
integrate it.
At a = pi / 2, F = -E[z | x] = 0 for any data with a density, so nothing is evaluated there.

References:
    T. Karras, M. Aittala, T. Aila, S. Laine, *Elucidating the design space of diffusion-based
    generative models*, 2022, https://arxiv.org/abs/2206.00364
    C. Lu, Y. Song, *Simplifying, stabilizing and scaling continuous-time consistency models*,
    2024, https://arxiv.org/abs/2410.11081, section 3
"""

import math
from collections.abc import Callable
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

from calovox.models.shapes.edm import SIGMA_DATA, karras_sigmas, sample_by_heun
from calovox.models.shapes.solvers import Solver
from calovox.nn import flow_preconditioning

__all__ = [
    "QUARTER_TURN",
    "Slope",
    "follow_arc",
    "follow_karras",
    "follow_line",
    "jump",
    "jump_starts",
    "sample_in_jumps",
]

QUARTER_TURN: Final = 0.5 * math.pi
"""The angle of the data, rad."""

Slope = Callable[[Tensor, Tensor], Tensor]
"""F(u, a): variables by variables, and by angles in rad (event by 1, or 1 by 1 for all)."""


def follow_arc(
    slope: Slope, noise: Float[Tensor, "event variable"], solver: Solver, n_steps: int
) -> Float[Tensor, "event variable"]:
    """Draw samples along the arc, in equal steps of the angle.

    Args:
        slope: F.
        noise: Standard normal numbers.
        solver: How du/da = F is solved.
        n_steps: In how many steps; one of `rk4` takes three evaluations.

    Returns:
        Samples of the data.
    """

    def velocity(u: Tensor, t: float) -> Tensor:
        return QUARTER_TURN * _evaluate(slope, u, QUARTER_TURN * t)

    return solver(velocity, noise, n_steps)


def follow_line(
    slope: Slope, noise: Float[Tensor, "event variable"], solver: Solver, n_steps: int
) -> Float[Tensor, "event variable"]:
    """Draw samples by the straight flow, in equal steps of its time, as the note does.

    Args:
        slope: F.
        noise: Standard normal numbers.
        solver: How dx/dt = v is solved.
        n_steps: In how many steps.

    Returns:
        Samples of the data.
    """

    def velocity(x: Tensor, t: float) -> Tensor:
        known, scale = flow_preconditioning(t)
        return known * x + scale * _evaluate(slope, scale * x, math.atan2(t, 1.0 - t))

    return solver(velocity, noise, n_steps)


def follow_karras(
    slope: Slope, noise: Float[Tensor, "event variable"], n_steps: int
) -> Float[Tensor, "event variable"]:
    """Draw samples by Heun's method between the levels of noise of Karras et al.

    For s in units of the standard deviation, dx/ds = s / (1 + s^2) x - F / (1 + s^2)^1/2: the same
    as (x - D) / s, without the difference of numbers that agree.

    Args:
        slope: F.
        noise: Standard normal numbers.
        n_steps: Number of levels; n of them take 2 n - 1 evaluations.

    Returns:
        Samples of the data.
    """

    def of_level(x: Tensor, sigma: float) -> Tensor:
        inward = 1.0 / math.hypot(1.0, sigma)
        found = _evaluate(slope, inward * x, math.atan2(1.0, sigma))
        return (sigma * inward * inward) * x - inward * found

    levels = [sigma / SIGMA_DATA for sigma in karras_sigmas(n_steps)]
    return sample_by_heun(of_level, noise, levels)


def jump(
    slope: Slope, u: Float[Tensor, "event variable"], angle: Float[Tensor, "#event 1"]
) -> Float[Tensor, "event variable"]:
    """Go to the end of the arc with one evaluation, half way: u + cos(a) F(u; (a + pi / 2) / 2).

    The factor is what a normal distribution close to the standard one needs: F is in proportion to
    sin(a) cos(a), whose integral to the end is cos(a)^2 / 2, and cos(a) / 2 half way. At the end,
    the result is u. So this is a consistency function of any slope, and near the exact one.

    With a level s of noise on data of the deviation d, tan(a) = d / s, the boundary condition of
    Song et al. reads f / d = sin(a) u + cos(a) G(u; a), but for their smallest level of noise.
    That is the same function where F = G - tan(pi / 4 - a / 2) u. The two differ in where a
    student starts: with the slope of its teacher as G, from the mean of all showers.

    Args:
        slope: F, or what has been trained in its place.
        u: Variables.
        angle: Where they are, rad.

    Returns:
        Variables at the end, a = pi / 2.
    """
    return u + angle.cos() * slope(u, 0.5 * (angle + QUARTER_TURN))


def jump_starts(n_jumps: int) -> list[float]:
    """Say from where samples jump: 0, pi / 2k, ... for k jumps.

    Args:
        n_jumps: How many.

    Returns:
        Their angles, rad.
    """
    return [QUARTER_TURN * number / n_jumps for number in range(n_jumps)]


def sample_in_jumps(
    slope: Slope, noise: Float[Tensor, "event jump variable"]
) -> Float[Tensor, "event variable"]:
    """Draw samples: jump to the end of the arc, go back to a later angle by fresh noise, jump.

    Args:
        slope: F, or what has been trained in its place.
        noise: Standard normal numbers for each jump, which start as `jump_starts` says.

    Returns:
        Samples of the data.
    """
    x = torch.zeros_like(noise[:, 0])
    for number, angle in enumerate(jump_starts(noise.shape[1])):
        # at the first start the angle is 0: the zeros of x do not enter
        u = math.cos(angle) * noise[:, number] + math.sin(angle) * x
        x = jump(slope, u, u.new_full((1, 1), angle))
    return x


def _evaluate(slope: Slope, u: Tensor, angle: float) -> Tensor:
    if angle > QUARTER_TURN - 1e-9:  # F is 0 at the data: an evaluation saved
        return torch.zeros_like(u)
    return slope(u, u.new_full((1, 1), angle))
