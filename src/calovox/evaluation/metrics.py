r"""Numbers that say how alike two samples are: histograms, chi2, event-by-event shifts, profiles.

Two unweighted histograms n_i and m_i with totals N and M, under- and overflow included, are
compared by

$$\chi^2 = \frac{1}{N M} \sum_i \frac{(M n_i - N m_i)^2}{n_i + m_i}, \qquad
\mathrm{ndf} = \mathrm{bins} - 1,$$

after neighbouring bins have been merged until the smaller sample expects `MIN_EXPECTED` entries
in each. Independent samples of one distribution give chi2/ndf = 1 on average. Samples made of the
same events are correlated and give less: `paired_difference` is the sharper test for these.

References:
    N. D. Gagunashvili, *Chi-square tests for comparing weighted histograms*, NIM A 614 (2010) 287,
    https://doi.org/10.1016/j.nima.2009.12.037
    W. H. Press et al., *Numerical Recipes*, section 14.3, *Are two distributions different?*
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammaincinv

from calovox.arrays import Array, Float, Float64, Int, Int64

__all__ = [
    "MIN_EXPECTED",
    "Chi2",
    "Floor",
    "Histogram",
    "Paired",
    "Profile",
    "chi2_of_histograms",
    "choose_edges",
    "fill_histogram",
    "merge_bins",
    "paired_difference",
    "poisson_interval",
    "profile",
    "split_floor",
]

MIN_EXPECTED: Final = 10.0
"""Entries that the smaller of two samples expects in each merged bin of a chi2."""

_MOST_BINS: Final = 40
_FEWEST_BINS: Final = 10
_EVENTS_PER_BIN: Final = 25
_QUANTILES: Final = (0.005, 0.995)
_LEAST_WIDTH: Final = 1e-5
_ONE_SIGMA: Final = 0.6826894921370859


@dataclass(frozen=True)
class Histogram:
    """Counts of events in bins.

    Attributes:
        edges: Borders of the bins; the last bin includes its upper border.
        counts: Events in each bin.
        underflow: Events below the first border.
        overflow: Events above the last border.
    """

    edges: Float64[Array, " edge"]
    counts: Int64[Array, " bin"]
    underflow: int
    overflow: int

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.counts) + 1:
            raise ValueError(
                f"Histogram: expected {len(self.counts) + 1} `edges`, got {len(self.edges)}"
            )

    @property
    def total(self) -> int:
        """Number of events, those outside the borders included."""
        return int(self.counts.sum()) + self.underflow + self.overflow

    @property
    def all_counts(self) -> Int64[Array, " all_bins"]:
        """Underflow, bins, overflow."""
        return np.concatenate([[self.underflow], self.counts, [self.overflow]]).astype(np.int64)


@dataclass(frozen=True)
class Chi2:
    """Chi2 of two histograms and its number of degrees of freedom."""

    value: float
    ndf: int

    @property
    def reduced(self) -> float:
        """Chi2 per degree of freedom, NaN without any."""
        return self.value / self.ndf if self.ndf > 0 else float("nan")


@dataclass(frozen=True)
class Paired:
    """Event-by-event difference, simulated minus reference.

    Attributes:
        n_events: Events found in both samples.
        mean: Mean difference, in the unit of the observable.
        mean_error: Statistical error of the mean difference.
        rms_difference: Standard deviation of the difference.
        rms_observable: Standard deviation of the observable in the reference.
    """

    n_events: int
    mean: float
    mean_error: float
    rms_difference: float
    rms_observable: float

    @property
    def shift(self) -> float:
        """Mean difference in units of the observable's standard deviation."""
        return _ratio(self.mean, self.rms_observable)

    @property
    def shift_error(self) -> float:
        """Statistical error of `shift`."""
        return _ratio(self.mean_error, self.rms_observable)

    @property
    def spread(self) -> float:
        """Standard deviation of the difference over that of the observable."""
        return _ratio(self.rms_difference, self.rms_observable)


@dataclass(frozen=True)
class Floor:
    """Chi2/ndf of random halves of one sample against each other.

    Attributes:
        mean: Mean over the splits.
        low: Quantile 0.16 over the splits.
        high: Quantile 0.84 over the splits.
        n_splits: Number of splits.
    """

    mean: float
    low: float
    high: float
    n_splits: int


