r"""Moments of many features in folds: means and covariances of a sample and of parts of it.

Every event belongs to one of K folds, at random. From the sums in each fold follow the moments of
the sample, of the sample without one fold (jackknife), and of random halves, without the events.
The delete-a-group jackknife gives the variance of an estimator t as
(K - 1) / K sum_k (t_(k) - mean t)^2, with t_(k) measured without fold k.

References:
    P. S. Kott, *The delete-a-group jackknife*, Journal of Official Statistics 17 (2001) 521.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64

__all__ = ["FoldedMoments", "Moments", "jackknife_error"]


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of some events.

    Attributes:
        n_events: Number of events.
        mean: Mean of each feature.
        covariance: Their covariance.
    """

    n_events: int
    mean: Float64[Array, " feature"]
    covariance: Float64[Array, "feature feature"]

    @property
    def correlation(self) -> Float64[Array, "feature feature"]:
        """Pearson correlations; 0 where a feature does not vary."""
        spread = np.sqrt(np.diag(self.covariance))
        scale = np.outer(spread, spread)
        shares = np.divide(self.covariance, scale, out=np.zeros_like(scale), where=scale > 0)
        return np.asarray(shares)


@dataclass(frozen=True)
class FoldedMoments:
    """Sums of features and of their products in each fold.

    Attributes:
        count: Events of each fold.
        total: Sum of each feature.
        products: Sum of the product of each pair of features.
    """

    count: Int64[Array, " fold"]
    total: Float64[Array, "fold feature"]
    products: Float64[Array, "fold feature feature"]

    @classmethod
    def empty(cls, n_folds: int, n_features: int) -> "FoldedMoments":
        """Start without events."""
        shape = (n_folds, n_features)
        products = np.zeros((*shape, n_features))
        return cls(np.zeros(n_folds, dtype=np.int64), np.zeros(shape), products)

    def add(
        self, features: Float64[Array, "event feature"], folds: Int64[Array, " event"]
    ) -> None:
        """Add events.

        Args:
            features: Their features, best of order 1.
            folds: Which fold each of them belongs to.
        """
        order = np.argsort(folds, kind="stable")
        numbers = np.bincount(folds, minlength=len(self.count))
        self.count[:] += numbers
        for fold, rows in enumerate(np.split(features[order], np.cumsum(numbers)[:-1])):
            self.total[fold] += rows.sum(axis=0)
            self.products[fold] += rows.T @ rows

    def moments(self, folds: Bool[Array, " fold"] | None = None) -> Moments:
        """Compute the moments of some folds.

        Args:
            folds: Which ones, all by default; they hold two events or more.
        """
        chosen = np.ones(len(self.count), dtype=bool) if folds is None else folds
        n_events = int(self.count[chosen].sum())
        mean = self.total[chosen].sum(axis=0) / n_events
        products = self.products[chosen].sum(axis=0)
        covariance = (products - n_events * np.outer(mean, mean)) / (n_events - 1)
        return Moments(n_events, mean, covariance)

    def without_each(self) -> list[Moments]:
        """Compute the moments without each of the folds in turn."""
        return [self.moments(row) for row in ~np.eye(len(self.count), dtype=bool)]

    def halves(self, rng: np.random.Generator) -> tuple[Moments, Moments]:
        """Compute the moments of two random halves of the folds."""
        first = np.zeros(len(self.count), dtype=bool)
        first[rng.permutation(len(first))[: len(first) // 2]] = True
        return self.moments(first), self.moments(~first)


def jackknife_error(
    sample: FoldedMoments, estimate: Callable[[Moments], Float64[Array, "*value"]]
) -> Float64[Array, "*value"]:
    """Estimate the statistical error of what is computed from the moments of a sample.

    Args:
        sample: Sums in folds.
        estimate: Computes it.

    Returns:
        The error.
    """
    values = np.stack([estimate(moments) for moments in sample.without_each()])
    n_folds = len(values)
    return np.asarray(np.sqrt((n_folds - 1) * values.var(axis=0)))
