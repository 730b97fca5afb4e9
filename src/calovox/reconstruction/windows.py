r"""Cell energies around the brightest cells: what all shower shapes are computed from.

Each event is reduced to small dense arrays without ever building the grid of the detector:

- ``strips``: the layer of strips (EMB1), 3 rows in phi times 49 strips in eta around the
  brightest strip;
- ``middle``: the middle layer (EMB2), 7 cells in phi times 7 cells in eta around its brightest
  cell;
- ``cluster``: the energy per layer in the window of 3 x 7 cells of the middle layer (eta x phi, in
  the built-in barrel 0.075 x 0.172) around its brightest cell. It takes those cells of a layer
  whose centre lies in the closed window. Centres on its border are common (rows of EMB1 in phi,
  cells of EMB3 in eta); so that rounding and the detector's small misalignments do not decide
  about them, the window is a tenth of the cell wider. In the built-in barrel each layer then
  always gives the same number of cells: 2 in phi (7 in EMB2 and EMB3) times 3, 24, 3, 2 and 1 in
  eta.

Windows continue over phi = pi; cells outside the detector count as zero. The brightest cell is
the one with the largest positive energy, the first in the cell table if there are several; a layer
without a positive cell has none, and its windows are zero.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.cells import CellTable
from calovox.geometry.layers import Role
from calovox.kernels import kernel

__all__ = [
    "CLUSTER_ETA_CELLS",
    "CLUSTER_PHI_CELLS",
    "STRIP_MARGIN",
    "CellWindows",
    "cells_to_windows",
    "find_role",
]

STRIP_MARGIN: Final = 24
"""Strips kept on either side of the brightest one."""

CLUSTER_ETA_CELLS: Final = 3
"""Width in eta of the cluster of E_cal, in cells of the middle layer."""

CLUSTER_PHI_CELLS: Final = 7
"""Width in phi of the cluster of E_cal, in cells of the middle layer."""

_BORDER: Final = 0.1
_STRIP_ROWS: Final = 1
_MIDDLE_MARGIN: Final = 3
_NEEDED_BY: Final[dict[Role, str]] = {
    "strips": "f1, delta_e, e_ratio, w_eta1, fracs1",
    "middle": "e_cal, r_phi, r_eta, r_phi_atlas, r_eta_atlas",
}


@dataclass(frozen=True)
class CellWindows:
    """Cell energies of each event in the windows around its brightest cells, in MeV.

    Attributes:
        layer_energy: Sum over all cells of a layer.
        strips: The layer of strips around its brightest one (the middle element).
        middle: The middle layer around its brightest cell (the middle element).
        cluster_energy: Sum over the cells of a layer in the window of the cluster.
        cluster_eta: Energy-weighted eta of its cells in the middle layer, 0 without a cluster.
        has_strips: Whether the strips have a cell with positive energy.
        has_middle: Whether the middle layer has one, thus the event a cluster.
    """

    layer_energy: Float64[Array, "event layer"]
    strips: Float64[Array, "event strip_row strip"]
    middle: Float64[Array, "event phi eta"]
    cluster_energy: Float64[Array, "event layer"]
    cluster_eta: Float64[Array, " event"]
    has_strips: Bool[Array, " event"]
    has_middle: Bool[Array, " event"]


def cells_to_windows(cells: CellEnergies, table: CellTable) -> CellWindows:
    """Collect the cell energies around the brightest cells of each event.

    Args:
        cells: Cell energies, each event sorted by cell.
        table: The cells of the detector.

    Returns:
        The windows of each event.

    Raises:
        ValueError: If the cells are not rows of the table, or not sorted, or the detector has no
            layer of strips or no middle one.
    """
    roles = (find_role(table, "strips"), find_role(table, "middle"))
    layer_energy, brightest = _layers(cells, table)
    strips, middle = _windows(cells, table, roles, brightest)
    cluster_energy, cluster_eta = _clusters(cells, table, roles[1], brightest)
    return CellWindows(
        layer_energy=layer_energy,
        strips=strips,
        middle=middle,
        cluster_energy=cluster_energy,
        cluster_eta=cluster_eta,
        has_strips=brightest[:, roles[0]] >= 0,
        has_middle=brightest[:, roles[1]] >= 0,
    )


def find_role(table: CellTable, role: Role) -> int:
    """Find the layer with a role.

    Args:
        table: The cells of the detector.
        role: `strips` or `middle`.

    Returns:
        Position of the first such layer.

    Raises:
        ValueError: If there is none, naming the shower shapes that need it.
    """
    for position, layer in enumerate(table.layers):
        if layer.role == role:
            return position
    raise ValueError(
        f"detector {table.name!r}: no layer has the role `{role}`, which the shower shapes "
        f"{_NEEDED_BY[role]} need"
    )


def _layers(
    cells: CellEnergies, table: CellTable
) -> tuple[Float64[Array, "event layer"], Int64[Array, "event layer"]]:
    """Sum the layers and find their brightest cells, -1 in layers without positive energy."""
    if len(cells.cell) and cells.cell.max() >= len(table):
        raise ValueError(
            f"cells: expected rows of the cell table, 0 to {len(table) - 1}, "
            f"got {cells.cell.max()}: is it the table they were made with?"
        )
    energy = np.zeros((len(cells), len(table.layers)))
    brightest = np.full(energy.shape, -1, dtype=np.int64)
    entries = (cells.event_offsets, cells.cell, cells.energy)
    event = _brightest_kernel(*entries, table.layer, table.positions, energy, brightest)
    if event >= 0:
        raise ValueError(
            f"cells: expected rising cell numbers in each event, not so in event {event}"
        )
    return energy, brightest


def _windows(
    cells: CellEnergies,
    table: CellTable,
    roles: tuple[int, int],
    brightest: Int64[Array, "event layer"],
) -> tuple[Float64[Array, "event strip_row strip"], Float64[Array, "event phi eta"]]:
    strips = np.zeros((len(cells), 2 * _STRIP_ROWS + 1, 2 * STRIP_MARGIN + 1))
    middle = np.zeros((len(cells), 2 * _MIDDLE_MARGIN + 1, 2 * _MIDDLE_MARGIN + 1))
    entries = (cells.event_offsets, cells.cell, cells.energy)
    grid = (table.layer, table.eta_index, table.phi_index)
    numbers = (table.numbers[roles[0]], table.numbers[roles[1]])
    n_phi = (table.grid_shape(numbers[0])[1], table.grid_shape(numbers[1])[1])
    _windows_kernel(*entries, *grid, brightest, roles, numbers, n_phi, strips, middle)
    return strips, middle


def _clusters(
    cells: CellEnergies, table: CellTable, middle: int, brightest: Int64[Array, "event layer"]
) -> tuple[Float64[Array, "event layer"], Float64[Array, " event"]]:
    energy = np.zeros((len(cells), len(table.layers)))
    eta = np.zeros(len(cells))
    entries = (cells.event_offsets, cells.cell, cells.energy)
    places = (table.layer, table.eta, table.phi, table.d_eta, table.d_phi)
    positions = table.positions
    _cluster_kernel(*entries, *places, positions, middle, brightest, energy, eta)
    return energy, eta


@kernel()
def _brightest_kernel(
    offsets: Array,
    cell: Array,
    energy: Array,
    layer: Array,
    positions: Array,
    layer_energy: Array,
    brightest: Array,
) -> int:
    highest = np.empty(layer_energy.shape[1])
    for event in range(offsets.size - 1):
        highest[:] = 0.0
        previous = -1
        for entry in range(offsets[event], offsets[event + 1]):
            row = cell[entry]
            if row <= previous:  # a cell listed twice would be counted twice
                return event
            previous = row
            position = positions[layer[row]]
            value = np.float64(energy[entry])
            layer_energy[event, position] += value
            if value > highest[position]:  # not >=: of equal cells the first one is the brightest
                highest[position] = value
                brightest[event, position] = row
    return -1


@kernel(inline="always")
def _phi_steps(phi_index: int, center: int, n_phi: int) -> int:
    # the short way round; of two ways of equal length the negative one
    steps = phi_index - center
    if 2 * steps >= n_phi:
        return steps - n_phi
    if 2 * steps < -n_phi:
        return steps + n_phi
    return steps


@kernel()
def _windows_kernel(
    offsets: Array,
    cell: Array,
    energy: Array,
    layer: Array,
    eta_index: Array,
    phi_index: Array,
    brightest: Array,
    roles: tuple[int, int],
    numbers: tuple[int, int],
    n_phi: tuple[int, int],
    strips: Array,
    middle: Array,
) -> None:
    for event in range(offsets.size - 1):
        strip = brightest[event, roles[0]]
        center = brightest[event, roles[1]]
        for entry in range(offsets[event], offsets[event + 1]):
            row = cell[entry]
            if layer[row] == numbers[0] and strip >= 0:
                j = eta_index[row] - eta_index[strip]
                i = _phi_steps(phi_index[row], phi_index[strip], n_phi[0])
                if abs(i) <= _STRIP_ROWS and abs(j) <= STRIP_MARGIN:
                    strips[event, i + _STRIP_ROWS, j + STRIP_MARGIN] = energy[entry]
            elif layer[row] == numbers[1] and center >= 0:
                j = eta_index[row] - eta_index[center]
                i = _phi_steps(phi_index[row], phi_index[center], n_phi[1])
                if abs(i) <= _MIDDLE_MARGIN and abs(j) <= _MIDDLE_MARGIN:
                    middle[event, i + _MIDDLE_MARGIN, j + _MIDDLE_MARGIN] = energy[entry]


@kernel()
def _cluster_kernel(
    offsets: Array,
    cell: Array,
    energy: Array,
    layer: Array,
    eta: Array,
    phi: Array,
    d_eta: Array,
    d_phi: Array,
    positions: Array,
    middle: int,
    brightest: Array,
    cluster_energy: Array,
    cluster_eta: Array,
) -> None:
    for event in range(offsets.size - 1):
        center = brightest[event, middle]
        if center < 0:
            continue
        half_eta = 0.5 * CLUSTER_ETA_CELLS * d_eta[center]
        half_phi = 0.5 * CLUSTER_PHI_CELLS * d_phi[center]
        weight = 0.0
        weighted_eta = 0.0
        for entry in range(offsets[event], offsets[event + 1]):
            row = cell[entry]
            if abs(eta[row] - eta[center]) > half_eta + _BORDER * d_eta[row]:
                continue
            distance = abs(phi[row] - phi[center])
            distance = min(distance, abs(2.0 * np.pi - distance))  # the short way round
            if distance > half_phi + _BORDER * d_phi[row]:
                continue
            position = positions[layer[row]]
            cluster_energy[event, position] += energy[entry]
            # negative weights could move the mean out of the window
            if position == middle and energy[entry] > 0:
                weight += energy[entry]
                weighted_eta += energy[entry] * eta[row]
        cluster_eta[event] = weighted_eta / weight
