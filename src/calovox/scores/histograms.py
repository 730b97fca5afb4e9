r"""Histograms of two samples and their chi2, with Poisson statistics.

Two unweighted histograms n_i and m_i with totals N and M, under- and overflow included, are
compared by

$$\chi^2 = \frac{1}{N M} \sum_i \frac{(M n_i - N m_i)^2}{n_i + m_i}, \qquad
\mathrm{ndf} = \mathrm{bins} - 1,$$

after neighbouring bins have been merged until the smaller sample expects `MIN_EXPECTED` entries
in each. Independent samples of one distribution give chi2/ndf = 1 on average. Samples made of the
same events are correlated and give less: `averages.paired_difference` is the sharper test there.

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
    "EDGE_HALF_WIDTHS",
    "EDGE_QUANTILE",
    "MIN_EXPECTED",
    "Chi2",
    "Histogram",
    "bins_of_values",
    "chi2_of_counts",
    "chi2_of_histograms",
    "choose_edges",
    "fill_histogram",
    "merge_bins",
    "merge_common_bins",
    "poisson_interval",
    "robust_range",
]

MIN_EXPECTED: Final = 10.0
"""Entries that the smaller of two samples expects in each merged bin of a chi2."""

EDGE_QUANTILE: Final = 0.005
"""Share of the reference that may lie below the first bin, and above the last."""

EDGE_HALF_WIDTHS: Final = 5.0
"""Largest distance of the first and last border from the median, in half-widths of the bulk."""

_LEAST_WIDTH: Final = 1e-5  # of the values: a narrower range is rounding of single precision
_MOST_BINS: Final = 40
_FEWEST_BINS: Final = 10
_EVENTS_PER_BIN: Final = 25
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


def choose_edges(values: Float[Array, " event"]) -> Float64[Array, " edge"]:
    """Choose equal bins between robust ends of the reference (`robust_range`).

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
    low, high = robust_range(values)
    if high - low <= _LEAST_WIDTH * max(abs(low), abs(high)):
        margin = 0.5 * max(abs(low), 1.0)
        low, high = low - margin, high + margin
    n_bins = min(_MOST_BINS, max(_FEWEST_BINS, len(values) // _EVENTS_PER_BIN))
    edges: Float64[Array, " edge"] = np.linspace(low, high, n_bins + 1)
    return edges


def robust_range(
    values: Float[Array, " event"],
    *,
    quantile: float = EDGE_QUANTILE,
    half_widths: float = EDGE_HALF_WIDTHS,
) -> tuple[float, float]:
    """Find where nearly all values are, however far outliers lie.

    Args:
        values: At least one value.
        quantile: Share of the values that may lie below the range, and above it.
        half_widths: Largest distance of either end from the median, in units of that of the
            quantile 16 % or 84 %.

    Returns:
        Lower and upper end.

    Example:
        >>> robust_range(np.append(np.linspace(0.0, 1.0, 101), [90.0, 100.0]))[1] < 3.0
        True
    """
    levels = (quantile, 0.16, 0.5, 0.84, 1.0 - quantile)
    lowest, left, middle, right, highest = (float(x) for x in np.quantile(values, levels))
    if left < middle:
        lowest = max(lowest, middle - half_widths * (middle - left))
    if right > middle:
        highest = min(highest, middle + half_widths * (right - middle))
    return lowest, highest


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


def bins_of_values(
    values: Float[Array, " event"], edges: Float64[Array, " edge"]
) -> Int64[Array, " event"]:
    """Find the bin of each event, as `Histogram.all_counts` numbers them.

    Args:
        values: One finite value per event.
        edges: Rising borders of the bins.

    Returns:
        0 is the underflow, the number of edges the overflow.
    """
    bins = np.searchsorted(edges[:-1], values, side="right")
    return np.where(values > edges[-1], len(edges), bins).astype(np.int64)


def poisson_interval(
    counts: Int[Array, " bin"],
) -> tuple[Float64[Array, " bin"], Float64[Array, " bin"]]:
    """Compute the central 68 % interval of Poisson means (Garwood).

    Args:
        counts: Observed events.

    Returns:
        Lower and upper ends.

    Example:
        >>> tuple(float(end[0].round(2)) for end in poisson_interval(np.array([4])))
        (2.09, 7.16)
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
    return chi2_of_counts(first.all_counts, second.all_counts)


def merge_common_bins(
    first: Int[Array, " bin"], second: Int[Array, " bin"]
) -> Int64[Array, " group"]:
    """Join neighbouring bins until the smaller of two samples expects `MIN_EXPECTED` in each.

    Args:
        first: Events in each bin, one or more in all.
        second: The same of another sample.

    Returns:
        First bin of each group.
    """
    n, m = float(first.sum()), float(second.sum())
    return merge_bins((first + second) * (min(n, m) / (n + m)), MIN_EXPECTED)


def chi2_of_counts(first: Int[Array, " bin"], second: Int[Array, " bin"]) -> Chi2:
    """Compare counts in the same bins, as `chi2_of_histograms` does.

    Args:
        first: Events in each bin.
        second: The same of another sample.

    Returns:
        Chi2 and degrees of freedom.
    """
    n, m = float(first.sum()), float(second.sum())
    if n == 0 or m == 0:
        return Chi2(0.0, 0)
    starts = merge_common_bins(first, second)
    n_i = np.add.reduceat(first, starts).astype(np.float64)
    m_i = np.add.reduceat(second, starts).astype(np.float64)
    filled = n_i + m_i > 0
    terms = (m * n_i - n * m_i)[filled] ** 2 / (n_i + m_i)[filled]
    return Chi2(float(terms.sum() / (n * m)), len(starts) - 1)
