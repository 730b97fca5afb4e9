"""The overview table of the page, and the scores behind it."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from calovox.evaluation.overview import (
    CLEAR,
    LARGER_IS_BETTER,
    NOTABLE,
    OverviewCell,
    OverviewRow,
    overview_rows,
)
from calovox.evaluation.page_text import feature_symbol, with_error
from calovox.evaluation.scores import Scores

__all__ = ["overview_context"]

_METRICS: Final = {
    "chi2_ndf": "χ²/ndf",
    "separation": "Separation power",
    "wasserstein": "Wasserstein distance",
    "ks": "Kolmogorov–Smirnov distance",
    "correlation": "Layer-energy correlation",
    "frechet": "Fréchet physics distance",
    "kernel": "Kernel physics distance",
    "precision": "Precision",
    "recall": "Recall",
    "density": "Density",
    "coverage": "Coverage",
    "training_distance": "Nearness to training showers",
    "copying": "Copies of training showers",
    "auc": "Classifier AUC",
    "jsd": "Jensen–Shannon divergence [bit]",
}


def overview_context(scores: Scores, samples: Sequence[str]) -> dict[str, Any] | None:
    """Collect the rows of the overview table.

    Args:
        scores: All scores.
        samples: Names of the simulations, in the order of the report.

    Returns:
        Values by their names in the template; None without scores.
    """
    if not scores:
        return None
    labels = list(dict.fromkeys([*samples, *(score.sample for score in scores)]))
    return {
        "labels": labels,
        "rows": [_row(row) for row in overview_rows(scores, labels)],
        "near": f"{NOTABLE:g}",
        "far": f"{CLEAR:g}",
        "n_scores": len(scores),
    }


def _row(row: OverviewRow) -> dict[str, Any]:
    return {
        "metric": _METRICS.get(row.metric, row.metric.replace("_", " ")),
        "which": "all events" if row.integrated else "worst bin",
        "larger_is_better": row.metric in LARGER_IS_BETTER,
        "cells": [None if cell is None else _cell(cell) for cell in row.cells],
    }


def _cell(cell: OverviewCell) -> dict[str, Any]:
    worst = cell.worst
    return {
        "value": with_error(worst.value, worst.uncertainty),
        "floor": with_error(worst.floor, worst.floor_uncertainty),
        "feature": feature_symbol(worst.feature),
        "bin": "" if worst.integrated else worst.bin,
        "state": _state(cell.distance),
        "off": f"{cell.n_off} of {cell.n_scores} off" if cell.n_scores > 1 else "",
    }


def _state(distance: float) -> str:
    if np.isnan(distance):
        return ""
    return "good" if distance <= NOTABLE else "fair" if distance <= CLEAR else "poor"
