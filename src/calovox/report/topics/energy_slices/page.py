"""Rows of the page on E_tot / E_kin in slices of kinetic energy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from calovox.report.cells import chi2_cell, outside
from calovox.report.comparison import SimulatedResult
from calovox.report.histograms import SMALLEST_CHI2
from calovox.report.topics.energy_slices.draw import slices_name
from calovox.report.topics.energy_slices.measure import SlicesResult
from calovox.scores.histograms import Histogram
from calovox.units import format_energy

__all__ = ["page_slices"]


def page_slices(results: Sequence[SlicesResult]) -> dict[str, Any]:
    """Collect what the template shows: one table per range that has slices."""
    shown = [result for result in results if result.slices]
    return {
        "slices": [_range_context(result) for result in shown],
        "summary": any(result.averages for result in shown),
        "smallest_chi2": SMALLEST_CHI2,
        "with_note": any(result.eta_range.note_chi2 is not None for result in shown),
    }


def _range_context(result: SlicesResult) -> dict[str, Any]:
    note = result.eta_range.note_chi2
    return {
        "title": str(result.eta_range),
        "name": slices_name(result),
        "figure": result.eta_range.figure,
        "note_chi2": None if note is None else f"{note:.1f}",
        "floor": f"{result.floor:.2f}",
        "floors": [f"{entry.observable.floor.mean:.2f}" for entry in result.slices],
        "energies": [format_energy(entry.energy) for entry in result.slices],
        "reference": [_reference_cell(entry.observable.reference) for entry in result.slices],
        "rows": [
            {
                "label": average.label,
                "mean": f"{_number(average.mean)} ± {_number(average.error)}",
                "floor": f"{_number(average.floor)} ± {_number(average.floor_uncertainty)}",
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


def _number(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"
