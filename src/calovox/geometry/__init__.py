"""The detector: cells and their look-up, radii of the layers, coordinates around a shower."""

from calovox.geometry.alignment import aligned_barrel_cells
from calovox.geometry.barrel import (
    ABSORBER_PERIOD,
    NO_LAYER,
    barrel_cells,
    layer_boundaries,
    layer_of_deposit,
    layer_radii,
    layer_radius,
    layer_thickness,
)
from calovox.geometry.cells import CellTable
from calovox.geometry.coordinates import to_eta_phi, to_polar, wrap_phi
from calovox.geometry.lookup import BarrelLookup, CellLookup, TableLookup
from calovox.geometry.lookup_kernel import LookupParameters, find_cell

__all__ = [
    "ABSORBER_PERIOD",
    "NO_LAYER",
    "BarrelLookup",
    "CellLookup",
    "CellTable",
    "LookupParameters",
    "TableLookup",
    "aligned_barrel_cells",
    "barrel_cells",
    "find_cell",
    "layer_boundaries",
    "layer_of_deposit",
    "layer_radii",
    "layer_radius",
    "layer_thickness",
    "to_eta_phi",
    "to_polar",
    "wrap_phi",
]
