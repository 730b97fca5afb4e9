r"""Denoising as Karras et al. do it: preconditioning, levels of noise, and how to sample.

Data x_0 with noise of the level s are x = x_0 + s z, with z standard normal. A denoiser D(x; s)
gives the mean of x_0 for a given x, and samples follow

    dx/ds = (x - D(x; s)) / s

from a large s down to 0. D is a network F between simple factors,

    D(x; s) = c_skip x + c_out F(c_in x; c_time),

chosen here in two ways: for a network trained so (EDM), and for the velocity v(x_t, t) of a
straight flow x_t = (1 - t) z + t x_0, which is the same thing at s = (1 - t) / t, x = x_t / t.

A consistency function f(x; s) leads from anywhere on a path to its end at s_min. It has the same
form with factors that make it the identity at s_min.

References:
    T. Karras, M. Aittala, T. Aila, S. Laine, *Elucidating the design space of diffusion-based
    generative models*, 2022, https://arxiv.org/abs/2206.00364, table 1 and algorithm 1
    Y. Song, P. Dhariwal, M. Chen, I. Sutskever, *Consistency models*, 2023,
    https://arxiv.org/abs/2303.01469, algorithm 1 and appendix C
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
    "Denoiser",
    "Network",
    "denoise",
    "draw_sigmas",
    "edm_boundary_coefficients",
    "edm_coefficients",
    "edm_weight",
    "euler_step",
    "flow_boundary_coefficients",
    "flow_coefficients",
    "heun_step",
    "karras_sigmas",
    "sample_by_heun",
    "sample_consistently",
]

SIGMA_DATA: Final = 0.5
"""Standard deviation that data are scaled to."""

SIGMA_MIN: Final = 0.002
SIGMA_MAX: Final = 80.0

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""D(x, s): from noisy variables and their level of noise (event by 1, or 1 by 1 if it is the same
for all) to clean variables."""

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


def edm_boundary_coefficients(
    sigma: Float[Tensor, "event 1"],
    *,
    sigma_data: float = SIGMA_DATA,
    sigma_min: float = SIGMA_MIN,
) -> Coefficients:
    """Change the factors of EDM so that D(x; s_min) = x.

    c_skip = d^2 / ((s - s_min)^2 + d^2), c_out = (s - s_min) d c_in.

    Args:
        sigma: Levels of noise s.
        sigma_data: Standard deviation d of the data.
        sigma_min: The lowest level s_min.

    Returns:
        The factors.
    """
    plain = edm_coefficients(sigma, sigma_data=sigma_data)
    rest = sigma - sigma_min
    return Coefficients(
        skip=sigma_data**2 / (rest**2 + sigma_data**2),
        outward=rest * sigma_data * plain.inward,
        inward=plain.inward,
        time=plain.time,
    )


def flow_coefficients(sigma: Float[Tensor, "event 1"]) -> Coefficients:
    """Make a denoiser of the velocity of a straight flow: D = x_t + (1 - t) v(x_t, t).

    With t = 1 / (1 + s) and x_t = t x: c_skip = c_in = c_time = t and c_out = s t.

    Args:
        sigma: Levels of noise s.

    Returns:
        The factors.
    """
    t = 1.0 / (1.0 + sigma)
    return Coefficients(skip=t, outward=sigma * t, inward=t, time=t)


def flow_boundary_coefficients(
    sigma: Float[Tensor, "event 1"], *, sigma_min: float = SIGMA_MIN
) -> Coefficients:
    """Change the factors of a flow so that D(x; s_min) = x.

    c_skip = 1 / (1 + s - s_min), c_out = (s - s_min) t.

    Args:
        sigma: Levels of noise s.
        sigma_min: The lowest level s_min.

    Returns:
        The factors.
    """
    plain, rest = flow_coefficients(sigma), sigma - sigma_min
    return Coefficients(
        skip=1.0 / (1.0 + rest), outward=rest * plain.inward, inward=plain.inward, time=plain.time
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
    inner = [(high + k / (n_levels - 1) * (low - high)) ** rho for k in range(1, n_levels - 1)]
    return [sigma_max, *inner, sigma_min][:n_levels]


def euler_step(
    denoiser: Denoiser,
    x: Float[Tensor, "event variable"],
    sigma: Float[Tensor, "#event 1"],
    following: Float[Tensor, "#event 1"],
) -> Float[Tensor, "event variable"]:
    """Follow dx/ds from one level of noise to the next, along the slope at the first.

    Args:
        denoiser: D.
        x: Variables at the first level.
        sigma: The first level.
        following: The next one, lower; it may be 0.

    Returns:
        Variables at the next level.
    """
    slope = (x - denoiser(x, sigma)) / sigma
    return x + (following - sigma) * slope


def heun_step(
    denoiser: Denoiser,
    x: Float[Tensor, "event variable"],
    sigma: Float[Tensor, "#event 1"],
    following: Float[Tensor, "#event 1"],
) -> Float[Tensor, "event variable"]:
    """Follow dx/ds from one level of noise to the next, along the mean slope of both.

    Args:
        denoiser: D; it is evaluated twice.
        x: Variables at the first level.
        sigma: The first level.
        following: The next one, lower, above 0.

    Returns:
        Variables at the next level.
    """
    slope = (x - denoiser(x, sigma)) / sigma
    there = x + (following - sigma) * slope
    slope_there = (there - denoiser(there, following)) / following
    return x + 0.5 * (following - sigma) * (slope + slope_there)


def sample_by_heun(
    denoiser: Denoiser, noise: Float[Tensor, "event variable"], sigmas: Sequence[float]
) -> Float[Tensor, "event variable"]:
    """Draw samples: steps of Heun between the levels, and one of Euler from the last level to 0.

    Args:
        denoiser: D.
        noise: Standard normal numbers.
        sigmas: Falling levels of noise; n of them make n steps and 2 n - 1 evaluations.

    Returns:
        Clean variables.
    """
    levels = [noise.new_full((1, 1), sigma) for sigma in (*sigmas, 0.0)]
    x = levels[0] * noise
    for sigma, following in itertools.pairwise(levels[:-1]):
        x = heun_step(denoiser, x, sigma, following)
    return euler_step(denoiser, x, levels[-2], levels[-1])


def sample_consistently(
    consistent: Denoiser,
    noise: Float[Tensor, "event step variable"],
    sigmas: Sequence[float],
    *,
    sigma_min: float = SIGMA_MIN,
) -> Float[Tensor, "event variable"]:
    """Draw samples: jump to the end of a path, add fresh noise of the next level, jump again.

    Args:
        consistent: The consistency function f.
        noise: Standard normal numbers for each level.
        sigmas: Falling levels of noise; one evaluation each.
        sigma_min: The level of noise that f leaves.

    Returns:
        Clean variables.
    """
    x_0 = torch.zeros_like(noise[:, 0])
    for step, sigma in enumerate(sigmas):
        left = sigma if step == 0 else (sigma**2 - sigma_min**2) ** 0.5
        x = x_0 + left * noise[:, step]
        x_0 = consistent(x, noise.new_full((1, 1), sigma))
    return x_0
