"""Bins in E_tot / E_kin."""

import numpy as np

from calovox.arrays import Array, Float64
from calovox.scores.histograms import robust_range

__all__ = ["ratio_edges"]


def ratio_edges(ratio: Float64[Array, " event"], n_bins: int) -> Float64[Array, " edge"]:
    """Choose bins in E_tot / E_kin that hold all but the farthest tails."""
    low, high = robust_range(ratio, quantile=0.002, half_widths=10.0)
    margin = 0.1 * (high - low) + 1e-3
    return np.linspace(low - margin, high + margin, n_bins + 1)
