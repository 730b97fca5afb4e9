"""Rows of the page on E_tot / E_kin and the layers against |eta|."""

from typing import Any

import numpy as np

from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.report.cells import chi2_cell, outside
from calovox.report.comparison import with_events
from calovox.report.layers import EXPECTED_FRACTIONS, LayerFractions
from calovox.report.topics.response.measure import ResponseResult
from calovox.report.topics.response.slices import EtaSlice, SlicedResponse
from calovox.samples.regions import CENTRAL, Region

__all__ = ["page_response"]


def page_response(result: ResponseResult) -> dict[str, Any]:
    """Collect what the template shows: what the figures leave out, chi2 of slices, layers."""
    sliced = result.sliced
    return {
        "barrel": tuple(result.layers) == BARREL_NUMBERS,
        "low": f"{result.responses[0].profile.edges[0]:g}" if result.responses else None,
        "edge": f"{result.responses[0].profile.edges[-1]:g}" if result.responses else None,
        "counts": [
            {
                "label": entry.label,
                "n_events": entry.n_events,
                "invisible": entry.n_invisible,
                "outside": f"{entry.n_low} | {entry.n_high}",
                "beyond": entry.n_beyond,
                "sparse": entry.n_sparse,
            }
            for entry in result.responses
        ],
        "gap_range": _gap_range(sliced),
        "slices": _slices(sliced) if sliced is not None and sliced.slices else None,
        "layers": [f"{name} ({number})" for number, name in result.layers.items()],
        "regions": [_fractions(region, entries) for region, entries in result.fractions],
    }


def _gap_range(result: SlicedResponse | None) -> str | None:
    if result is None or result.gap_range is None or not result.maps:
        return None
    return _range(*result.gap_range)


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


def _fractions(region: Region, entries: tuple[LayerFractions, ...]) -> dict[str, Any]:
    central = region == CENTRAL and entries[0].numbers == BARREL_NUMBERS
    return {
        "name": region.name,
        "title": str(region),
        "expected": [_expected(layer) for layer in BARREL_NUMBERS] if central else None,
        "rows": [_fractions_row(entry, central=central) for entry in entries if entry.n_events],
    }


def _fractions_row(entry: LayerFractions, *, central: bool) -> dict[str, Any]:
    passed = entry.as_expected if central else (None,) * len(entry.mean)
    states = [{True: "good", False: "poor", None: ""}[one] for one in passed]
    return {
        "label": entry.label,
        "cells": [
            {"text": _share(mean, error), "state": state}
            for mean, error, state in zip(entry.mean, entry.error, states, strict=True)
        ],
        "verdict": ("pass" if all(passed) else "fail") if central else "",
    }


def _range(low: float, high: float) -> str:
    return f"{low:g} ≤ |η| < {high:g}"


def _share(mean: float, error: float) -> str:
    if not np.isfinite(mean):
        return "–"
    return f"{100 * mean:.2f} ± {100 * error:.2f}"


def _expected(layer: int) -> str:
    low, high = EXPECTED_FRACTIONS[layer]
    return f"below {100 * high:g}" if low == 0 else f"{100 * low:g} to {100 * high:g}"
