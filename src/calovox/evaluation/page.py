"""Rows and captions of the HTML page, from the results of the report."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from markupsafe import Markup

from calovox import __version__
from calovox.arrays import LAYER_NAMES, LAYERS
from calovox.evaluation.averages import Paired
from calovox.evaluation.classifier import N_SEEDS
from calovox.evaluation.comparison import EXPECTED_FRACTIONS, ObservableResult, RegionResult
from calovox.evaluation.metrics import EDGE_HALF_WIDTHS, EDGE_QUANTILE, MIN_EXPECTED
from calovox.evaluation.page_phi_modulation import phi_modulation_context
from calovox.evaluation.page_voxels import classifier_rows, slices_context
from calovox.evaluation.plots_summaries import SMALLEST_CHI2, SMALLEST_SPREAD
from calovox.evaluation.regions import CENTRAL
from calovox.evaluation.samples import OBSERVABLES, REFERENCE_LABEL, Sample
from calovox.evaluation.showers import AverageShower
from calovox.units import format_energy
from calovox.voxelization import VoxelGrid

if TYPE_CHECKING:
    from calovox.evaluation.report import Report

__all__ = ["average_name", "context", "html_symbol", "sample_row", "shapes_name", "summary_name"]

GOOD: Final = 1.5
"""Chi2/ndf up to which a simulation is called good."""

FAIR: Final = 3.0
"""Chi2/ndf up to which it is called fair."""

_VARIABLES: Final = {variable.name: variable for variable in OBSERVABLES}
_LETTERS: Final = {
    r"\Delta": "Δ",
    r"\omega": "ω",
    r"\eta": "η",
    r"\phi": "φ",
}


def html_symbol(symbol: str) -> Markup:
    r"""Write a symbol of matplotlib's mathtext in HTML.

    Args:
        symbol: Symbol between dollar signs.

    Returns:
        The same with sub- and superscripts.

    Example:
        >>> str(html_symbol(r"$\omega_{\eta 1}$"))
        'ω<sub>η1</sub>'
    """
    text = re.sub(r"\\mathrm\{(\w+)\}", r"{\1}", symbol.strip("$"))
    for command, letter in _LETTERS.items():
        text = re.sub(re.escape(command) + r"\s*", letter, text)
    for mark, tag in (("_", "sub"), (r"\^", "sup")):
        text = re.sub(mark + r"(?:\{([^}]*)\}|(\w))", rf"<{tag}>\1\2</{tag}>", text)
    return Markup(re.sub(r"[{} ]", "", text))


def shapes_name(result: RegionResult) -> str:
    """Name the figure of a region's shower shapes."""
    return f"shapes-{result.region.name}"


def summary_name(result: RegionResult) -> str:
    """Name the figure that sums up a region."""
    return f"summary-{result.region.name}"


def average_name(shower: AverageShower, showers: Sequence[AverageShower]) -> str:
    """Name the figure of an average shower by its grid.

    Args:
        shower: One of the average showers.
        showers: All of them; their number tells grids of no known name apart.

    Returns:
        The name.
    """
    name = _grid_name(shower.grid)
    if name in ("optimal", "regular"):
        return f"average-{name}"
    place = next(place for place, other in enumerate(showers) if other is shower)
    return f"average-grid-{place + 1}"


def sample_row(sample: Sample) -> dict[str, Any]:
    """Describe a sample in the table of samples.

    Args:
        sample: Reference or simulation.

    Returns:
        Label, events, those left out, grid, mean dropped fraction.
    """
    dropped = sample.dropped_fraction
    return {
        "label": sample.label,
        "n_events": len(sample),
        "n_extrapolated": sample.n_extrapolated,
        "grid": _grid_name(sample.grid),
        "n_voxels": sample.grid.n_voxels,
        "dropped_fraction": None if dropped is None else float(dropped.mean()),
        "largest_dropped_fraction": None if dropped is None else float(dropped.max()),
        "energy_range": (float(sample.energy.min()), float(sample.energy.max())),
    }


