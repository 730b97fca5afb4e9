"""All cells in windows around the hottest cell: what an analysis of data can see of a shower.

The middle cell of the window in EMB2 is the hottest cell of EMB2. In the other layers it is the
cell whose centre is nearest to that of the hottest cell. EMB1 goes one step further: its middle is
the hottest strip in the window around the nearest one. Windows continue across phi = pi. Of
several hottest cells, the first in the cell table counts. A shower without a cell of positive
energy in EMB2 has no windows: all its energies are 0.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.geometry import CellTable, wrap_phi
from calovox.geometry.cell_energies import CellEnergies

__all__ = ["WINDOWS", "CellWindow", "WindowCells", "cells_to_window_cells"]

_MIDDLE: Final = 2
_STRIPS: Final = 1
_BATCH: Final = 2000


@dataclass(frozen=True)
class CellWindow:
    """Size of the window in one layer.

    Attributes:
        layer: Layer number.
        n_eta: Cells along eta, an odd number.
        n_phi: Cells along phi, an odd number.
    """

    layer: int
    n_eta: int
    n_phi: int

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.n_eta * self.n_phi


WINDOWS: Final = (
    CellWindow(0, n_eta=7, n_phi=3),
    CellWindow(1, n_eta=49, n_phi=3),
    CellWindow(2, n_eta=7, n_phi=9),
    CellWindow(3, n_eta=5, n_phi=9),
    CellWindow(12, n_eta=3, n_phi=3),
)
"""The windows: 285 cells. That of EMB2 is 0.175 x 0.22 in eta and phi."""


@dataclass(frozen=True)
class WindowCells:
    """Cells in the windows of each shower.

    Attributes:
        energy: Energies in MeV, window by window, by rising eta and then phi; 0 where there is no
            cell.
        row: Their rows in the cell table, -1 where there is no cell.
        windows: The windows.
    """

    energy: Float64[Array, "event cell"]
    row: Int64[Array, "event cell"]
    windows: tuple[CellWindow, ...] = WINDOWS

    def __post_init__(self) -> None:
        n_cells = sum(window.n_cells for window in self.windows)
        for name in ("energy", "row"):
            shape = getattr(self, name).shape
            if shape != (len(self.energy), n_cells):
                raise ValueError(
                    f"WindowCells: expected {n_cells} columns of `{name}`, got the shape {shape}"
                )

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self.energy)

    def __getitem__(self, rows: Bool[Array, " event"] | Int64[Array, " chosen"]) -> "WindowCells":
        """Return some of the showers."""
        return replace(self, energy=self.energy[rows], row=self.row[rows])

    @property
    def exists(self) -> Bool[Array, "event cell"]:
        """Where there is a cell."""
        return np.asarray(self.row >= 0)

    def layer_slice(self, layer: int) -> slice:
        """Return the range of columns of a layer.

        Args:
            layer: Layer number.

        Raises:
            ValueError: If there is no window in the layer.
        """
        start = 0
        for window in self.windows:
            if window.layer == layer:
                return slice(start, start + window.n_cells)
            start += window.n_cells
        raise ValueError(f"layer: expected one of {[w.layer for w in self.windows]}, got {layer}")

    def with_energy(self, energy: Float64[Array, "event cell"]) -> "WindowCells":
        """Return the same windows with other energies."""
        return replace(self, energy=np.where(self.exists, energy, 0.0))

    def to_cells(self) -> CellEnergies:
        """Return the cells of the windows as cell energies, without those of energy 0.

        Returns:
            What `cells_to_shapes` reads; nothing is outside.
        """
        order = np.argsort(self.row, axis=1, kind="stable")
        energy = np.take_along_axis(self.energy, order, axis=1)
        row = np.take_along_axis(self.row, order, axis=1)
        kept = energy != 0.0
        offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int64)
        return CellEnergies(
            cell=row[kept].astype(np.int32),
            energy=energy[kept].astype(np.float32),
            event_offsets=offsets,
            outside=np.zeros(len(self)),
        )


def cells_to_window_cells(cells: CellEnergies, table: CellTable) -> WindowCells:
    """Collect the cells in the windows of each shower.

    Args:
        cells: Cell energies, each event sorted by cell.
        table: The cells of the detector.

    Returns:
        The cells of the windows.

    Raises:
        ValueError: If the cells are not rows of the table, or not sorted.
    """
    if len(cells.cell) and cells.cell.max() >= len(table):
        raise ValueError(
            f"cells: expected rows of the cell table, 0 to {len(table) - 1}, "
            f"got {cells.cell.max()}: is it the table they were made with?"
        )
    parts = [
        _windows(cells[start : start + _BATCH], table)
        for start in range(0, max(1, len(cells)), _BATCH)
    ]
    energies, rows = zip(*parts, strict=True)
    return WindowCells(np.concatenate(energies), np.concatenate(rows))


def _windows(
    cells: CellEnergies, table: CellTable
) -> tuple[Float64[Array, "event cell"], Int64[Array, "event cell"]]:
    keys = cells.event * np.int64(len(table)) + cells.cell
    if np.any(np.diff(keys) <= 0):
        event = int(cells.event[1:][np.diff(keys) <= 0][0])
        raise ValueError(
            f"cells: expected rising cell numbers in each event, not so in event {event}"
        )
    hottest = _hottest_middle(cells, table)
    energies, rows = [], []
    for window in WINDOWS:
        place = _nearest(hottest, window.layer, table)
        if window.layer == _STRIPS:
            row = _rows_around(place, window, table)
            energy = _energies(keys, cells, row, len(table))
            brightest = np.argmax(energy, axis=1)[:, None]
            found = np.take_along_axis(row, brightest, axis=1)[:, 0]
            place = np.where(energy.max(axis=1) > 0, found, place)
        row = _rows_around(place, window, table)
        rows.append(row)
        energies.append(_energies(keys, cells, row, len(table)))
    return np.concatenate(energies, axis=1), np.concatenate(rows, axis=1)


def _hottest_middle(cells: CellEnergies, table: CellTable) -> Int64[Array, " event"]:
    """Find the hottest cell of EMB2 of each event; -1 without one of positive energy."""
    (entries,) = np.nonzero((table.layer[cells.cell] == _MIDDLE) & (cells.energy > 0))
    # the last of equal events is the hottest, the first in the table if there are several
    order = np.lexsort((-cells.cell[entries], cells.energy[entries], cells.event[entries]))
    hottest = np.full(len(cells), -1, dtype=np.int64)
    hottest[cells.event[entries][order]] = cells.cell[entries][order]
    return hottest


def _nearest(
    hottest: Int64[Array, " event"], layer: int, table: CellTable
) -> Int64[Array, " event"]:
    """Find the cell of a layer whose centre is nearest to that of a cell; -1 where none is."""
    grid = table.index_grid(layer)
    if grid.size == 0:
        return np.full_like(hottest, -1)
    eta, phi = table.eta[grid[:, 0]], table.phi[grid[0]]
    known = hottest >= 0
    at = np.where(known, hottest, 0)
    # of two cells that are equally near, the lower one, whatever the rounding
    eta_index = np.argmin(np.abs(eta - table.eta[at][:, None]).round(9), axis=1)
    phi_index = np.argmin(np.abs(wrap_phi(phi - table.phi[at][:, None])).round(9), axis=1)
    return np.where(known, grid[eta_index, phi_index], -1)


def _rows_around(
    place: Int64[Array, " event"], window: CellWindow, table: CellTable
) -> Int64[Array, "event cell"]:
    """List the rows of a window around its middle cells; -1 where there is no cell."""
    grid = table.index_grid(window.layer)
    if grid.size == 0:
        return np.full((len(place), window.n_cells), -1, dtype=np.int64)
    steps_eta, steps_phi = (np.arange(n) - n // 2 for n in (window.n_eta, window.n_phi))
    at = np.where(place >= 0, place, 0)
    eta_index = table.eta_index[at][:, None, None] + steps_eta[None, :, None]
    phi_index = (table.phi_index[at][:, None, None] + steps_phi) % grid.shape[1]
    inside = (eta_index >= 0) & (eta_index < grid.shape[0]) & (place >= 0)[:, None, None]
    row = np.where(inside, grid[np.clip(eta_index, 0, grid.shape[0] - 1), phi_index], -1)
    return np.asarray(row.reshape(len(place), -1), dtype=np.int64)


def _energies(
    keys: Int64[Array, " entry"],
    cells: CellEnergies,
    row: Int64[Array, "event cell"],
    n_rows: int,
) -> Float64[Array, "event cell"]:
    """Look up the energies of rows of the table, 0 for cells that were not hit."""
    if len(keys) == 0:
        return np.zeros(row.shape)
    # event and cell in one number, rising: one search finds all cells of all events
    wanted = np.arange(len(row))[:, None] * np.int64(n_rows) + row
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    hit = (keys[at] == wanted) & (row >= 0)
    return np.where(hit, cells.energy[at].astype(np.float64), 0.0)
