r"""FPD and KPD by the estimators of JetNet 0.2.5, with which the published values were made.

Each feature is divided by its largest absolute value in the reference.

- FPD: the Frechet distance of normal distributions with the samples' moments, for draws with
  replacement of `n` showers of each sample, averaged over 20 draws, for ten `n` at equal distances
  in 1/n; a line in 1/n with an intercept and a slope of 0 or more gives the value at infinite `n`.
- KPD: the median over ten draws of the squared maximum mean discrepancy with the kernel
  (x . y / d + 1)^4, without bias.

They are for comparison with published values alone. The extrapolation takes away the bias of the
draws, but not that of the samples themselves. Draws overlap, so that errors are too small, and
there is no p-value. Use `statistics.measure_many_features` to judge.

References:
    R. Kansal et al., *Evaluating generative models in high energy physics*, Phys. Rev. D 107
    (2023) 076017, https://arxiv.org/abs/2211.10295
    R. Kansal et al., *JetNet: A Python package for accessing open datasets and benchmarking
    machine learning methods in high energy physics*, JOSS 8 (2023) 5789
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import curve_fit
from scipy.stats import iqr

from calovox.arrays import Array, Float, Float64, Int64
from calovox.scores.statistics.many_features import Moments, frechet_distance

__all__ = ["PublishedDistance", "frechet_physics_distance", "kernel_physics_distance"]

# JetNet's own numbers: published values depend on them
_DRAWS_PER_SIZE: Final = 20
_SIZES: Final = 10
_KERNEL_DRAWS: Final = 10
_BLOCK: Final = 4096  # rows of a draw that are held at once
_ROWS: Final = 512  # of the matrix of all pairs, which is never held at once
_QUANTILES: Final = (16.275, 83.725)
_SEED: Final = 42


@dataclass(frozen=True)
class PublishedDistance:
    """A distance as the challenge publishes it.

    Attributes:
        value: The distance; tables give it times 1000.
        error: What JetNet gives as its error.
    """

    value: float
    error: float


def frechet_physics_distance(
    reference: Float[Array, "event feature"],
    simulated: Float[Array, "other feature"],
    *,
    smallest: int = 20_000,
    largest: int = 50_000,
    seed: int = _SEED,
) -> PublishedDistance:
    """Estimate FPD.

    Args:
        reference: Features of the reference.
        simulated: Those of the simulation.
        smallest: Showers of the smallest draw.
        largest: Showers of the largest draw.
        seed: Seed of the draws.

    Returns:
        The distance.

    Raises:
        ValueError: If a draw would be larger than the next.
    """
    if not 2 <= smallest < largest:
        raise ValueError(
            f"smallest: expected 2 or more and less than `largest` ({largest}), got {smallest}"
        )
    pair = _scaled_pair(reference, simulated)
    sizes = (1.0 / np.linspace(1.0 / smallest, 1.0 / largest, _SIZES)).astype(np.int32)
    rng = np.random.default_rng(seed)
    means = []
    for size in sizes:
        distances = []
        for _ in range(_DRAWS_PER_SIZE):
            moments = [sample.moments(rng.choice(len(sample), size=size)) for sample in pair]
            distances.append(float(frechet_distance(*moments)))
        means.append(np.mean(distances))
    bounds = ([0.0, 0.0], [np.inf, np.inf])
    values, covariance = curve_fit(_line, 1.0 / sizes, means, bounds=bounds)
    return PublishedDistance(float(values[0]), float(np.sqrt(covariance[0, 0])))


def kernel_physics_distance(
    reference: Float[Array, "event feature"],
    simulated: Float[Array, "other feature"],
    *,
    size: int = 5000,
    seed: int = _SEED,
) -> PublishedDistance:
    """Estimate KPD.

    Args:
        reference: Features of the reference.
        simulated: Those of the simulation.
        size: Showers of each draw.
        seed: Seed of the draws.

    Returns:
        The distance. It is negative half of the time for samples of the same distribution.
    """
    pair = _scaled_pair(reference, simulated)
    values = []
    for draw in range(_KERNEL_DRAWS):
        rng = np.random.default_rng(seed + 1000 * draw)
        drawn = [sample.rows(rng.choice(len(sample), size=size)) for sample in pair]
        values.append(_squared_discrepancy(*drawn))
    return PublishedDistance(float(np.median(values)), float(iqr(values, rng=_QUANTILES) / 2.0))


@dataclass(frozen=True)
class _Scaled:
    """A sample whose features are divided by a scale, some rows at a time."""

    values: Float[Array, "event feature"]
    scale: Float64[Array, " feature"]

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, chosen: Int64[Array, " row"]) -> Float64[Array, "row feature"]:
        return np.asarray(self.values[chosen] / self.scale, dtype=np.float64)

    def moments(self, chosen: Int64[Array, " row"]) -> Moments:
        """Compute mean and covariance of some rows, which are never held at once."""
        shift = self.rows(chosen[:_BLOCK]).mean(axis=0)  # near the mean: nothing cancels
        total, squares = np.zeros_like(shift), np.zeros((len(shift), len(shift)))
        for start in range(0, len(chosen), _BLOCK):
            block = self.rows(chosen[start : start + _BLOCK]) - shift
            total += block.sum(axis=0)
            squares += block.T @ block
        mean = total / len(chosen)
        covariance = (squares - np.outer(total, mean)) / (len(chosen) - 1)
        return mean + shift, covariance


def _scaled_pair(
    reference: Float[Array, "event feature"], simulated: Float[Array, "other feature"]
) -> tuple[_Scaled, _Scaled]:
    largest = np.maximum(reference.max(axis=0), -reference.min(axis=0)).astype(np.float64)
    scale = np.where(largest == 0.0, 1.0, largest)
    return _Scaled(reference, scale), _Scaled(simulated, scale)


def _line(x: Float64[Array, " _"], intercept: float, slope: float) -> Float64[Array, " _"]:
    return intercept + slope * x


def _squared_discrepancy(
    first: Float64[Array, "event feature"], second: Float64[Array, "other feature"]
) -> float:
    within = 0.0
    for sample in (first, second):
        total, diagonal = _kernel_sum(sample, sample), _kernel_diagonal(sample).sum()
        within += (total - diagonal) / (len(sample) * (len(sample) - 1))
    between = _kernel_sum(first, second) / (len(first) * len(second))
    return float(within - 2.0 * between)


def _kernel_sum(
    first: Float64[Array, "event feature"], second: Float64[Array, "other feature"]
) -> float:
    """Add up (x . y / d + 1)^4 over all pairs, some rows at a time."""
    total = 0.0
    for start in range(0, len(first), _ROWS):
        base = first[start : start + _ROWS] @ second.T
        base /= first.shape[1]
        base += 1.0
        base *= base  # twice squared is the fourth power, and much faster
        base *= base
        total += float(base.sum())
    return total


def _kernel_diagonal(sample: Float64[Array, "event feature"]) -> Float64[Array, " event"]:
    base = np.einsum("ij,ij->i", sample, sample) / sample.shape[1] + 1.0
    return np.asarray(base**4)
