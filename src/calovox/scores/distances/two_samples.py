r"""Distances between two histograms: chi2, separation power, Wasserstein, Kolmogorov-Smirnov.

With F and G the cumulative distributions of the reference (n events) and of the sample (m), and p
and q their shares of coarse bins,

$$S = \frac{1}{2} \sum_i \frac{(p_i - q_i)^2}{p_i + q_i}, \quad
W_1 = \frac{1}{\sigma} \int |F - G| \, dx, \quad
D = \max_x |F - G|,$$

and chi2/ndf as in `metrics`. The Wasserstein distance is in units of the reference's standard
deviation. F - G is exact at the borders of the fine bins and linear between them; beyond the
outermost, the difference of the means is taken.

**Uncertainties** are analytic. Chi2 follows the non-central chi2 distribution, whose variance is
2 (ndf + 2 lambda), somewhat too large for large differences. S, W_1 and D are linearised (the
delta method); for W_1 and D the sign of F - G and the place of its maximum are kept fixed.

**Floor**: the reference is divided at random into halves, event by event, `N_SPLITS` times. The
mean of chi2/ndf does not depend on the sizes of two samples of one distribution, and its scatter
goes with 1 / sqrt(ndf). For n and m events instead of n/2 and n/2, S shrinks by the factor
c = (1/n + 1/m) / (4/n), W_1 and D by its square root. The share of the splits that give as much as
the sample is the p-value, never below 1 / (`N_SPLITS` + 1); that of chi2 is analytic.

References:
    S. Diefenbacher et al., *DCTRGAN*, JINST 15 (2020) P11004, https://arxiv.org/abs/2009.03796,
    eq. 15 (separation power);
    C. Villani, *Optimal Transport*, Springer (2009) (Wasserstein distance);
    A. W. van der Vaart, *Asymptotic Statistics*, Cambridge (1998), chapters 3 and 19.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chi2 as chi2_distribution

from calovox.arrays import Array, Float64, Int64
from calovox.scores.binned import BinnedSample, coarse_groups
from calovox.scores.histograms import MIN_EXPECTED, Chi2, chi2_of_counts, merge_bins

__all__ = ["METRICS_1D", "N_SPLITS", "Measured", "ReferenceFloor", "compare_feature"]

N_SPLITS: Final = 199
"""How often the reference is divided into halves."""

METRICS_1D: Final = ("chi2_ndf", "separation", "wasserstein", "ks")
"""Names of the distances, all of them 0 for equal histograms."""

_POWERS: Final = {"separation": 1.0, "wasserstein": 0.5, "ks": 0.5}
"""How the distances of samples of one distribution fall with the sizes of the samples."""


@dataclass(frozen=True)
class Measured:
    """A metric, its uncertainty, its floor, and the p-value: see `scores.Score`."""

    value: float
    uncertainty: float
    floor: float
    floor_uncertainty: float
    p_value: float


@dataclass(frozen=True)
class _Histogram:
    """One feature of one sample; the first axes may run over many histograms."""

    counts: Int64[Array, "*split all_fine"]
    below: Float64[Array, "*split"]
    above: Float64[Array, "*split"]

    @property
    def size(self) -> Float64[Array, "*split"]:
        return np.asarray(np.maximum(self.counts.sum(axis=-1), 1), dtype=np.float64)

    @property
    def cumulative(self) -> Float64[Array, "*split edge"]:
        """F at the borders of the fine bins."""
        return np.asarray(np.cumsum(self.counts, axis=-1)[..., :-1] / self.size[..., None])

    def split(self, rng: np.random.Generator) -> tuple["_Histogram", "_Histogram"]:
        """Divide it into halves, many times."""
        filled = np.flatnonzero(self.counts)
        first = np.zeros((N_SPLITS, len(self.counts)), dtype=np.int64)
        first[:, filled] = rng.binomial(self.counts[filled], 0.5, size=(N_SPLITS, len(filled)))
        ends = (first[:, [0, -1]] / np.maximum(self.counts[[0, -1]], 1)).T
        below, above = self.below * ends[0], self.above * ends[1]
        rest = _Histogram(self.counts - first, self.below - below, self.above - above)
        return _Histogram(first, below, above), rest


@dataclass(frozen=True)
class ReferenceFloor:
    """Distances of random halves of the reference, for one feature in one bin of events.

    Attributes:
        n_events: Events of the reference.
        ndf: Degrees of freedom of chi2 for two halves.
        draws: Distances of each split, by metric.
    """

    n_events: int
    ndf: int
    draws: dict[str, Float64[Array, " split"]]

    @classmethod
    def from_sample(
        cls, reference: BinnedSample, place: int, column: int, rng: np.random.Generator
    ) -> "ReferenceFloor":
        """Divide the reference into halves.

        Args:
            reference: Histograms of the reference.
            place: Bin of events.
            column: Feature.
            rng: Chooses the halves.
        """
        histogram = _histogram(reference, place, column)
        n_events = reference.n_events(place)
        first, second = histogram.split(rng)
        groups = coarse_groups(n_events)
        draws = _distances(first, second, groups, reference.spread(place, column))
        total = np.add.reduceat(histogram.counts, groups)
        starts = groups[merge_bins(0.5 * total, MIN_EXPECTED)]
        draws["chi2_ndf"] = _reduced_chi2(first, second, starts)
        return cls(n_events, len(starts) - 1, draws)

    def of_sizes(self, metric: str, n_simulated: int) -> Float64[Array, " split"]:
        """Return the distances as they are for the whole reference and so many other events."""
        if metric not in _POWERS:
            return self.draws[metric]
        factor = 0.25 * (1.0 + self.n_events / n_simulated)
        return np.asarray(self.draws[metric] * factor ** _POWERS[metric])


def compare_feature(
    reference: BinnedSample,
    simulated: BinnedSample,
    place: int,
    columns: tuple[int, int],
    floor: ReferenceFloor,
) -> dict[str, Measured]:
    """Compare one feature in one bin of events.

    Args:
        reference: Histograms of the reference.
        simulated: Histograms of the sample.
        place: Bin of events, with events of both samples.
        columns: The feature's places in the reference and in the sample.
        floor: Halves of the reference.

    Returns:
        The metrics by name; chi2/ndf only if there is more than one bin.
    """
    first = _histogram(reference, place, columns[0])
    second = _histogram(simulated, place, columns[1])
    groups = coarse_groups(floor.n_events)
    spread = reference.spread(place, columns[0])
    values = _distances(first, second, groups, spread)
    errors = _uncertainties(first, second, groups, spread)
    m = simulated.n_events(place)
    result = {}
    for metric, value in values.items():
        draws = floor.of_sizes(metric, m)
        # rounding must not tell a distance from the same distance of a split
        p_value = (1 + int(np.count_nonzero(draws >= value * (1 - 1e-9)))) / (len(draws) + 1)
        result[metric] = Measured(
            float(value), errors[metric], float(draws.mean()), float(draws.std(ddof=1)), p_value
        )
    chi2 = chi2_of_counts(*(np.add.reduceat(h.counts, groups) for h in (first, second)))
    if chi2.ndf > 0:
        result["chi2_ndf"] = _measured_chi2(chi2, floor)
    return result


def _measured_chi2(chi2: Chi2, floor: ReferenceFloor) -> Measured:
    draws = floor.draws["chi2_ndf"]
    excess = max(chi2.value - chi2.ndf, 0.0)
    return Measured(
        chi2.reduced,
        float(np.sqrt(2.0 * chi2.ndf + 4.0 * excess) / chi2.ndf),
        float(draws.mean()),
        float(draws.std(ddof=1) * np.sqrt(floor.ndf / chi2.ndf)),
        float(chi2_distribution.sf(chi2.value, chi2.ndf)),
    )


def _histogram(sample: BinnedSample, place: int, column: int) -> _Histogram:
    at = (place, column)
    return _Histogram(
        sample.counts[at], np.asarray(sample.below[at]), np.asarray(sample.above[at])
    )


def _distances(
    first: _Histogram, second: _Histogram, groups: Int64[Array, " group"], spread: float
) -> dict[str, Float64[Array, "*split"]]:
    n, m = first.size, second.size
    p = np.add.reduceat(first.counts, groups, axis=-1) / n[..., None]
    q = np.add.reduceat(second.counts, groups, axis=-1) / m[..., None]
    terms = np.divide((p - q) ** 2, p + q, out=np.zeros_like(p), where=p + q > 0)
    difference = first.cumulative - second.cumulative
    tails = np.abs(first.below / n - second.below / m) + np.abs(first.above / n - second.above / m)
    return {
        "separation": np.asarray(0.5 * terms.sum(axis=-1)),
        "wasserstein": np.asarray((_integral_of_size(difference) + tails) / spread),
        "ks": np.asarray(np.abs(difference).max(axis=-1)),
    }


def _reduced_chi2(
    first: _Histogram, second: _Histogram, starts: Int64[Array, " group"]
) -> Float64[Array, " split"]:
    """Compute chi2/ndf of each split into halves; NaN if there is a single bin."""
    a, b = (np.add.reduceat(half.counts, starts, axis=1).astype(float) for half in (first, second))
    n, m = first.size[:, None], second.size[:, None]
    terms = np.divide((m * a - n * b) ** 2, a + b, out=np.zeros_like(a), where=a + b > 0)
    ndf = len(starts) - 1
    chi2 = (terms / (n * m)).sum(axis=1)
    return chi2 / ndf if ndf > 0 else np.full(len(chi2), np.nan)


def _integral_of_size(values: Float64[Array, "*split edge"]) -> Float64[Array, "*split"]:
    """Integrate the size of what is linear between points one apart."""
    left, right = values[..., :-1], values[..., 1:]
    size = np.abs(left) + np.abs(right)
    crossing = left * right < 0
    squares = np.divide(left**2 + right**2, size, out=np.zeros_like(size), where=size > 0)
    return np.asarray(0.5 * np.where(crossing, squares, size).sum(axis=-1))


def _uncertainties(
    first: _Histogram, second: _Histogram, groups: Int64[Array, " group"], spread: float
) -> dict[str, float]:
    n, m = float(first.size), float(second.size)
    p, q = (np.add.reduceat(h.counts, groups) / h.size for h in (first, second))
    filled = p + q > 0
    slope = (p - q)[filled] / (p + q)[filled]
    noise = 2.0 * (np.count_nonzero(filled) - 1) * (0.25 / n + 0.25 / m) ** 2
    # the squares of p - q hold their noise: linearised, twice as much as without a difference
    separation = (
        _variance(p[filled], 0.5 * slope * (2.0 - slope)) / n
        + _variance(q[filled], 0.5 * slope * (2.0 + slope)) / m
        - noise
    )
    f, g = first.cumulative, second.cumulative
    worst = int(np.argmax(np.abs(f - g)))
    ks = f[worst] * (1.0 - f[worst]) / n + g[worst] * (1.0 - g[worst]) / m
    # what an event in each bin adds to the integral of |F - G|
    signs = np.sign(0.5 * (f - g)[1:] + 0.5 * (f - g)[:-1])
    influence = np.concatenate([[signs.sum()], np.cumsum(signs[::-1])[::-1] - 0.5 * signs, [0.0]])
    variance = _variance(first.counts / n, influence) / n
    variance += _variance(second.counts / m, influence) / m
    return {
        "separation": float(np.sqrt(max(separation, noise))),
        "wasserstein": float(np.sqrt(variance)) / spread,
        "ks": float(np.sqrt(ks)),
    }


def _variance(shares: Float64[Array, " bin"], values: Float64[Array, " bin"]) -> float:
    """Compute the variance over events of what has a value in each bin."""
    return max(float(shares @ values**2 - (shares @ values) ** 2), 0.0)
