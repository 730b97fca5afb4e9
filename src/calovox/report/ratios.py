r"""Ratios of histograms in merged bins, with the uncertainties of both samples kept apart.

A ratio panel has fewer bins than the histogram above it: neighbours are merged until each bin
holds `FEWEST_IN_RATIO` events of the reference. Simulations have no say in it. For counts n_i of
the reference and m_i of a simulation with totals N and M, the ratio is (m_i / M) / (n_i / N). The
Poisson interval of m_i gives its error bar, that of n_i the band around 1.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.scores.histograms import Histogram, merge_bins, poisson_interval

__all__ = ["FEWEST_IN_RATIO", "Ratio", "ratio_bins", "ratio_of_histograms"]

FEWEST_IN_RATIO: Final = 16
"""Events of the reference in each bin of a ratio: 25 % statistical uncertainty."""


@dataclass(frozen=True)
class Ratio:
    """A ratio with an interval in each bin.

    Attributes:
        edges: Borders of the merged bins.
        value: Simulation over reference; NaN in a bin without events of the reference.
        low: Lower end of the 68 % interval.
        high: Upper end of the 68 % interval.
    """

    edges: Float64[Array, " edge"]
    value: Float64[Array, " bin"]
    low: Float64[Array, " bin"]
    high: Float64[Array, " bin"]


def ratio_bins(reference: Histogram, most: int) -> Int64[Array, " bin"]:
    """Choose the bins of a ratio panel from the reference.

    Example:
        >>> counts = np.array([2, 30, 30, 30, 30, 3])
        >>> ratio_bins(Histogram(np.arange(7.0), counts, 0, 0), most=6)
        array([0, 2, 3, 4])
    """
    group = -(-len(reference.counts) // most)
    starts = np.arange(0, len(reference.counts), group)
    counts = np.add.reduceat(reference.counts, starts).astype(np.float64)
    return np.asarray(starts[merge_bins(counts, float(FEWEST_IN_RATIO))], dtype=np.int64)


def ratio_of_histograms(
    reference: Histogram, simulated: Histogram, starts: Int64[Array, " bin"]
) -> Ratio:
    """Divide a simulation by the reference, both as shares of all their events."""
    n = np.add.reduceat(reference.counts, starts)
    m = np.add.reduceat(simulated.counts, starts)
    scale = (reference.total / max(simulated.total, 1)) / np.where(n > 0, n, np.nan)
    low, high = poisson_interval(m)
    edges = np.append(reference.edges[starts], reference.edges[-1])
    return Ratio(edges, m * scale, low * scale, high * scale)
