"""Observables: the numbers by which showers are compared, from voxels and from cells."""

from calovox.samples.observables.cells import (
    cell_observables,
    cells_to_barycentres,
    cells_to_observables,
)
from calovox.samples.observables.noise import (
    ELECTRONIC_NOISE,
    EMPTY_BELOW,
    add_noise,
    cut_cells,
)
from calovox.samples.observables.table import Observable, ObservableTable
from calovox.samples.observables.voxels import voxel_observables, voxels_to_observables
from calovox.samples.observables.windows import (
    WINDOWS,
    CellWindow,
    WindowCells,
    cells_to_window_cells,
)

__all__ = [
    "ELECTRONIC_NOISE",
    "EMPTY_BELOW",
    "WINDOWS",
    "CellWindow",
    "Observable",
    "ObservableTable",
    "WindowCells",
    "add_noise",
    "cell_observables",
    "cells_to_barycentres",
    "cells_to_observables",
    "cells_to_window_cells",
    "cut_cells",
    "voxel_observables",
    "voxels_to_observables",
]
