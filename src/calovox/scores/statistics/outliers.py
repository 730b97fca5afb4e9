r"""Outliers: simulated showers beyond anything in the reference, observable by observable.

Of m simulated showers with the reference's distribution, 2 m / (n + 1) are on average below the
smallest or above the largest of n reference showers. The test is exact: the number above the
largest follows the negative hypergeometric distribution. Both sides count, so that the p-value is
twice the smaller, at most 1.

How far out they are matters as much. The worst shower's distance beyond the reference's end is
given in units of the reference's range, largest less smallest value. A shower more than a whole
range beyond is **far out**: for an exponential tail, the probability that any of m
showers is so far beyond n others is 2 m / n^2, below 1 in 1000 for 5000 of each. One such shower
is a finding.

References:
    H. A. David, H. N. Nagaraja, *Order statistics*, Wiley (2003), section 7.3 (exceedances)
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from calovox.arrays import Array, Float64
from calovox.samples.observables.table import Observable, ObservableTable

__all__ = ["OutlierCount", "count_outliers"]


@dataclass(frozen=True)
class OutlierCount:
    """Simulated showers beyond the reference in one observable.

    Attributes:
        observable: The observable.
        n_beyond: Showers below the smallest or above the largest value of the reference.
        share: Their share of the simulation.
        expected: How many there are on average for the reference's distribution.
        p_value: Probability of as many, or more, for that distribution.
        farthest: Distance of the worst beyond the reference's end, in units of its range; 0
            without any, infinite if the reference has no range.
        n_far: Showers more than a whole range beyond.
    """

    observable: Observable
    n_beyond: int
    share: float
    expected: float
    p_value: float
    farthest: float
    n_far: int

    @property
    def found(self) -> bool:
        """Whether a shower is far out, or there are too many (p below 0.001)."""
        return self.n_far > 0 or self.p_value < 1e-3


def count_outliers(
    reference: ObservableTable, simulated: ObservableTable
) -> tuple[OutlierCount, ...]:
    """Count the simulated showers beyond the reference.

    Args:
        reference: Observables of the reference, at least one shower.
        simulated: The same of the simulation, likewise.

    Returns:
        One entry per observable, the farthest first.

    Raises:
        ValueError: If the observables of the samples differ.
    """
    if reference.names != simulated.names:
        other = set(reference.names) ^ set(simulated.names)
        raise ValueError(f"observables: expected the same in both samples, not so {sorted(other)}")
    counts = [
        _count(observable, reference.values[:, column], simulated.values[:, column])
        for column, observable in enumerate(reference.observables)
    ]
    return tuple(sorted(counts, key=lambda count: (-count.farthest, count.p_value)))


def _count(
    observable: Observable,
    reference: Float64[Array, " event"],
    simulated: Float64[Array, " other"],
) -> OutlierCount:
    low, high = float(reference.min()), float(reference.max())
    # float32 inputs: what is within rounding of the end is not beyond it
    margin = 1e-6 * max(abs(low), abs(high))
    beyond = np.maximum(low - simulated, simulated - high)
    sides = [int(np.count_nonzero(side > margin)) for side in (low - simulated, simulated - high)]
    span = high - low
    distance = float(beyond.max())
    farthest = 0.0 if distance <= margin else distance / span if span > margin else np.inf
    n, m = len(reference), len(simulated)
    return OutlierCount(
        observable=observable,
        n_beyond=sum(sides),
        share=sum(sides) / m,
        expected=2.0 * m / (n + 1),
        p_value=min(1.0, 2.0 * min(_exceedance_probability(n, m, side) for side in sides)),
        farthest=farthest,
        n_far=int(np.count_nonzero(beyond > max(span, margin))),
    )


def _exceedance_probability(n: int, m: int, count: int) -> float:
    """Give the probability that so many of m values, or more, exceed the largest of n others."""
    if count == 0:
        return 1.0
    # the largest `count` of all n + m values are all of the second sample
    logarithm = gammaln(m + 1) - gammaln(m - count + 1) + gammaln(n + m - count + 1)
    return float(np.exp(logarithm - gammaln(n + m + 1)))
