"""Rows of the HTML page on comparisons of voxels: slices of energy, and the classifier."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from calovox.evaluation.classifier import Classification, ClassifierResult
from calovox.evaluation.energy_slices import SlicesResult
from calovox.units import format_energy

__all__ = ["classifier_rows", "slices_context", "slices_name"]


def slices_name(result: SlicesResult) -> str:
    """Name the figure of the slices of a range of |eta_center|."""
    return f"slices-{result.eta_range.name}"


def slices_context(results: Sequence[SlicesResult]) -> list[dict[str, Any]]:
    """Collect what the template shows of the slices.

    Args:
        results: All ranges of |eta_center|.

    Returns:
        One entry per range that has slices.
    """
    return [_range_context(result) for result in results if result.slices]


def classifier_rows(result: ClassifierResult | None) -> list[dict[str, str]] | None:
    """Collect the rows of the table on the classifier: simulations, then the floor.

    Args:
        result: The numbers, or None.

    Returns:
        The rows, or None.
    """
    if result is None:
        return None
    return [_classifier_row(entry) for entry in (*result.simulated, result.floor)]


def _range_context(result: SlicesResult) -> dict[str, Any]:
    return {
        "title": str(result.eta_range),
        "name": slices_name(result),
        "figure": result.eta_range.figure,
        "note_chi2": f"{result.eta_range.note_chi2:.1f}",
        "floor": f"{result.floor:.2f}",
        "energies": [format_energy(entry.energy) for entry in result.slices],
        "n_reference": [entry.observable.reference.total for entry in result.slices],
        "rows": [
            {
                "label": average.label,
                "mean": f"{_number(average.mean)} ± {_number(average.error)}",
                "n_slices": average.n_slices,
                "cells": [
                    _number(entry.observable.simulated[position].chi2.reduced)
                    for entry in result.slices
                ],
            }
            for position, average in enumerate(result.averages)
        ],
    }


def _classifier_row(result: Classification) -> dict[str, str]:
    return {
        "label": result.label,
        "n_showers": f"{result.n_showers}",
        "mean": f"{result.mean:.3f}",
        "spread": f"{result.spread:.3f}",
        "error": f"{result.error:.3f}",
        "seeds": ", ".join(f"{auc:.3f}" for auc in result.auc),
    }


def _number(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"
