r"""Gaussianised energies of FastCaloSimV2: total energy, layer fractions, their correlations.

Each variable is mapped to normal scores: the value of rank i among n becomes

$$z_i = \Phi^{-1}\left(\frac{i - 1/2}{n}\right),$$

and the way back is the inverse cumulative distribution Q(z), tabulated at `KNOTS`, linear in
between, and constant beyond the smallest and the largest value. Layers may be empty: a variable
that is 0 in a share p of the showers has Q(z) = 0 for z below the score of p. Equal values are
ordered at random: scores are normal for any variable.

The correlation matrix of the scores has the principal axes A, each multiplied with its standard
deviation. The first component divides the showers into bins of equal probability (first PCA); in
each bin, the variables are Gaussianised anew and have axes of their own (second PCA). A shower is
drawn from uncorrelated normal numbers g as Q(A g).

References:
    ATLAS Collaboration, *AtlFast3: The Next Generation of Fast Simulation in ATLAS*,
    Comput. Softw. Big Sci. 6 (2022) 7, https://arxiv.org/abs/2109.02551
"""

from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from calovox.arrays import Array, Float, Float32, Float64, Int64

__all__ = [
    "KNOTS",
    "fit_bin",
    "invert_cumulatives",
    "normal_scores",
    "principal_axes",
    "principal_bins",
]

KNOTS: Final[Float64[Array, " knot"]] = np.linspace(-3.5, 3.5, 29)
"""Normal scores at which inverse cumulatives are tabulated."""


def normal_scores(
    values: Float64[Array, "event variable"], tie_breakers: Float64[Array, "event variable"]
) -> Float64[Array, "event variable"]:
    """Gaussianise each variable.

    Args:
        values: Variables of the showers.
        tie_breakers: Numbers that put equal values in order.

    Returns:
        Normal scores, the same set of numbers for each variable.
    """
    n_events = len(values)
    by_rank = ndtri((np.arange(n_events) + 0.5) / n_events)
    scores = np.empty(values.shape)
    for variable in range(values.shape[1]):
        order = np.lexsort((tie_breakers[:, variable], values[:, variable]))
        scores[order, variable] = by_rank
    return scores


def principal_axes(
    scores: Float64[Array, "event variable"],
) -> Float64[Array, "variable component"]:
    """Find the principal axes of normal scores.

    Args:
        scores: Normal scores of two showers or more.

    Returns:
        Axes by falling standard deviation, with which they are multiplied, such that
        uncorrelated normal components give scores of variance 1; the largest entry of each axis
        is positive.
    """
    correlation = scores.T @ scores / (scores**2).sum(axis=0)
    variances, directions = np.linalg.eigh(correlation)
    axes = directions * np.sqrt(np.maximum(variances, 0.0))
    axes = axes[:, ::-1]
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    axes = axes * np.where(largest < 0.0, -1.0, 1.0)
    return np.asarray(axes / np.sqrt((axes**2).sum(axis=1, keepdims=True)))


def principal_bins(
    values: Float64[Array, "event variable"],
    tie_breakers: Float64[Array, "event variable"],
    n_bins: int,
) -> Int64[Array, " event"]:
    """Divide showers along the first principal component of all of them.

    Args:
        values: Variables of the showers.
        tie_breakers: Numbers that put equal values in order.
        n_bins: How many bins.

    Returns:
        Bin of each shower; the numbers of showers in the bins differ by one at most.
    """
    scores = normal_scores(values, tie_breakers)
    component = scores @ principal_axes(scores)[:, 0]
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(component, kind="stable")] = np.arange(len(values))
    return rank * n_bins // len(values)


def fit_bin(
    values: Float64[Array, "event variable"], tie_breakers: Float64[Array, "event variable"]
) -> tuple[
    Float32[Array, "variable knot"],
    Float32[Array, " variable"],
    Float32[Array, "variable component"],
]:
    """Fit the showers of one bin.

    Args:
        values: Variables of the showers.
        tie_breakers: Numbers that put equal values in order.

    Returns:
        Inverse cumulatives at `KNOTS`, shares of showers in which each variable is 0, and
        principal axes.
    """
    quantiles = np.quantile(values, ndtr(KNOTS), axis=0, method="hazen").T
    axes = principal_axes(normal_scores(values, tie_breakers))
    empty = np.mean(values == 0.0, axis=0)
    return quantiles.astype(np.float32), empty.astype(np.float32), axes.astype(np.float32)


def invert_cumulatives(
    quantiles: Float[Array, "event variable knot"],
    empty: Float[Array, "event variable"],
    scores: Float64[Array, "event variable"],
) -> Float64[Array, "event variable"]:
    """Evaluate Q(z).

    Args:
        quantiles: Inverse cumulatives at `KNOTS`.
        empty: Shares of showers in which the variables are 0.
        scores: Normal scores z.

    Returns:
        Values of the variables.
    """
    step = KNOTS[1] - KNOTS[0]
    place = np.clip((scores - KNOTS[0]) / step, 0.0, len(KNOTS) - 1.0)
    lower = np.minimum(place.astype(np.int64), len(KNOTS) - 2)
    below = np.take_along_axis(quantiles, lower[..., None], axis=2)[..., 0]
    above = np.take_along_axis(quantiles, lower[..., None] + 1, axis=2)[..., 0]
    values = below + (place - lower) * (above - below)
    return np.where(scores < ndtri(empty), 0.0, values)
