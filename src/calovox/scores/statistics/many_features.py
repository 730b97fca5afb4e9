r"""Distances of two samples in all features together, which single showers cannot decide.

Features are replaced by their normal scores: the quantile of a standard normal distribution at the
rank of the value among both samples together, ties sharing theirs. No score is beyond 4.9 for a
million showers, so that one outlier in thousands changes next to nothing; outliers are counted by
themselves (`outliers`). Of these scores are

- the Frechet distance of normal distributions with the samples' moments,
  $$d^2 = |\mu_1 - \mu_2|^2 + \mathrm{tr}(C_1 + C_2 - 2 (C_1^{1/2} C_2 C_1^{1/2})^{1/2});$$
- the distance of the correlations, the root mean square of the differences of all pairs' (rank)
  correlations.

Showers are divided into folds at random, those of the same photons into the same folds. Errors are
from a jackknife over folds, floors and p-values from exchanging folds (`exchange`).

References:
    R. Kansal et al., *Evaluating generative models in high energy physics*, Phys. Rev. D 107
    (2023) 076017, https://arxiv.org/abs/2211.10295 (the Frechet physics distance)
    B. L. van der Waerden, *Order tests for the two-sample problem*, Indag. Math. 14 (1952) 453
    P. S. Kott, *The delete-a-group jackknife*, Journal of Official Statistics 17 (2001) 521
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.scores.statistics.exchange import Exchange, Tested, judge_by_exchange

__all__ = [
    "ManyFeatures",
    "correlation_distance",
    "frechet_distance",
    "measure_many_features",
    "normal_scores",
]

_MOST_FOLDS: Final = 50
_FEWEST_FOLDS: Final = 10
_EVENTS_PER_FOLD: Final = 4

_Moments = tuple[Float64[Array, " feature"], Float64[Array, "feature feature"]]


@dataclass(frozen=True)
class ManyFeatures:
    """Distances in all features together.

    Attributes:
        frechet: Frechet distance of the normal scores.
        correlation: Distance of their correlations.
        worst_pair: Places of the two features whose correlation differs most.
        worst_difference: By how much: that of the simulation less that of the reference.
    """

    frechet: Tested
    correlation: Tested
    worst_pair: tuple[int, int]
    worst_difference: float


@dataclass(frozen=True)
class _Folds:
    """Sums of the scores in folds of both samples, those of the reference first."""

    count: Int64[Array, " fold"]
    total: Float64[Array, "fold feature"]
    products: Float64[Array, "fold feature feature"]

    def moments(self, chosen: Bool[Array, " fold"]) -> _Moments:
        n_events = self.count[chosen].sum()
        mean = self.total[chosen].sum(axis=0) / n_events
        square = np.tensordot(chosen.astype(np.float64), self.products, axes=1) / n_events
        return mean, square - np.outer(mean, mean)


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


def frechet_distance(first: _Moments, second: _Moments) -> float:
    """Compute the squared Frechet distance of two normal distributions.

    Args:
        first: Mean and covariance of the one.
        second: Those of the other.

    Returns:
        The distance, 0 for equal moments.
    """
    values, vectors = np.linalg.eigh(first[1])
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    # eigenvalues of a positive matrix; rounding may leave some just below 0
    cross = np.linalg.eigvalsh(root @ second[1] @ root)
    shift = first[0] - second[0]
    trace = np.trace(first[1]) + np.trace(second[1])
    return float(shift @ shift + trace - 2.0 * np.sqrt(np.maximum(cross, 0.0)).sum())


def correlation_distance(first: _Moments, second: _Moments) -> float:
    """Compute the root mean square of the differences of all correlations.

    Args:
        first: Mean and covariance of the one.
        second: Those of the other.

    Returns:
        The distance, 0 with one feature.
    """
    difference = _correlation(first[1]) - _correlation(second[1])
    pairs = difference[np.triu_indices(len(difference), k=1)]
    return float(np.sqrt(np.mean(pairs**2))) if len(pairs) else 0.0


def measure_many_features(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
    *,
    same_photons: bool = False,
    replicas: tuple[Float64[Array, "one feature"], Float64[Array, "two feature"]] | None = None,
) -> ManyFeatures:
    """Measure how far two samples are apart in all features together.

    Args:
        reference: Features of the reference, forty showers or more, all finite.
        simulated: The same of the simulation, likewise.
        rng: Divides showers into folds and exchanges them.
        same_photons: Whether shower i of both samples is of the same photon.
        replicas: Features of two samples of one law, the model's or Geant4's, of the same photons
            and sizes: they give the floor.

    Returns:
        The distances.

    Raises:
        ValueError: If a sample has fewer than forty showers.
    """
    fewest = min(len(reference), len(simulated))
    if fewest < _FEWEST_FOLDS * _EVENTS_PER_FOLD:
        raise ValueError(
            f"features: expected {_FEWEST_FOLDS * _EVENTS_PER_FOLD} showers or more of each "
            f"sample, got {fewest}"
        )
    exchange, folds = _fold(reference, simulated, rng, same_photons=same_photons)
    replica = None
    if replicas is not None:
        replica = _fold(*replicas, rng, same_photons=same_photons)
    frechet, correlation = (
        _measure(compute, exchange, folds, replica, rng)
        for compute in (frechet_distance, correlation_distance)
    )
    first, second = folds.moments(exchange.measured), folds.moments(~exchange.measured)
    difference = _correlation(second[1]) - _correlation(first[1])
    place = int(np.argmax(np.abs(np.triu(difference, k=1))))
    row, column = divmod(place, len(difference))
    return ManyFeatures(frechet, correlation, (row, column), float(difference[row, column]))


def _measure(
    compute: Callable[[_Moments, _Moments], float],
    exchange: Exchange,
    folds: _Folds,
    replica: tuple[Exchange, _Folds] | None,
    rng: np.random.Generator,
) -> Tested:
    """Measure and test one distance."""
    floor = None
    if replica is not None:
        floor = _distance(replica[1], compute)(replica[0].measured)
    return judge_by_exchange(
        _distance(folds, compute),
        exchange,
        rng,
        uncertainty=_jackknife_error(exchange, folds, compute),
        replica_floor=floor,
    )


def _fold(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
    *,
    same_photons: bool,
) -> tuple[Exchange, _Folds]:
    """Add up the scores in folds of about equal sizes."""
    scores = normal_scores(reference, simulated)
    size = max(_EVENTS_PER_FOLD, -(-min(map(len, scores)) // _MOST_FOLDS))
    numbers = [max(_FEWEST_FOLDS, len(sample) // size) for sample in scores]
    division = rng.permutation(np.arange(len(scores[0])) % numbers[0])
    other = rng.permutation(np.arange(len(scores[1])) % numbers[1])
    folds = [division, division if same_photons else other]
    counts, totals, products = [], [], []
    for sample, fold, number in zip(scores, folds, numbers, strict=True):
        for part in (sample[fold == place] for place in range(number)):
            counts.append(len(part))
            totals.append(part.sum(axis=0))
            products.append(part.T @ part)
    sums = _Folds(np.array(counts), np.stack(totals), np.stack(products))
    return Exchange(numbers[0], numbers[1], same_photons), sums


def _distance(
    folds: _Folds, compute: Callable[[_Moments, _Moments], float]
) -> Callable[[Bool[Array, " fold"]], float]:
    return lambda units: compute(folds.moments(units), folds.moments(~units))


def _jackknife_error(
    exchange: Exchange,
    folds: _Folds,
    compute: Callable[[_Moments, _Moments], float],
) -> float:
    """Estimate the error of a distance without each fold in turn, of both samples."""
    first, second = exchange.measured, ~exchange.measured
    whole = folds.moments(first), folds.moments(second)
    variance = 0.0
    for place, units in enumerate((first, second)):
        values = []
        for fold in np.flatnonzero(units):
            part = units.copy()
            part[fold] = False
            pair = (
                (folds.moments(part), whole[1]) if place == 0 else (whole[0], folds.moments(part))
            )
            values.append(compute(*pair))
        variance += (len(values) - 1) * float(np.var(values))
    return float(np.sqrt(variance))


def _correlation(
    covariance: Float64[Array, "feature feature"],
) -> Float64[Array, "feature feature"]:
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    scale = np.outer(spread, spread)
    known = scale > 1e-12
    return np.asarray(np.divide(covariance, scale, out=np.zeros_like(scale), where=known))
