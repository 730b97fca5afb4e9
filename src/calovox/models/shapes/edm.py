r"""Denoising as Karras et al. do it: preconditioning, levels of noise, and how to sample.

Data x_0 with noise of the level s are x = x_0 + s z, with z standard normal. A denoiser D(x; s)
gives the mean of x_0 for a given x, and samples follow

    dx/ds = (x - D(x; s)) / s

from a large s down to 0. D is a network F between simple factors,

    D(x; s) = c_skip x + c_out F(c_in x; c_time),

with which F reads and writes numbers of unit variance. F is also the slope of the arcs of
`calovox.models.shapes.arc`.

References:
    T. Karras, M. Aittala, T. Aila, S. Laine, *Elucidating the design space of diffusion-based
    generative models*, 2022, https://arxiv.org/abs/2206.00364, table 1 and algorithm 1
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = [
    "SIGMA_DATA",
    "SIGMA_MAX",
    "SIGMA_MIN",
    "Coefficients",
    "LevelSlope",
    "Network",
    "angle_to_time",
    "denoise",
    "draw_sigmas",
    "edm_coefficients",
    "edm_weight",
    "heun_step",
    "karras_sigmas",
    "sample_by_heun",
]

SIGMA_DATA: Final = 0.5
"""Standard deviation that data are scaled to."""

SIGMA_MIN: Final = 0.002
SIGMA_MAX: Final = 80.0

LevelSlope = Callable[[Tensor, float], Tensor]
"""dx/ds, by noisy variables and their level of noise."""

Network = Callable[[Tensor, Tensor, Tensor], Tensor]
"""F(x, t, condition), of events by variables, by 1, and by numbers of the condition; t may also be
one number for all events."""


@dataclass(frozen=True, eq=False)
class Coefficients:
    """The factors around a network, and its time.

    Attributes:
        skip: c_skip.
        outward: c_out.
        inward: c_in.
        time: c_time.
    """

    skip: Float[Tensor, "event 1"]
    outward: Float[Tensor, "event 1"]
    inward: Float[Tensor, "event 1"]
    time: Float[Tensor, "event 1"]


def edm_coefficients(
    sigma: Float[Tensor, "event 1"], *, sigma_data: float = SIGMA_DATA
) -> Coefficients:
    """Compute c_skip = d^2 / (s^2 + d^2), c_out = s d c_in, c_in = (s^2 + d^2)^-1/2, log(s) / 4.

    Inputs and targets of the network then have unit variance for data of standard deviation d.

    Args:
        sigma: Levels of noise s, above 0.
        sigma_data: Standard deviation d of the data.

    Returns:
        The factors.
    """
    inward = (sigma**2 + sigma_data**2).rsqrt()
    return Coefficients(
        skip=(sigma_data * inward) ** 2,
        outward=sigma * sigma_data * inward,
        inward=inward,
        time=0.25 * sigma.log(),
    )


def denoise(
    network: Network,
    x: Float[Tensor, "event variable"],
    condition: Float[Tensor, "event condition"],
    c: Coefficients,
) -> Float[Tensor, "event variable"]:
    """Evaluate D(x; s) = c_skip x + c_out F(c_in x; c_time).

    Args:
        network: F.
        x: Noisy variables.
        condition: What F takes besides x and the time.
        c: The factors at the level of noise.

    Returns:
        Clean variables.
    """
    return c.skip * x + c.outward * network(c.inward * x, c.time, condition)


def edm_weight(
    sigma: Float[Tensor, "event 1"], *, sigma_data: float = SIGMA_DATA
) -> Float[Tensor, "event 1"]:
    """Compute (s^2 + d^2) / (s d)^2 = 1 / c_out^2: at all levels, F then has the same weight.

    Args:
        sigma: Levels of noise s, above 0.
        sigma_data: Standard deviation d of the data.

    Returns:
        Weights of |D - x_0|^2.
    """
    return (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2


def draw_sigmas(
    n_events: int,
    rng: torch.Generator,
    *,
    mean: float = -1.2,
    std: float = 1.2,
) -> Float[Tensor, "event 1"]:
    """Draw levels of noise for training: log s is normal.

    Args:
        n_events: How many.
        rng: Where the random numbers come from; it says on which device.
        mean: Mean of log s.
        std: Standard deviation of log s.

    Returns:
        The levels.
    """
    z = torch.empty(n_events, 1, device=rng.device).normal_(generator=rng)
    return (mean + std * z).exp()


def karras_sigmas(
    n_levels: int,
    *,
    sigma_min: float = SIGMA_MIN,
    sigma_max: float = SIGMA_MAX,
    rho: float = 7.0,
) -> list[float]:
    """Space levels of noise so that s^(1 / rho) falls in equal steps.

    Args:
        n_levels: How many, the lowest and the highest included.
        sigma_min: The lowest.
        sigma_max: The highest; the only one of a single level.
        rho: Larger numbers give more of the low levels.

    Returns:
        Falling levels.

    Raises:
        ValueError: If there are no levels.
    """
    if n_levels < 1:
        raise ValueError(f"karras_sigmas: expected `n_levels` of 1 or more, got {n_levels}")
    low, high = sigma_min ** (1.0 / rho), sigma_max ** (1.0 / rho)
    # the ends are set, not computed: powers and roots would round them
    inner = [(high + k / (n_levels - 1) * (low - high)) ** rho for k in range(1, n_levels - 1)]
    return [sigma_max, *inner, sigma_min][:n_levels]


def heun_step(
    slope: LevelSlope, x: Float[Tensor, "event variable"], sigma: float, following: float
) -> Float[Tensor, "event variable"]:
    """Follow dx/ds from one level of noise to the next, along the mean slope of both.

    Args:
        slope: dx/ds; it is evaluated twice.
        x: Variables at the first level.
        sigma: The first level.
        following: The next one, lower, above 0.

    Returns:
        Variables at the next level.
    """
    here = slope(x, sigma)
    there = slope(x + (following - sigma) * here, following)
    return x + 0.5 * (following - sigma) * (here + there)


def sample_by_heun(
    slope: LevelSlope, noise: Float[Tensor, "event variable"], sigmas: Sequence[float]
) -> Float[Tensor, "event variable"]:
    """Draw samples: steps of Heun between the levels, and one of Euler from the last level to 0.

    Args:
        slope: dx/ds.
        noise: Standard normal numbers.
        sigmas: Falling levels of noise; n of them make n steps and 2 n - 1 evaluations.

    Returns:
        Clean variables.
    """
    x = sigmas[0] * noise
    for sigma, following in itertools.pairwise(sigmas):
        x = heun_step(slope, x, sigma, following)
    return x - sigmas[-1] * slope(x, sigmas[-1])  # the slope at s = 0 is not defined


def angle_to_time(
    angle: Float[Tensor, "#event 1"], *, sigma_data: float = SIGMA_DATA
) -> Float[Tensor, "#event 1"]:
    """Find what the network sees of the level of noise at an angle of the arc: tan(a) = d / s.

    Args:
        angle: Angles in rad, 0 to pi / 2; the levels stay between the lowest and the highest.
        sigma_data: Standard deviation d of the data.

    Returns:
        log(s) / 4.
    """
    # infinite at a = 0, where the highest level takes its place
    sigma = sigma_data * angle.cos() / angle.sin()
    return 0.25 * sigma.clamp(SIGMA_MIN, SIGMA_MAX).log()