@dataclass(frozen=True)
class Profile:
    """Mean and standard deviation of y in bins of x; NaN where a bin has under two events.

    Attributes:
        edges: Borders of the bins in x.
        count: Events in each bin.
        mean: Mean of y.
        mean_error: Statistical error of the mean.
        rms: Standard deviation of y.
        rms_error: Statistical error of the standard deviation, for a normal distribution.
    """

    edges: Float64[Array, " edge"]
    count: Int64[Array, " bin"]
    mean: Float64[Array, " bin"]
    mean_error: Float64[Array, " bin"]
    rms: Float64[Array, " bin"]
    rms_error: Float64[Array, " bin"]

    @property
    def centers(self) -> Float64[Array, " bin"]:
        """Middle of each bin."""
        return np.asarray(0.5 * (self.edges[1:] + self.edges[:-1]))


def choose_edges(values: Float[Array, " event"]) -> Float64[Array, " edge"]:
    """Choose equal bins between the quantiles 0.5 % and 99.5 % of the reference.

    There are up to 40 bins, fewer for small samples so that they hold 25 events on average. If
    all values agree within the rounding of single precision, the bins are wide around them.

    Args:
        values: The observable of the reference's events.

    Returns:
        Borders of the bins.

    Raises:
        ValueError: If there is no event.
    """
    if len(values) == 0:
        raise ValueError("values: expected at least one event to choose bins from, got none")
    low, high = (float(np.quantile(values, level)) for level in _QUANTILES)
    if high - low <= _LEAST_WIDTH * max(abs(low), abs(high)):
        margin = 0.5 * max(abs(low), 1.0)
        low, high = low - margin, high + margin
    n_bins = min(_MOST_BINS, max(_FEWEST_BINS, len(values) // _EVENTS_PER_BIN))
    edges: Float64[Array, " edge"] = np.linspace(low, high, n_bins + 1)
    return edges


def fill_histogram(values: Float[Array, " event"], edges: Float64[Array, " edge"]) -> Histogram:
    """Count events in bins.

    Args:
        values: One finite value per event.
        edges: Rising borders of the bins.

    Returns:
        The histogram.

    Raises:
        ValueError: If a value is not finite.
    """
    if not np.all(np.isfinite(values)):
        wrong = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"values: expected finite numbers, got {values[wrong]} in event {wrong}")
    counts, _ = np.histogram(values, edges)
    return Histogram(
        edges=np.asarray(edges, dtype=np.float64),
        counts=counts.astype(np.int64),
        underflow=int(np.count_nonzero(values < edges[0])),
        overflow=int(np.count_nonzero(values > edges[-1])),
    )


def poisson_interval(
    counts: Int[Array, " bin"],
) -> tuple[Float64[Array, " bin"], Float64[Array, " bin"]]:
    """Compute the central 68 % interval of Poisson means (Garwood).

    Args:
        counts: Observed events.

    Returns:
        Lower and upper ends.

    Example:
        >>> [float(end[0].round(2)) for end in poisson_interval(np.array([4]))]
        [2.09, 7.16]
    """
    tail = 0.5 * (1.0 - _ONE_SIGMA)
    low = np.where(counts > 0, gammaincinv(np.maximum(counts, 1), tail), 0.0)
    return low, np.asarray(gammaincinv(np.asarray(counts) + 1.0, 1.0 - tail), dtype=np.float64)


def merge_bins(expected: Float[Array, " bin"], minimum: float) -> Int64[Array, " group"]:
    """Join neighbouring bins, from the left, until each group expects enough events.

    Args:
        expected: Expected events in each bin.
        minimum: Expected events that a group needs; the rest on the right joins the last group.

    Returns:
        First bin of each group.

    Example:
        >>> merge_bins(np.array([4.0, 7.0, 12.0, 3.0]), 10.0)
        array([0, 2])
    """
    starts = [0]
    content = 0.0
    for position, value in enumerate(expected[:-1]):
        content += value
        if content >= minimum:
            starts.append(position + 1)
            content = 0.0
    if len(starts) > 1 and content + expected[-1] < minimum:
        starts.pop()
    return np.asarray(starts, dtype=np.int64)


def chi2_of_histograms(first: Histogram, second: Histogram) -> Chi2:
    """Compare two unweighted histograms with possibly different totals.

    Args:
        first: A histogram.
        second: A histogram with the same bins.

    Returns:
        Chi2 and degrees of freedom, under- and overflow included.

    Raises:
        ValueError: If the bins differ.
    """
    if not np.array_equal(first.edges, second.edges):
        raise ValueError("second: expected the same `edges` as the first histogram")
    return _chi2_of_counts(first.all_counts, second.all_counts)


def paired_difference(
    reference: Float[Array, " event"], simulated: Float[Array, " event"]
) -> Paired:
    """Compare the same events in two samples.

    Args:
        reference: The observable of each event.
        simulated: The observable of the same events, in the same order.

    Returns:
        Mean and spread of the difference.

    Raises:
        ValueError: If there are under two events.
    """
    if len(reference) < 2:
        raise ValueError(f"reference: expected at least two events, got {len(reference)}")
    difference = np.asarray(simulated, dtype=np.float64) - reference
    rms = float(difference.std(ddof=1))
    return Paired(
        n_events=len(difference),
        mean=float(difference.mean()),
        mean_error=rms / len(difference) ** 0.5,
        rms_difference=rms,
        rms_observable=float(np.std(np.asarray(reference, dtype=np.float64), ddof=1)),
    )


def split_floor(
    values: Float[Array, " event"],
    edges: Float64[Array, " edge"],
    rng: np.random.Generator,
    *,
    n_splits: int = 100,
) -> Floor:
    """Compare random halves of one sample: the best that an independent sample can reach.

    Args:
        values: The observable of each event.
        edges: Borders of the bins.
        rng: Chooses the halves.
        n_splits: How often the sample is split.

    Returns:
        Mean and range of chi2/ndf.
    """
    bins = np.searchsorted(edges[:-1], values, side="right")
    bins = np.where(values > edges[-1], len(edges), bins)
    half = len(values) // 2
    reduced = np.empty(n_splits)
    for split in range(n_splits):
        shuffled = rng.permutation(bins)
        first = np.bincount(shuffled[:half], minlength=len(edges) + 1)
        second = np.bincount(shuffled[half:], minlength=len(edges) + 1)
        reduced[split] = _chi2_of_counts(first, second).reduced
    low, high = np.quantile(reduced, (0.16, 0.84))
    return Floor(float(reduced.mean()), float(low), float(high), n_splits)


def profile(
    x: Float[Array, " event"], y: Float[Array, " event"], edges: Float64[Array, " edge"]
) -> Profile:
    """Average y in bins of x.

    Args:
        x: Where each event is; events outside the borders are left out.
        y: What is averaged.
        edges: Rising borders of the bins.

    Returns:
        Mean and standard deviation in each bin, with statistical errors.
    """
    n_bins = len(edges) - 1
    inside = (x >= edges[0]) & (x < edges[-1])
    bins = np.searchsorted(edges, x[inside], side="right") - 1
    count = np.bincount(bins, minlength=n_bins)
    enough = count >= 2
    number = np.where(enough, count, 1)
    mean = np.bincount(bins, y[inside], minlength=n_bins) / number
    squares = np.bincount(bins, (y[inside] - mean[bins]) ** 2, minlength=n_bins)
    rms = np.sqrt(squares / np.maximum(number - 1, 1))

    def known(values: Float64[Array, " bin"]) -> Float64[Array, " bin"]:
        return np.where(enough, values, np.nan)

    return Profile(
        edges=np.asarray(edges, dtype=np.float64),
        count=count.astype(np.int64),
        mean=known(mean),
        mean_error=known(rms / np.sqrt(number)),
        rms=known(rms),
        rms_error=known(rms / np.sqrt(2.0 * np.maximum(number - 1, 1))),
    )


def _chi2_of_counts(first: Int[Array, " bin"], second: Int[Array, " bin"]) -> Chi2:
    n, m = float(first.sum()), float(second.sum())
    if n == 0 or m == 0:
        return Chi2(0.0, 0)
    starts = merge_bins((first + second) * (min(n, m) / (n + m)), MIN_EXPECTED)
    n_i = np.add.reduceat(first, starts).astype(np.float64)
    m_i = np.add.reduceat(second, starts).astype(np.float64)
    filled = n_i + m_i > 0
    terms = (m * n_i - n * m_i)[filled] ** 2 / (n_i + m_i)[filled]
    return Chi2(float(terms.sum() / (n * m)), len(starts) - 1)


def _ratio(value: float, scale: float) -> float:
    return value / scale if scale > 0 else float("nan")