def context(report: "Report") -> dict[str, Any]:
    """Collect what the template shows.

    Args:
        report: All results.

    Returns:
        Values by their names in the template.
    """
    return {
        "version": __version__,
        "reference": REFERENCE_LABEL,
        "simulations": [sample.label for sample in report.samples[1:]],
        "samples": [_sample_cells(sample) for sample in report.samples],
        "regions": [_region(result) for result in report.regions],
        "headline": _headline(report),
        "layers": [f"{LAYER_NAMES[layer]} ({layer})" for layer in LAYERS],
        "averages": [
            {
                "name": average_name(shower, report.averages),
                "label": _owner(shower, report.samples),
                "grid": _grid_name(shower.grid),
                "n_voxels": shower.grid.n_voxels,
                "region": str(shower.region),
                "n_events": shower.n_events,
                "figure": {"optimal": 3, "regular": 4}.get(_grid_name(shower.grid)),
            }
            for shower in report.averages
        ],
        "has_response": bool(report.responses),
        "image": report.image,
        "image_energy": None if report.image is None else format_energy(report.image.energy),
        "slices": slices_context(report.slices),
        "n_seeds": N_SEEDS,
        "classifier": classifier_rows(report.classifier),
        "phi": phi_modulation_context(report.phi_modulation),
        "n_drawn": f"{int(report.spectrum.counts.sum()):,}".replace(",", " "),
        "probability": f"{report.interpolations[0].probability:.2f}",
        "calibration_stored": report.calibration_stored,
        "calibration": report.calibration,
        "edge_quantile": 100 * EDGE_QUANTILE,
        "edge_half_widths": f"{EDGE_HALF_WIDTHS:.0f}",
        "min_expected": f"{MIN_EXPECTED:.0f}",
        "smallest_chi2": SMALLEST_CHI2,
        "smallest_spread": SMALLEST_SPREAD,
        "good": GOOD,
        "fair": FAIR,
        "missing": report.missing,
    }


def _headline(report: "Report") -> list[dict[str, Any]]:
    """Sum up each simulation in the first region: how many of the note's observables are good."""
    if not report.regions:
        return []
    result = report.regions[0]
    rows = []
    shapes = [entry for entry in result.observables if not entry.name.endswith("_atlas")]
    for place, sample in enumerate(report.samples[1:]):
        reduced = [entry.simulated[place].chi2.reduced for entry in shapes]
        worst = int(np.nanargmax(reduced)) if np.any(np.isfinite(reduced)) else 0
        rows.append(
            {
                "label": sample.label,
                "n_good": int(np.sum(np.asarray(reduced) <= GOOD)),
                "n_all": len(reduced),
                "worst": html_symbol(_VARIABLES[shapes[worst].name].symbol),
                "worst_chi2": _number(reduced[worst]),
            }
        )
    return rows


def _sample_cells(sample: Sample) -> dict[str, Any]:
    row = sample_row(sample)
    low, high = row["energy_range"]
    dropped, largest = row["dropped_fraction"], row["largest_dropped_fraction"]
    return row | {
        "dropped": "not stored" if dropped is None else f"{100 * dropped:.3f} %",
        "largest": "not stored" if largest is None else f"{100 * largest:.2f} %",
        "energies": _energy_range(low, high),
    }


def _region(result: RegionResult) -> dict[str, Any]:
    central = result.region == CENTRAL
    return {
        "name": result.region.name,
        "title": str(result.region),
        "note_figure": result.region.figure,
        "n_reference": result.n_reference,
        "counts": [entry.n_events for entry in result.fractions[1:]],
        "shapes": shapes_name(result),
        "summary": summary_name(result) if result.observables[0].simulated else None,
        "rows": [_observable_row(entry) for entry in result.observables],
        "fractions": [
            {
                "label": entry.label,
                "cells": [
                    {"text": _share(mean, error), "state": ("good" if passed else "poor")}
                    if central
                    else {"text": _share(mean, error), "state": ""}
                    for mean, error, passed in zip(
                        entry.mean, entry.error, entry.as_expected, strict=True
                    )
                ],
                "verdict": ("pass" if all(entry.as_expected) else "fail") if central else "",
            }
            for entry in result.fractions
        ],
        "expected": [_expected(layer) for layer in LAYERS] if central else None,
    }


def _observable_row(result: ObservableResult) -> dict[str, Any]:
    variable = _VARIABLES[result.name]
    return {
        "symbol": html_symbol(variable.symbol),
        "description": variable.description,
        "floor": f"{result.floor.mean:.2f}",
        "floor_range": f"{result.floor.low:.2f} to {result.floor.high:.2f}",
        "simulated": [
            {
                "chi2": _number(entry.chi2.reduced),
                "detail": f"χ² = {entry.chi2.value:.1f}, ndf = {entry.chi2.ndf}",
                "state": _state(entry.chi2.reduced),
                "shift": _shift(entry.paired),
                "spread": "–" if entry.paired is None else f"{100 * entry.paired.spread:.1f}",
            }
            for entry in result.simulated
        ],
    }


def _owner(shower: AverageShower, samples: Sequence[Sample]) -> str:
    return next(
        sample.label for sample in samples if any(entry is shower for entry in sample.averages)
    )


def _grid_name(grid: VoxelGrid) -> str:
    for name, known in (("optimal", VoxelGrid.optimal()), ("regular", VoxelGrid.regular())):
        if grid == known:
            return name
    return grid.name


def _energy_range(low: float, high: float) -> str:
    if low == high:
        return format_energy(low)
    return f"{format_energy(low)} to {format_energy(high)}"


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


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
