"""The scores behind the table at a glance, in tables per metric."""

from typing import Any

from calovox.report.cells import metric_name, score_cells
from calovox.report.text import feature_symbol
from calovox.report.topics.overview.measure import OverviewResult
from calovox.samples.bins import ALL
from calovox.scores.overview import LARGER_IS_BETTER, MetricOverview, OverviewRow

__all__ = ["page_scores"]


def page_scores(result: OverviewResult) -> dict[str, Any]:
    """Collect what the template shows: tables in bins and by feature, metric by metric."""
    return {
        "labels": result.labels,
        "metrics": [
            _metric(entry, f"scores-{place}")
            for place, entry in enumerate(result.metrics, start=1)
        ],
    }


def _metric(entry: MetricOverview, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "metric": metric_name(entry.metric, entry.feature),
        "larger_is_better": entry.metric in LARGER_IS_BETTER,
        "n_scores": entry.n_scores,
        "bins": [_row(row) for row in entry.bins],
        "features": [_row(row) for row in entry.features] if len(entry.features) > 1 else [],
    }


def _row(row: OverviewRow) -> dict[str, Any]:
    title = ["all" if text == ALL else feature_symbol(text) for text in row.title]
    return {"title": title, "cells": score_cells(row)}
