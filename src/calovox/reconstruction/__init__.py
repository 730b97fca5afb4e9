"""Reconstruction: hits to cells, cells to shower shapes, and the calibration of the energy."""

from calovox.reconstruction.calibration import Calibration, fit_calibration
from calovox.reconstruction.deposit import hits_to_cells
from calovox.reconstruction.shapes import ShowerShapes, cells_to_shapes, concatenate_shapes
from calovox.reconstruction.shapes_file import (
    ShapesFile,
    ShapesFileError,
    read_shapes,
    read_shapes_file,
    write_shapes,
)
from calovox.reconstruction.variables import ATLAS_VARIABLES, SHAPE_VARIABLES, ShapeVariable

__all__ = [
    "ATLAS_VARIABLES",
    "SHAPE_VARIABLES",
    "Calibration",
    "ShapeVariable",
    "ShapesFile",
    "ShapesFileError",
    "ShowerShapes",
    "cells_to_shapes",
    "concatenate_shapes",
    "fit_calibration",
    "hits_to_cells",
    "read_shapes",
    "read_shapes_file",
    "write_shapes",
]
