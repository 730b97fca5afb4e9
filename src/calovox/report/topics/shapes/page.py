"""Rows of the page on shower shapes, region by region."""

from typing import Any, Final

import numpy as np

from calovox.report.cells import FAIR, GOOD, chi2_cell, outside
from calovox.report.comparison import ObservableResult, with_events
from calovox.report.histograms import SMALLEST_CHI2
from calovox.report.ratios import FEWEST_IN_RATIO
from calovox.report.text import html_symbol
from calovox.report.topics.shapes.draw import SMALLEST_SPREAD, shapes_name, summary_name
from calovox.report.topics.shapes.measure import RegionResult, ShapesResult
from calovox.samples.files import REFERENCE_LABEL
from calovox.samples.sample import OBSERVABLES
from calovox.scores.averages import Paired

__all__ = ["page_shapes", "region_context"]

_LARGEST_SPREAD: Final = 0.85
_VARIABLES: Final = {variable.name: variable for variable in OBSERVABLES}


def page_shapes(result: ShapesResult) -> dict[str, Any]:
    """Collect what the template shows of all regions."""
    regions = [region_context(region) for region in result.regions]
    return {
        "regions": regions,
        "contents": [(region["name"], region["title"]) for region in regions],
        "fewest_in_ratio": FEWEST_IN_RATIO,
        "smallest_chi2": SMALLEST_CHI2,
        "smallest_spread": SMALLEST_SPREAD,
        "good": GOOD,
        "fair": FAIR,
    }


def region_context(result: RegionResult) -> dict[str, Any]:
    """Collect what the template shows of one region."""
    first = result.observables[0]
    pairs = _paired_positions(result)
    return {
        "name": result.region.name,
        "title": str(result.region),
        "discrete": result.region.discrete,
        "note_figure": result.region.figure,
        "counts": [
            (REFERENCE_LABEL, result.n_reference),
            *((entry.label, entry.histogram.total) for entry in first.simulated),
        ],
        "shapes": shapes_name(result),
        "summary": summary_name(result) if with_events(first) else None,
        "labels": [entry.label for entry in with_events(first)],
        "rows": [_observable_row(entry, result) for entry in result.observables],
        "paired_labels": [first.simulated[position].label for position in pairs],
        "paired_rows": [_paired_row(entry, pairs) for entry in result.observables],
    }


def _observable_row(result: ObservableResult, region: RegionResult) -> dict[str, Any]:
    variable = _VARIABLES[result.name]
    return {
        "symbol": html_symbol(variable.symbol),
        "description": region.describe(variable),
        "floor": f"{result.floor.mean:.2f}",
        "floor_range": f"{result.floor.low:.2f} to {result.floor.high:.2f}",
        "outside": outside(result.reference),
        "simulated": [chi2_cell(entry) for entry in with_events(result)],
    }


def _paired_positions(result: RegionResult) -> list[int]:
    """Find the simulations of the very showers of the reference, not only of its photons."""
    # independent showers differ by sqrt(2) standard deviations of an observable, or by less where
    # the photon decides on it, as at the electrode gaps
    found = []
    for position in range(len(result.observables[0].simulated)):
        pairs = [entry.simulated[position].paired for entry in result.observables]
        spreads = [pair.spread for pair in pairs if pair is not None]
        if spreads and np.nanmedian(spreads) < _LARGEST_SPREAD:
            found.append(position)
    return found


def _paired_row(result: ObservableResult, positions: list[int]) -> dict[str, Any]:
    pairs = [result.simulated[position].paired for position in positions]
    return {
        "symbol": html_symbol(_VARIABLES[result.name].symbol),
        "cells": [
            {"shift": _shift(pair), "spread": "–" if pair is None else f"{100 * pair.spread:.1f}"}
            for pair in pairs
        ],
    }


def _shift(paired: Paired | None) -> str:
    if paired is None or not np.isfinite(paired.shift):
        return "–"
    return f"{100 * paired.shift:+.2f} ± {100 * paired.shift_error:.2f}".replace("-", "−")
