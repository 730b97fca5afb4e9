"""Cell energies written by hand, and changed copies of them."""

from collections.abc import Iterable, Mapping

import numpy as np

from calovox.arrays import Array
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.cells import CellTable

Position = tuple[int, int, int]
"""Layer, eta index, phi index."""


def make_cells(table: CellTable, *events: Mapping[Position, float]) -> CellEnergies:
    grids = {layer: table.index_grid(layer) for layer in BARREL_NUMBERS}
    rows, energies, offsets = [], [], [0]
    for event in events:
        found = {
            int(grids[layer][i, j % grids[layer].shape[1]]): energy
            for (layer, i, j), energy in event.items()
        }
        assert len(found) == len(event)
        rows += sorted(found)
        energies += [found[row] for row in sorted(found)]
        offsets.append(len(rows))
    return CellEnergies(
        cell=np.array(rows, dtype=np.int32),
        energy=np.array(energies, dtype=np.float32),
        event_offsets=np.array(offsets, dtype=np.int64),
        outside=np.zeros(len(events)),
    )


def strips(profile: Iterable[float], *, first: int = 400, row: int = 10) -> dict[Position, float]:
    return {(1, first + step, row): e for step, e in enumerate(profile) if e != 0}


def moved(cells: CellEnergies, rows: Array) -> CellEnergies:
    """Put each energy in the cell `rows[cell]`, and sort again."""
    parts = []
    for event in range(len(cells)):
        entries = slice(cells.event_offsets[event], cells.event_offsets[event + 1])
        target = rows[cells.cell[entries]]
        order = np.argsort(target)
        parts.append((target[order], cells.energy[entries][order]))
    return CellEnergies(
        cell=np.concatenate([part[0] for part in parts]).astype(np.int32),
        energy=np.concatenate([part[1] for part in parts]),
        event_offsets=cells.event_offsets,
        outside=cells.outside,
    )


def scaled(cells: CellEnergies, factor: float) -> CellEnergies:
    return CellEnergies(
        cell=cells.cell,
        energy=(cells.energy * np.float32(factor)).astype(np.float32),
        event_offsets=cells.event_offsets,
        outside=cells.outside,
    )
