"""How the numbers of the page are read."""

from typing import Any

from calovox.report.topics.method.measure import MethodResult
from calovox.scores.histograms import EDGE_HALF_WIDTHS, EDGE_QUANTILE, MIN_EXPECTED

__all__ = ["page_method"]


def page_method(result: MethodResult) -> dict[str, Any]:
    """Collect the numbers that the template explains."""
    return {
        "calibration": result.calibration,
        "calibration_stored": result.stored,
        "edge_quantile": 100 * EDGE_QUANTILE,
        "edge_half_widths": f"{EDGE_HALF_WIDTHS:.0f}",
        "min_expected": f"{MIN_EXPECTED:.0f}",
    }
