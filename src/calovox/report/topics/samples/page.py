"""The table of samples, and the list of what is not shown."""

from typing import Any

from calovox.report.text import energy_range
from calovox.report.topics.samples.measure import SampleRow, SamplesResult

__all__ = ["page_samples"]


def page_samples(result: SamplesResult) -> dict[str, Any]:
    """Collect what the template shows."""
    return {
        "samples": [_row(row) for row in result.rows],
        "missing": result.not_shown,
        "photons": "" if result.photons is None else str(result.photons),
    }


def _row(row: SampleRow) -> dict[str, Any]:
    dropped, largest = row.dropped_fraction, row.largest_dropped_fraction
    return vars(row) | {
        "dropped": "not stored" if dropped is None else f"{100 * dropped:.3f} %",
        "largest": "not stored" if largest is None else f"{100 * largest:.2f} %",
        "energies": energy_range(*row.energy_range),
    }
