"""Showers of cells of any shape, and of points: into hits, and back."""

from calovox.foreign.points.exporting import POINT_LAYOUTS, PointLayout, export_points
from calovox.foreign.points.importing import (
    ImportedPoints,
    PointOptions,
    import_points,
    open_foreign_points,
)
from calovox.foreign.points.source import PointSource

__all__ = [
    "POINT_LAYOUTS",
    "ImportedPoints",
    "PointLayout",
    "PointOptions",
    "PointSource",
    "export_points",
    "import_points",
    "open_foreign_points",
]
