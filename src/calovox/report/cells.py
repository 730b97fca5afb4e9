"""Cells of the tables of the page: chi2/ndf with its state, and the events outside the bins."""

from typing import Final

import numpy as np

from calovox.report.comparison import SimulatedResult
from calovox.scores.histograms import Histogram

__all__ = ["FAIR", "GOOD", "chi2_cell", "outside"]

GOOD: Final = 1.5
"""Chi2/ndf up to which a simulation is called good."""

FAIR: Final = 3.0
"""Chi2/ndf up to which it is called fair."""


def chi2_cell(entry: SimulatedResult) -> dict[str, str]:
    """Write chi2/ndf, its state, and the events below and above the bins."""
    reduced = entry.chi2.reduced
    return {
        "text": f"{reduced:.2f}" if entry.chi2.ndf > 0 else "–",
        "state": _state(reduced),
        "outside": outside(entry.histogram),
    }


def outside(histogram: Histogram) -> str:
    """Write the events below and above the bins."""
    return f"{histogram.underflow} | {histogram.overflow}"


def _state(reduced: float) -> str:
    if not np.isfinite(reduced):
        return ""
    return "good" if reduced <= GOOD else "fair" if reduced <= FAIR else "poor"
