"""The detector: cells and their look-up, radii of the layers, coordinates around a shower."""

from calovox.geometry.alignment import aligned_barrel_cells
from calovox.geometry.barrel import (
    ABSORBER_PERIOD,
    BARREL_LAYERS,
    BARREL_NAMES,
    BARREL_NUMBERS,
    atlas_barrel,
    barrel_cells,
    layer_boundaries,
    layer_of_deposit,
    layer_radius,
    layer_thickness,
    read_barrel,
)
from calovox.geometry.cell_energies import CellEnergies, concatenate_cells
from calovox.geometry.cells import CellTable
from calovox.geometry.coordinates import to_eta_phi, to_polar, wrap_phi
from calovox.geometry.detector import Detector
from calovox.geometry.finding import layer_at
from calovox.geometry.layers import NO_LAYER, Layer, Position, Role
from calovox.geometry.lookup import BarrelLookup, CellLookup, TableLookup
from calovox.geometry.lookup_kernel import LookupParameters, find_cell
from calovox.geometry.regular import LayerGrid, regular_cells

__all__ = [
    "ABSORBER_PERIOD",
    "BARREL_LAYERS",
    "BARREL_NAMES",
    "BARREL_NUMBERS",
    "NO_LAYER",
    "BarrelLookup",
    "CellEnergies",
    "CellLookup",
    "CellTable",
    "Detector",
    "Layer",
    "LayerGrid",
    "LookupParameters",
    "Position",
    "Role",
    "TableLookup",
    "aligned_barrel_cells",
    "atlas_barrel",
    "barrel_cells",
    "concatenate_cells",
    "find_cell",
    "layer_at",
    "layer_boundaries",
    "layer_of_deposit",
    "layer_radius",
    "layer_thickness",
    "read_barrel",
    "regular_cells",
    "to_eta_phi",
    "to_polar",
    "wrap_phi",
]
