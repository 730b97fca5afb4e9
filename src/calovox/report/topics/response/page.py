"""Rows of the page on E_tot / E_kin against |eta|: what the figures leave out, chi2 of slices."""

from typing import Any

from calovox.report.collection import Report
from calovox.report.topics.response.slices import EtaSlice, SlicedResponse
from calovox.report.topics.shapes.page import chi2_cell, outside, with_events

__all__ = ["response_context"]


def response_context(report: Report) -> dict[str, Any] | None:
    """Collect what the template shows beside the figures of E_tot / E_kin against |eta|.

    Args:
        report: All results.

    Returns:
        Values by their names in the template; None without responses.
    """
    if not report.responses:
        return None
    sliced = report.sliced_response
    return {
        "edge": f"{report.responses[0].profile.edges[-1]:g}",
        "counts": [
            {
                "label": entry.label,
                "n_events": entry.n_events,
                "invisible": entry.n_invisible,
                "outside": f"{entry.n_low} | {entry.n_high}",
                "beyond": entry.n_beyond,
                "sparse": entry.n_sparse,
            }
            for entry in report.responses
        ],
        "gap_range": None if sliced is None else _range(*sliced.gap_range),
        "slices": None if sliced is None or not sliced.slices else _slices(sliced),
    }


def _slices(result: SlicedResponse) -> dict[str, Any]:
    simulated = (found for entry in result.slices for found in with_events(entry.observable))
    labels = list(dict.fromkeys(found.label for found in simulated))
    return {"labels": labels, "rows": [_slice_row(entry, labels) for entry in result.slices]}


def _slice_row(entry: EtaSlice, labels: list[str]) -> dict[str, Any]:
    result = entry.observable
    cells = {simulated.label: chi2_cell(simulated) for simulated in with_events(result)}
    return {
        "where": _range(entry.eta_low, entry.eta_high),
        "n_reference": result.reference.total,
        "floor": f"{result.floor.mean:.2f}",
        "floor_range": f"{result.floor.low:.2f} to {result.floor.high:.2f}",
        "outside": outside(result.reference),
        "cells": [cells.get(label) for label in labels],
    }


def _range(low: float, high: float) -> str:
    return f"{low:g} ≤ |η| < {high:g}"
