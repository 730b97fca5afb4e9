"""Cells of the tables of the page: chi2/ndf and scores with their states, metrics in words."""

from typing import Any, Final

import numpy as np

from calovox.report.comparison import SimulatedResult
from calovox.report.text import feature_symbol, short_number, with_error
from calovox.scores.histograms import Histogram
from calovox.scores.overview import CLEAR, NOTABLE, OverviewCell, OverviewRow
from calovox.scores.table import Score

__all__ = [
    "FAIR",
    "GOOD",
    "NO_FLOOR",
    "chi2_cell",
    "metric_name",
    "outside",
    "score_cells",
    "score_state",
]

GOOD: Final = 1.5
"""Chi2/ndf up to which a simulation is called good."""

FAIR: Final = 3.0
"""Chi2/ndf up to which it is called fair."""


NO_FLOOR: Final = "none"
"""What a table shows where there is no floor."""

_METRICS: Final = {
    "chi2_ndf": "χ²/ndf",
    "separation": "Separation power",
    "wasserstein": "Wasserstein distance",
    "ks": "Kolmogorov–Smirnov distance",
    "correlation": "Layer-energy correlation",
    "frechet": "Fréchet physics distance",
    "kernel": "Kernel physics distance",
    "fpd": "FPD of the CaloChallenge",
    "kpd": "KPD of the CaloChallenge",
    "chi2": "chi2 of the CaloChallenge",
    "outliers": "Outliers",
    "outlier_distance": "Worst outlier [range of the reference]",
    "off_mode": "Showers off the most frequent value",
    "precision": "Precision",
    "recall": "Recall",
    "density": "Density",
    "coverage": "Coverage",
    "training_distance": "Nearness to training showers",
    "copying": "Copies of training showers",
    "auc": "Classifier AUC",
    "tree_auc": "AUC of boosted trees",
    "largest_auc": "Largest AUC of all classifiers",
    "divergence": "Jensen–Shannon divergence [bit]",
}


def chi2_cell(entry: SimulatedResult) -> dict[str, str]:
    """Write chi2/ndf, its state, its floor, and the events below and above the bins."""
    reduced, tested = entry.chi2.reduced, entry.tested
    floor = ""
    if tested is not None:
        floor = f"{tested.floor:.2f} ± {tested.floor_uncertainty:.2f}, p {tested.p_value:.1g}"
    return {
        "text": f"{reduced:.2f}" if entry.chi2.ndf > 0 else "–",
        "state": _state(reduced),
        "floor": floor,
        "outside": outside(entry.histogram),
    }


def outside(histogram: Histogram) -> str:
    """Write the events below and above the bins."""
    return f"{histogram.underflow} | {histogram.overflow}"


def _state(reduced: float) -> str:
    if not np.isfinite(reduced):
        return ""
    return "good" if reduced <= GOOD else "fair" if reduced <= FAIR else "poor"


def metric_name(metric: str, feature: str = "") -> str:
    """Write the name of a metric in words, with the feature where features stand apart."""
    name = _METRICS.get(metric, metric.replace("_", " "))
    return f"{name}, {feature}" if feature else name


def score_cells(row: OverviewRow) -> list[dict[str, Any] | None]:
    """Write the worst scores of a row, one per sample; None where a sample has none."""
    return [None if cell is None else _cell(cell) for cell in row.cells]


def _cell(cell: OverviewCell) -> dict[str, Any]:
    worst = cell.worst
    return {
        "short": short_number(worst.value),
        "value": with_error(worst.value, worst.uncertainty),
        "floor": _floor(worst),
        "feature": feature_symbol(worst.feature),
        "state": score_state(cell.distance),
        "n_off": cell.n_off,
        "n_scores": cell.n_scores,
    }


def _floor(score: Score) -> str:
    """Write the floor, or that there is none."""
    if not np.isfinite(score.floor):
        return NO_FLOOR
    return with_error(score.floor, score.floor_uncertainty)


def score_state(distance: float) -> str:
    """Tell the state of a score from its distance to the floor."""
    if np.isnan(distance):
        return ""
    return "good" if distance <= NOTABLE else "fair" if distance <= CLEAR else "poor"
