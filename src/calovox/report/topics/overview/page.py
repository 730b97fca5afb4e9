"""The overview of the page: a table at a glance, and the scores behind it in tables per metric."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from calovox.report.text import feature_symbol, short_number, with_error
from calovox.report.topics.overview.measure import (
    CLEAR,
    LARGER_IS_BETTER,
    NOTABLE,
    MetricOverview,
    OverviewCell,
    OverviewRow,
    metric_overviews,
)
from calovox.samples.bins import ALL
from calovox.scores.table import Scores

__all__ = ["metric_name", "overview_context"]

_METRICS: Final = {
    "chi2_ndf": "χ²/ndf",
    "separation": "Separation power",
    "wasserstein": "Wasserstein distance",
    "ks": "Kolmogorov–Smirnov distance",
    "correlation": "Layer-energy correlation",
    "frechet": "Fréchet physics distance",
    "kernel": "Kernel physics distance",
    "fpd": "Fréchet distance as in the CaloChallenge",
    "kpd": "Kernel distance as in the CaloChallenge",
    "precision": "Precision",
    "recall": "Recall",
    "density": "Density",
    "coverage": "Coverage",
    "training_distance": "Nearness to training showers",
    "copying": "Copies of training showers",
    "auc": "Classifier AUC",
    "divergence": "Jensen–Shannon divergence [bit]",
}


def metric_name(metric: str) -> str:
    """Write the name of a metric in words.

    Args:
        metric: Its name in the scores.

    Returns:
        Text.
    """
    return _METRICS.get(metric, metric.replace("_", " "))


def overview_context(scores: Scores, samples: Sequence[str]) -> dict[str, Any] | None:
    """Collect the table at a glance and the tables of each metric.

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
        "metrics": [
            _metric(entry, f"scores-{place}")
            for place, entry in enumerate(metric_overviews(scores, labels), start=1)
        ],
        "near": f"{NOTABLE:g}",
        "far": f"{CLEAR:g}",
        "n_scores": len(scores),
    }


def _metric(entry: MetricOverview, name: str) -> dict[str, Any]:
    title = metric_name(entry.metric) + (f", {entry.feature}" if entry.feature else "")
    return {
        "name": name,
        "metric": title,
        "larger_is_better": entry.metric in LARGER_IS_BETTER,
        "floor": short_number(entry.floor),
        "n_scores": entry.n_scores,
        "total": _cells(entry.total),
        "binned": _cells(entry.binned) if any(entry.binned.cells) else None,
        "bins": [_row(row) for row in entry.bins],
        "features": [_row(row) for row in entry.features] if len(entry.features) > 1 else [],
    }


def _row(row: OverviewRow) -> dict[str, Any]:
    title = ["all" if text == ALL else feature_symbol(text) for text in row.title]
    return {"title": title, "cells": _cells(row)}


def _cells(row: OverviewRow) -> list[dict[str, Any] | None]:
    return [None if cell is None else _cell(cell) for cell in row.cells]


def _cell(cell: OverviewCell) -> dict[str, Any]:
    worst = cell.worst
    return {
        "short": short_number(worst.value),
        "value": with_error(worst.value, worst.uncertainty),
        "floor": with_error(worst.floor, worst.floor_uncertainty),
        "feature": feature_symbol(worst.feature),
        "state": _state(cell.distance),
        "n_off": cell.n_off,
        "n_scores": cell.n_scores,
    }


def _state(distance: float) -> str:
    if np.isnan(distance):
        return ""
    return "good" if distance <= NOTABLE else "fair" if distance <= CLEAR else "poor"
