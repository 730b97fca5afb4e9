"""Captions of the pictures of showers."""

from typing import Any

from calovox.report.text import grid_name
from calovox.report.topics.showers.draw import layers_shown
from calovox.report.topics.showers.measure import NamedAverage, ShowersResult
from calovox.units import format_energy

__all__ = ["page_showers"]


def page_showers(result: ShowersResult) -> dict[str, Any]:
    """Collect what the template shows."""
    return {
        "image_energy": None if result.image is None else format_energy(result.image.energy),
        "averages": [_average(shown) for shown in result.averages],
    }


def _average(shown: NamedAverage) -> dict[str, Any]:
    shower, grid = shown.shower, grid_name(shown.shower.grid)
    *others, last = layers_shown(shower).values()
    return {
        "name": shown.name,
        "label": shown.label,
        "layers": f"{', '.join(others)} and {last}" if others else last,
        "grid": grid,
        "n_voxels": shower.grid.n_voxels,
        "region": str(shower.region),
        "n_events": shower.n_events,
        "figure": {"optimal": 3, "regular": 4}.get(grid),
    }
