"""The table at a glance."""

import math
from typing import Any

from calovox.report.cells import NO_FLOOR, metric_name, score_cells
from calovox.report.text import short_number
from calovox.report.topics.overview.measure import OverviewResult
from calovox.scores.overview import CLEAR, LARGER_IS_BETTER, NOTABLE, MetricOverview

__all__ = ["page_overview"]


def page_overview(result: OverviewResult) -> dict[str, Any]:
    """Collect what the template shows: one entry per metric, with a link to all its scores."""
    return {
        "labels": result.labels,
        "metrics": [
            _metric(entry, f"scores-{place}")
            for place, entry in enumerate(result.metrics, start=1)
        ],
        "near": f"{NOTABLE:g}",
        "far": f"{CLEAR:g}",
        "n_scores": result.n_scores,
    }


def _metric(entry: MetricOverview, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "metric": metric_name(entry.metric, entry.feature),
        "larger_is_better": entry.metric in LARGER_IS_BETTER,
        "floor": short_number(entry.floor) if math.isfinite(entry.floor) else NO_FLOOR,
        "total": score_cells(entry.total),
        "binned": score_cells(entry.binned) if any(entry.binned.cells) else None,
    }
