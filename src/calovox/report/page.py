"""What the HTML page shows, from the results of the report."""

from collections.abc import Mapping, Sequence
from typing import Any

from calovox import __version__
from calovox.geometry.barrel import BARREL_NAMES, BARREL_NUMBERS
from calovox.report.collection import Report
from calovox.report.pictures import Picture
from calovox.report.ratios import FEWEST_IN_RATIO
from calovox.report.summaries import SMALLEST_CHI2, SMALLEST_SPREAD
from calovox.report.text import energy_range
from calovox.report.topics.energy_slices.page import classifier_context, slices_context
from calovox.report.topics.gates.page import gates_context
from calovox.report.topics.overview.page import overview_context
from calovox.report.topics.phi_modulation.page import phi_modulation_context
from calovox.report.topics.provenance.page import provenance_context
from calovox.report.topics.response.page import response_context
from calovox.report.topics.shapes.page import FAIR, GOOD, region_context
from calovox.samples.sample import REFERENCE_LABEL, Sample
from calovox.samples.showers import AverageShower
from calovox.scores.classifiers.network import N_SEEDS
from calovox.scores.histograms import EDGE_HALF_WIDTHS, EDGE_QUANTILE, MIN_EXPECTED
from calovox.scores.table import Scores
from calovox.units import format_energy
from calovox.voxelization import VoxelGrid

__all__ = ["average_name", "context", "sample_row"]


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


def context(report: Report, scores: Scores, pictures: Mapping[str, Picture]) -> dict[str, Any]:
    """Collect what the template shows.

    Args:
        report: All results.
        scores: The scores of the overview.
        pictures: The figures by their names.

    Returns:
        Values by their names in the template.
    """
    simulations = [sample.label for sample in report.samples[1:]]
    return {
        "version": __version__,
        "reference": REFERENCE_LABEL,
        "pictures": pictures,
        "simulations": simulations,
        "overview": overview_context(scores, simulations),
        "gates": gates_context(report.outcomes),
        "samples": [_sample_cells(sample) for sample in report.samples],
        "regions": [region_context(result) for result in report.regions],
        "layers": [f"{BARREL_NAMES[layer]} ({layer})" for layer in BARREL_NUMBERS],
        "averages": [_average_context(shower, report) for shower in report.averages],
        "response": response_context(report),
        "image_energy": None if report.image is None else format_energy(report.image.energy),
        "slices": slices_context(report.slices),
        "classifier": classifier_context(report.classifier),
        "phi": phi_modulation_context(report.phi_modulation),
        "n_drawn": f"{int(report.spectrum.counts.sum()):,}".replace(",", " "),
        "probability": f"{report.interpolations[0].probability:.2f}",
        "calibration_stored": report.calibration_stored,
        "calibration": report.calibration,
        "missing": report.missing,
        "provenance": provenance_context(report.provenance),
        **_constants(),
    }


def _constants() -> dict[str, Any]:
    """Collect the numbers that the page explains."""
    return {
        "n_seeds": N_SEEDS,
        "edge_quantile": 100 * EDGE_QUANTILE,
        "edge_half_widths": f"{EDGE_HALF_WIDTHS:.0f}",
        "min_expected": f"{MIN_EXPECTED:.0f}",
        "fewest_in_ratio": FEWEST_IN_RATIO,
        "smallest_chi2": SMALLEST_CHI2,
        "smallest_spread": SMALLEST_SPREAD,
        "good": GOOD,
        "fair": FAIR,
    }


def _average_context(shower: AverageShower, report: Report) -> dict[str, Any]:
    grid = _grid_name(shower.grid)
    return {
        "name": average_name(shower, report.averages),
        "label": _owner(shower, report.samples),
        "grid": grid,
        "n_voxels": shower.grid.n_voxels,
        "region": str(shower.region),
        "n_events": shower.n_events,
        "figure": {"optimal": 3, "regular": 4}.get(grid),
    }


def _sample_cells(sample: Sample) -> dict[str, Any]:
    row = sample_row(sample)
    low, high = row["energy_range"]
    dropped, largest = row["dropped_fraction"], row["largest_dropped_fraction"]
    return row | {
        "dropped": "not stored" if dropped is None else f"{100 * dropped:.3f} %",
        "largest": "not stored" if largest is None else f"{100 * largest:.2f} %",
        "energies": energy_range(low, high),
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
