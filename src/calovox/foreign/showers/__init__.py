"""Showers of other programs: into datasets with their own voxels, and back."""

from calovox.foreign.showers.exporting import EXPORTED, ExportLayout, export_showers
from calovox.foreign.showers.importing import (
    ImportedShowers,
    ShowerOptions,
    ShowerSource,
    import_showers,
    open_foreign_showers,
)

__all__ = [
    "EXPORTED",
    "ExportLayout",
    "ImportedShowers",
    "ShowerOptions",
    "ShowerSource",
    "export_showers",
    "import_showers",
    "open_foreign_showers",
]
