r"""Distances of two samples in all features together, robust against single showers.

Features are replaced by their normal scores: the quantile of a standard normal distribution at the
rank of the value among both samples together, ties sharing theirs. No score is beyond 4.9 for a
million showers, so that one outlier in thousands changes next to nothing; outliers are counted by
themselves (`outliers`). Of these scores are

- the Frechet distance of normal distributions with the samples' moments,
  $$d^2 = |\mu_1 - \mu_2|^2 + \mathrm{tr}(C_1 + C_2 - 2 (C_1^{1/2} C_2 C_1^{1/2})^{1/2});$$
- the distance of the correlations, the root mean square of the differences of all pairs' (rank)
  correlations.

Showers are divided into folds at random, those of the same photons into the same folds. Errors are
from a jackknife over folds, floors and p-values from exchanging folds (`exchange`). All distances
follow from the sums of scores and of their products in each fold.

References:
    R. Kansal et al., *Evaluating generative models in high energy physics*, Phys. Rev. D 107
    (2023) 076017, https://arxiv.org/abs/2211.10295 (the Frechet physics distance)
    B. L. van der Waerden, *Order tests for the two-sample problem*, Indag. Math. 14 (1952) 453
    P. S. Kott, *The delete-a-group jackknife*, Journal of Official Statistics 17 (2001) 521
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from calovox.arrays import Array, Bool, Float64
from calovox.scores.statistics.exchange import Division, Exchange, Tested, beside_draws

__all__ = [
    "FEWEST_SHOWERS",
    "ManyFeatures",
    "compare_scores",
    "correlation_differences",
    "frechet_distance",
    "measure_many_features",
    "normal_scores",
]

FEWEST_SHOWERS: Final = 40
"""Showers of each sample that are needed."""

_EVENTS_PER_FOLD: Final = 4
_MOST_FOLDS: Final = 50
_MOST_NUMBERS: Final = 2**21  # of the covariances of draws that are held at once
_RIDGE: Final = 1e-11  # of the trace: a constant feature leaves no Cholesky root without it

Moments: TypeAlias = tuple[
    Float64[Array, "*draw feature"], Float64[Array, "*draw feature feature"]
]
"""Means and covariances."""


@dataclass(frozen=True)
class ManyFeatures:
    """Distances in all features together.

    Attributes:
        frechet: Frechet distance of the normal scores.
        correlation: Distance of their correlations.
        pairs: Size of the difference of the correlation of each pair of features: of the first
            with all others, then of the second with those behind it, and so on.
        worst_pair: Places of the two features whose correlation differs most.
        worst_difference: By how much: that of the simulation less that of the reference.
    """

    frechet: Tested
    correlation: Tested
    pairs: tuple[Tested, ...]
    worst_pair: tuple[int, int]
    worst_difference: float


@dataclass(frozen=True)
class _Folds:
    """Sums of the scores in folds of both samples, those of the reference first."""

    count: Float64[Array, " fold"]
    total: Float64[Array, "fold feature"]
    products: Float64[Array, "fold feature feature"]

    def moments(self, chosen: Bool[Array, "draw fold"]) -> Moments:
        weights = chosen / (chosen @ self.count)[:, None]
        mean = weights @ self.total
        square = np.tensordot(weights, self.products, axes=1)
        return mean, square - mean[:, :, None] * mean[:, None, :]

    def distances(
        self, first: Bool[Array, "draw fold"], second: Bool[Array, "draw fold"]
    ) -> Float64[Array, "draw metric"]:
        """Compute the Frechet distance, that of the correlations, and that of each pair."""
        n_at_once = max(1, _MOST_NUMBERS // self.total.shape[1] ** 2)
        parts = [
            self._some_distances(
                first[start : start + n_at_once], second[start : start + n_at_once]
            )
            for start in range(0, len(first), n_at_once)
        ]
        return np.concatenate(parts)

    def _some_distances(
        self, first: Bool[Array, "draw fold"], second: Bool[Array, "draw fold"]
    ) -> Float64[Array, "draw metric"]:
        both = self.moments(first), self.moments(second)
        pairs = np.abs(correlation_differences(*both))
        root = np.sqrt(np.mean(pairs**2, axis=1)) if pairs.shape[1] else np.zeros(len(pairs))
        return np.column_stack([frechet_distance(*both), root, pairs])


def normal_scores(
    reference: Float64[Array, "event feature"], simulated: Float64[Array, "other feature"]
) -> tuple[Float64[Array, "event feature"], Float64[Array, "other feature"]]:
    """Replace values by the normal quantiles of their ranks among both samples together.

    Args:
        reference: Features of the reference.
        simulated: Those of the simulation.

    Returns:
        The scores of both.

    Example:
        >>> first, second = normal_scores(np.array([[0.0], [1.0]]), np.array([[1e9]]))
        >>> float(first[1, 0]), round(float(second[0, 0]), 3)
        (0.0, 0.674)
    """
    pooled = np.concatenate([reference, simulated])
    scores = ndtri(rankdata(pooled, axis=0) / (len(pooled) + 1))
    return scores[: len(reference)], scores[len(reference) :]


def frechet_distance(first: Moments, second: Moments) -> Float64[Array, "*draw"]:
    """Compute the squared Frechet distance of normal distributions.

    Args:
        first: Means and covariances of the first distributions.
        second: Those of the second ones.

    Returns:
        The distances, 0 for equal moments.

    Example:
        >>> one, other = (np.zeros(2), np.eye(2)), (np.array([3.0, 0.0]), 4 * np.eye(2))
        >>> round(float(frechet_distance(one, other)), 6)
        11.0
    """
    traces = [np.trace(moments[1], axis1=-2, axis2=-1) for moments in (first, second)]
    n_features = first[0].shape[-1]
    # the eigenvalues of C1 C2 are those of the symmetric L^T C2 L with C1 = L L^T
    ridge = (_RIDGE / n_features) * traces[0] + np.finfo(np.float64).tiny
    root = np.linalg.cholesky(first[1] + ridge[..., None, None] * np.eye(n_features))
    cross = np.linalg.eigvalsh(np.swapaxes(root, -1, -2) @ second[1] @ root)
    shift = first[0] - second[0]
    # rounding may leave eigenvalues just below 0
    geometric = np.sqrt(np.maximum(cross, 0.0)).sum(axis=-1)
    return np.asarray((shift**2).sum(axis=-1) + traces[0] + traces[1] - 2.0 * geometric)


def correlation_differences(first: Moments, second: Moments) -> Float64[Array, "*draw pair"]:
    """Subtract the correlations of all pairs of features.

    Args:
        first: Means and covariances of the first distributions.
        second: Those of the second ones.

    Returns:
        The second less the first, pair by pair.
    """
    difference = _correlation(second[1]) - _correlation(first[1])
    rows, columns = np.triu_indices(difference.shape[-1], k=1)
    return np.asarray(difference[..., rows, columns])


def measure_many_features(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
    *,
    same_photons: bool = False,
) -> ManyFeatures:
    """Measure how far two samples are apart in all features together.

    Args:
        reference: Features of the reference, forty showers or more, all finite.
        simulated: The same of the simulation, likewise.
        rng: Divides showers into folds and exchanges them.
        same_photons: Whether shower i of both samples is of the same photon.

    Returns:
        The distances.

    Raises:
        ValueError: If a sample has fewer than forty showers.
    """
    fewest = min(len(reference), len(simulated))
    if fewest < FEWEST_SHOWERS:
        raise ValueError(
            f"features: expected {FEWEST_SHOWERS} showers or more of each sample, got {fewest}"
        )
    return compare_scores(*normal_scores(reference, simulated), rng, same_photons=same_photons)


def compare_scores(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
    *,
    same_photons: bool = False,
) -> ManyFeatures:
    """Measure how far two samples are apart, from their normal scores.

    Args:
        reference: Normal scores of the reference.
        simulated: Those of the simulation.
        rng: Divides showers into folds and exchanges them.
        same_photons: Whether shower i of both samples is of the same photon.

    Returns:
        The distances.
    """
    division, folds = _fold(reference, simulated, rng, same_photons=same_photons)
    exchange, draws = division.exchange, division.draws
    measured = exchange.measured[None]
    values = folds.distances(measured, ~measured)[0]
    errors = _jackknife_errors(exchange, folds)
    found = beside_draws(values, errors, folds.distances(draws, ~draws), exchange.source)
    both = folds.moments(measured), folds.moments(~measured)
    pairs = correlation_differences(*both)[0]
    if not len(pairs):
        return ManyFeatures(found[0], found[1], (), (0, 0), 0.0)
    worst = int(np.argmax(np.abs(pairs)))
    row, column = (int(places[worst]) for places in np.triu_indices(reference.shape[1], k=1))
    return ManyFeatures(found[0], found[1], tuple(found[2:]), (row, column), float(pairs[worst]))


def _fold(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
    *,
    same_photons: bool,
) -> tuple[Division, _Folds]:
    """Add up the scores in folds of about equal sizes."""
    scores = np.concatenate([reference, simulated])
    sizes = len(reference), len(simulated)
    fewest = max(_EVENTS_PER_FOLD, min(sizes) // _MOST_FOLDS)
    division = Division.at_random(*sizes, rng, same_photons=same_photons, fewest_in_unit=fewest)
    order = np.argsort(division.units, kind="stable")
    count = np.bincount(division.units)
    parts = np.split(scores[order], np.cumsum(count)[:-1])
    sums = _Folds(
        count.astype(np.float64),
        np.stack([part.sum(axis=0) for part in parts]),
        np.stack([part.T @ part for part in parts]),
    )
    return division, sums


def _jackknife_errors(exchange: Exchange, folds: _Folds) -> Float64[Array, " metric"]:
    """Estimate the errors of all distances, without each fold in turn, of both samples."""
    variance = np.zeros(())
    # the samples are independent of each other: their variances add up
    for side in (exchange.measured, ~exchange.measured):
        places = np.flatnonzero(side)
        if len(places) < 2:
            return np.full(folds.distances(side[None], ~side[None]).shape[1], np.nan)
        without = np.repeat(side[None], len(places), axis=0)
        without[np.arange(len(places)), places] = False
        others = np.repeat(~side[None], len(places), axis=0)
        values = folds.distances(without, others)
        variance = variance + (len(places) - 1) * values.var(axis=0)
    return np.asarray(np.sqrt(variance))


def _correlation(
    covariance: Float64[Array, "*draw feature feature"],
) -> Float64[Array, "*draw feature feature"]:
    spread = np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 0.0))
    scale = spread[..., :, None] * spread[..., None, :]
    known = scale > 1e-12  # a constant feature has no correlations
    return np.asarray(np.divide(covariance, scale, out=np.zeros_like(scale), where=known))
