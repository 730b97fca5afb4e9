"""Reconstruction: hits to cells, cells to shower shapes, and the calibration of the energy."""

from calovox.reconstruction.calibration import Calibration, fit_calibration
from calovox.reconstruction.deposit import hits_to_cells
from calovox.reconstruction.layers import LayerShapes, cells_to_layer_shapes
from calovox.reconstruction.shapes import (
    ShowerShapes,
    cells_to_shapes,
    concatenate_shapes,
    has_shower_shapes,
)
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
    "LayerShapes",
    "ShapeVariable",
    "ShapesFile",
    "ShapesFileError",
    "ShowerShapes",
    "cells_to_layer_shapes",
    "cells_to_shapes",
    "concatenate_shapes",
    "fit_calibration",
    "has_shower_shapes",
    "hits_to_cells",
    "read_shapes",
    "read_shapes_file",
    "write_shapes",
]
