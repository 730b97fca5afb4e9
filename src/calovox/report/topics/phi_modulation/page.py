"""Rows of the HTML page on the phi modulation."""

from typing import Any

import numpy as np

from calovox.geometry.barrel import BARREL_NAMES
from calovox.phi_modulation import MODULATED_LAYERS
from calovox.report.cells import outside
from calovox.report.topics.phi_modulation.measure import EnergyTest, PhiModulationResult
from calovox.scores.histograms import Chi2, Histogram
from calovox.units import format_energy

__all__ = ["page_phi_modulation"]


def page_phi_modulation(result: PhiModulationResult) -> dict[str, Any]:
    """Collect what the template shows."""
    return {
        "layers": [BARREL_NAMES[layer] for layer in MODULATED_LAYERS],
        "ranges": [_range_row(result, row) for row in range(len(result.fit.loss))],
        "warnings": result.fit.warnings,
        "has_truth": result.truth is not None,
        "has_average": result.average is not None,
        "test": None if result.test is None else _test_context(result.test),
    }


def _range_row(result: PhiModulationResult, row: int) -> dict[str, Any]:
    fit = result.fit
    before, after = fit.response_before[row], fit.response_after[row]
    low, high = fit.modulation.eta_edges[row : row + 2]
    return {
        "where": f"{low:g} ≤ |η| < {high:g}",
        "n_showers": fit.n_showers[row],
        "before": f"{100 * before.std() / before.mean():.3f}",
        "after": f"{100 * after.std() / after.mean():.3f}",
        "cells": [_curve_cell(result, row, layer) for layer in range(len(MODULATED_LAYERS))],
    }


def _curve_cell(result: PhiModulationResult, row: int, layer: int) -> str:
    """Write amplitude, uncertainty and, if known, the distance from the truth."""
    modulation = result.fit.modulation
    text = f"{100 * modulation.amplitude[row, layer]:.2f}"
    if modulation.uncertainties is not None:
        error = np.sqrt((modulation.uncertainties[row, layer] ** 2).mean())
        text += f" ± {100 * error:.2f}"
    if result.truth is not None:
        off = modulation.values[row, layer] - result.truth.values[0, layer]
        rms = np.sqrt((off**2).mean())
        text += f" ({100 * rms:.2f})"
    return text


def _test_context(test: EnergyTest) -> dict[str, Any]:
    simulated = zip(test.raw.simulated, test.calibrated.simulated, strict=True)
    columns = [
        {"raw": _cell(test.raw.reference), "calibrated": _cell(test.calibrated.reference)},
        *(
            {"raw": _cell(a.histogram, a.chi2), "calibrated": _cell(b.histogram, b.chi2)}
            for a, b in simulated
        ),
    ]
    return {
        "energy": format_energy(test.energy),
        "rows": [
            {
                "label": width.label,
                "n_events": width.n_events,
                "raw": f"{100 * width.raw:.3f} ± {100 * width.raw_error:.3f}",
                "calibrated": f"{100 * width.calibrated:.3f} ± {100 * width.calibrated_error:.3f}",
                "chi2": chi2,
            }
            for width, chi2 in zip(test.widths, columns, strict=True)
        ],
    }


def _cell(histogram: Histogram, chi2: Chi2 | None = None) -> dict[str, str]:
    text = "–" if chi2 is None else f"{chi2.reduced:.2f}"
    return {"text": text, "outside": outside(histogram)}
