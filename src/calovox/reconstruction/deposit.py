r"""Hits to cells: every hit gives all its energy to the cell that contains it.

Reference and simulated hits pass through this one function. Hits outside all cells are not lost
silently: their energy is kept per event, so that cells and outside add up to the hits.
"""

import numpy as np

from calovox.arrays import Array
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.cells import CellTable
from calovox.geometry.sorting import sort_rows
from calovox.hits.hits import Hits
from calovox.kernels import kernel

__all__ = ["hits_to_cells"]


def hits_to_cells(hits: Hits, table: CellTable) -> CellEnergies:
    """Add up the hits of each event in the cells of the detector.

    Args:
        hits: Hits of a batch of events.
        table: The cells of the detector.

    Returns:
        The cells with energy, each event sorted by cell, and the energy outside all cells.

    Example:
        >>> from calovox.geometry.barrel import barrel_cells
        >>> from calovox.photons import Photons
        >>> one, index = np.ones(1), np.zeros(1, dtype=np.int64)
        >>> hits = Hits(
        ...     layer=np.array([2], dtype=np.uint8), eta=0.2 * one, phi=0.1 * one, r=1700 * one,
        ...     energy=4.0 * one, event_offsets=np.array([0, 1]),
        ...     photons=Photons(energy=65e3 * one, eta=0.2 * one, phi=0.1 * one, index=index),
        ... )
        >>> hits_to_cells(hits, barrel_cells()).energy
        array([4.], dtype=float32)
    """
    rows = table.lookup().find(hits.layer, hits.eta, hits.phi)
    n_events = len(hits)
    cell = np.empty(hits.n_hits, dtype=np.int32)
    energy = np.empty(hits.n_hits, dtype=np.float32)
    offsets = np.zeros(n_events + 1, dtype=np.int64)
    outside = np.zeros(n_events)
    _deposit_kernel(
        np.asarray(hits.event_offsets, dtype=np.int64),
        rows,
        hits.energy,
        np.empty(len(table)),
        np.empty(len(table), dtype=np.bool_),
        cell,
        energy,
        offsets,
        outside,
    )
    return CellEnergies(
        cell=cell[: offsets[-1]].copy(),
        energy=energy[: offsets[-1]].copy(),
        event_offsets=offsets,
        outside=outside,
    )


@kernel()
def _deposit_kernel(
    hit_offsets: Array,
    rows: Array,
    hit_energy: Array,
    sums: Array,
    touched: Array,
    cell: Array,
    energy: Array,
    offsets: Array,
    outside: Array,
) -> None:
    """Fill the entries event by event; `sums` and `touched` are scratch."""
    # only the scratch of cells with hits is ever looked at: a shower has few of them
    for row in rows:
        if row >= 0:
            sums[row] = 0.0
            touched[row] = False
    position = 0
    for event in range(hit_offsets.size - 1):
        start = position
        for hit in range(hit_offsets[event], hit_offsets[event + 1]):
            row = rows[hit]
            if row < 0:
                outside[event] += hit_energy[hit]
                continue
            if not touched[row]:
                touched[row] = True
                cell[position] = row
                position += 1
            sums[row] += hit_energy[hit]
        # rising rows, whatever the order of the hits: shower shapes expect them
        sort_rows(cell, start, position)
        stop = position
        position = start
        for entry in range(start, stop):
            row = cell[entry]
            # clean the scratch for the next event; cells whose hits cancel are left out
            value = np.float32(sums[row])
            sums[row] = 0.0
            touched[row] = False
            if value != 0.0:
                cell[position] = row
                energy[position] = value
                position += 1
        offsets[event + 1] = position
