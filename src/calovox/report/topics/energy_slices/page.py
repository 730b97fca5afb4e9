"""Rows of the HTML page on comparisons of voxels: slices of energy, and the classifier."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from calovox.report.text import with_error
from calovox.report.topics.energy_slices.measure import SlicesResult
from calovox.report.topics.shapes.measure import SimulatedResult
from calovox.report.topics.shapes.page import chi2_cell, outside
from calovox.scores.classifiers.network import Classification, ClassifierResult
from calovox.scores.histograms import Histogram
from calovox.units import format_energy

__all__ = ["classifier_context", "slices_context", "slices_name"]


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


def classifier_context(result: ClassifierResult | None) -> list[dict[str, Any]] | None:
    """Collect the tables on the classifier: simulations, then the floor, for both inputs.

    Args:
        result: The test of voxels, or None.

    Returns:
        One table per kind of inputs, or None.
    """
    if result is None:
        return None
    tests = [("voxels", "all voxels", result)]
    if result.high_level is not None:
        tests.append(("high-level", "high-level features", result.high_level))
    return [
        {
            "name": name,
            "inputs": inputs,
            "rows": [_classifier_row(entry) for entry in (*test.simulated, test.floor)],
        }
        for name, inputs, test in tests
    ]


def _range_context(result: SlicesResult) -> dict[str, Any]:
    return {
        "title": str(result.eta_range),
        "name": slices_name(result),
        "figure": result.eta_range.figure,
        "note_chi2": f"{result.eta_range.note_chi2:.1f}",
        "floor": f"{result.floor:.2f}",
        "floors": [f"{entry.observable.floor.mean:.2f}" for entry in result.slices],
        "energies": [format_energy(entry.energy) for entry in result.slices],
        "reference": [_reference_cell(entry.observable.reference) for entry in result.slices],
        "rows": [
            {
                "label": average.label,
                "mean": f"{_number(average.mean)} ± {_number(average.error)}",
                "n_slices": average.n_slices,
                "cells": [
                    _slice_cell(entry.observable.simulated[position]) for entry in result.slices
                ],
            }
            for position, average in enumerate(result.averages)
        ],
    }


def _reference_cell(histogram: Histogram) -> dict[str, Any]:
    return {"n_events": histogram.total, "outside": outside(histogram)}


def _slice_cell(entry: SimulatedResult) -> dict[str, str] | None:
    return chi2_cell(entry) if entry.histogram.total > 0 else None


def _classifier_row(result: Classification) -> dict[str, str]:
    return {
        "label": result.label,
        "n_showers": f"{result.n_showers}",
        "mean": f"{result.mean:.3f}",
        "spread": f"{result.spread:.3f}",
        "error": f"{result.error:.3f}",
        "seeds": ", ".join(f"{auc:.3f}" for auc in result.auc),
        "divergence": with_error(
            float(result.divergence.mean()), float(result.divergence_errors.mean())
        ),
    }


def _number(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"
