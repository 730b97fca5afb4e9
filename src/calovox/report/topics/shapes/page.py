"""Rows of the page on shower shapes and layers, region by region."""

from typing import Any, Final

import numpy as np

from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.report.text import html_symbol
from calovox.report.topics.shapes.measure import (
    EXPECTED_FRACTIONS,
    LayerFractions,
    ObservableResult,
    RegionResult,
    SimulatedResult,
)
from calovox.samples.regions import CENTRAL
from calovox.samples.sample import OBSERVABLES, REFERENCE_LABEL
from calovox.scores.averages import Paired
from calovox.scores.histograms import Histogram

__all__ = [
    "FAIR",
    "GOOD",
    "chi2_cell",
    "outside",
    "region_context",
    "shapes_name",
    "summary_name",
    "with_events",
]

GOOD: Final = 1.5
"""Chi2/ndf up to which a simulation is called good."""

FAIR: Final = 3.0
"""Chi2/ndf up to which it is called fair."""

_LARGEST_SPREAD: Final = 0.85
_VARIABLES: Final = {variable.name: variable for variable in OBSERVABLES}


def shapes_name(result: RegionResult) -> str:
    """Name the figure of a region's shower shapes."""
    return f"shapes-{result.region.name}"


def summary_name(result: RegionResult) -> str:
    """Name the figure that sums up a region."""
    return f"summary-{result.region.name}"


def region_context(result: RegionResult) -> dict[str, Any]:
    """Collect what the template shows of one region.

    Args:
        result: All comparisons of the region.

    Returns:
        Values by their names in the template.
    """
    first = result.observables[0]
    central = result.region == CENTRAL
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
        "rows": [_observable_row(entry) for entry in result.observables],
        "paired_labels": [first.simulated[position].label for position in pairs],
        "paired_rows": [_paired_row(entry, pairs) for entry in result.observables],
        "fractions": [
            _fractions_row(entry, central=central) for entry in result.fractions if entry.n_events
        ],
        "expected": [_expected(layer) for layer in BARREL_NUMBERS] if central else None,
    }


def _observable_row(result: ObservableResult) -> dict[str, Any]:
    variable = _VARIABLES[result.name]
    return {
        "symbol": html_symbol(variable.symbol),
        "description": variable.description,
        "floor": f"{result.floor.mean:.2f}",
        "floor_range": f"{result.floor.low:.2f} to {result.floor.high:.2f}",
        "outside": outside(result.reference),
        "simulated": [chi2_cell(entry) for entry in with_events(result)],
    }


def with_events(result: ObservableResult) -> list[SimulatedResult]:
    """Find the simulations that have events.

    Args:
        result: Any comparison.

    Returns:
        Their results.
    """
    return [entry for entry in result.simulated if entry.histogram.total > 0]


def chi2_cell(entry: SimulatedResult) -> dict[str, str]:
    """Write chi2/ndf, its state, and the events below and above the bins.

    Args:
        entry: A simulation.

    Returns:
        Values by their names in the template.
    """
    reduced = entry.chi2.reduced
    return {
        "text": f"{reduced:.2f}" if entry.chi2.ndf > 0 else "–",
        "state": _state(reduced),
        "outside": outside(entry.histogram),
    }


def _paired_positions(result: RegionResult) -> list[int]:
    """Find the simulations of the very showers of the reference, not only of its photons.

    Independent showers differ by sqrt(2) standard deviations of an observable, or by less where
    the photon decides on it, as at the electrode gaps.
    """
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


def _fractions_row(entry: LayerFractions, *, central: bool) -> dict[str, Any]:
    states = [("good" if passed else "poor") if central else "" for passed in entry.as_expected]
    return {
        "label": entry.label,
        "cells": [
            {"text": _share(mean, error), "state": state}
            for mean, error, state in zip(entry.mean, entry.error, states, strict=True)
        ],
        "verdict": ("pass" if all(entry.as_expected) else "fail") if central else "",
    }


def outside(histogram: Histogram) -> str:
    """Write the events below and above the bins.

    Args:
        histogram: Any histogram.

    Returns:
        Both numbers.
    """
    return f"{histogram.underflow} | {histogram.overflow}"


def _state(reduced: float) -> str:
    if not np.isfinite(reduced):
        return ""
    return "good" if reduced <= GOOD else "fair" if reduced <= FAIR else "poor"


def _shift(paired: Paired | None) -> str:
    if paired is None or not np.isfinite(paired.shift):
        return "–"
    return f"{100 * paired.shift:+.2f} ± {100 * paired.shift_error:.2f}".replace("-", "−")


def _share(mean: float, error: float) -> str:
    if not np.isfinite(mean):
        return "–"
    return f"{100 * mean:.2f} ± {100 * error:.2f}"


def _expected(layer: int) -> str:
    low, high = EXPECTED_FRACTIONS[layer]
    return f"below {100 * high:g}" if low == 0 else f"{100 * low:g} to {100 * high:g}"
