"""Rows of the page on the largest AUC."""

from collections.abc import Sequence
from typing import Any

from calovox.report.cells import score_state
from calovox.report.topics.lower_bound.measure import LowerBound
from calovox.scores.table import Score

__all__ = ["page_lower_bound"]


def page_lower_bound(bounds: Sequence[LowerBound]) -> dict[str, Any]:
    """Collect what the template shows: a row per sample."""
    return {
        "contents": [("told-apart", "How well samples can be told apart")],
        "rows": [
            {
                "sample": bound.sample,
                "largest": _number(bound.largest),
                "by": bound.largest.feature,
                "floor": f"{bound.largest.floor:.3f} ± {bound.largest.floor_uncertainty:.3f}"
                if bound.largest.floor == bound.largest.floor
                else "–",
                "state": score_state(bound.distance),
                "merit": "–" if bound.merit is None else _number(bound.merit),
                "n_showers": min(bound.largest.n_reference, bound.largest.n_simulated),
            }
            for bound in bounds
        ],
    }


def _number(row: Score) -> str:
    return f"{row.value:.3f} ± {row.uncertainty:.3f}"
