r"""Voxels become cells in one step, without hits in between.

The energies are those of `voxels_to_pattern_hits` and `hits_to_cells` one after the other, but for
the rounding of sums; what takes time there, hits that are written and read again, is left out.
"""

import numpy as np

from calovox.arrays import Array
from calovox.binned_shower.placement import photons_of
from calovox.geometry import CellTable, Detector
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.layers import layer_positions
from calovox.geometry.lookup_kernel import LookupParameters, find_bins, find_cell
from calovox.kernels import kernel
from calovox.patterns.choosing import MAX_HITS, PlacementCounts, Placing, choose_patterns
from calovox.patterns.library import PatternLibrary
from calovox.patterns.placement import place_voxel
from calovox.voxelization import Voxels

__all__ = ["voxels_to_cells"]


def voxels_to_cells(
    voxels: Voxels,
    library: PatternLibrary,
    table: CellTable,
    *,
    seed: int,
    detector: Detector | None = None,
) -> tuple[CellEnergies, PlacementCounts]:
    """Place the voxels of showers by patterns, and add up their energies in cells.

    Args:
        voxels: Showers with centre and index.
        library: Patterns of the voxels' grid.
        table: The cells of the detector.
        seed: Seed of the run.
        detector: Where the layers lie; the built-in barrel by default.

    Returns:
        The cells with energy, each event sorted by cell, with the energy outside all cells; and
        how voxels were placed.

    Raises:
        ValueError: As in `voxels_to_pattern_hits`, or if the cells lack a layer of the grid.
    """
    photons_of(voxels)  # raises the error that says what is missing
    placing, offsets, counts = choose_patterns(voxels, library, seed=seed, detector=detector)
    most = max(library.tables.most_deposits, MAX_HITS)
    positions = layer_positions(np.array(voxels.grid.numbers), table.positions)
    n_hits = int(offsets[-1])
    cell, energy = np.empty(n_hits, dtype=np.int32), np.empty(n_hits, dtype=np.float32)
    cell_offsets, outside = np.zeros(len(voxels) + 1, dtype=np.int64), np.zeros(len(voxels))
    _cells_kernel(
        placing,
        table.lookup().parameters,
        positions,
        (*np.empty((3, most), dtype=np.float32),),
        # zeros of the operating system: only the pages of cells that are hit are ever touched
        np.zeros(len(table)),
        np.zeros(len(table), dtype=np.bool_),
        (cell, energy, cell_offsets, outside),
    )
    stop = cell_offsets[-1]
    return CellEnergies(cell[:stop].copy(), energy[:stop].copy(), cell_offsets, outside), counts


@kernel()
def _cells_kernel(
    placing: Placing,
    lookup: LookupParameters,
    positions: Array,
    scratch: tuple[Array, Array, Array],
    sums: Array,
    touched: Array,
    cells: tuple[Array, Array, Array, Array],
) -> None:
    """Fill the entries event by event; `scratch`, `sums` and `touched` are scratch."""
    cell, energy, offsets, outside = cells
    eta, phi, share = scratch
    eta_center, phi_center, radii = placing.centers
    stop = 0
    for event in range(placing.energy.shape[0]):
        start, state = stop, placing.state[event]
        for position in range(positions.size):
            around = (eta_center[event], phi_center[event], radii[event, position])
            grid = lookup.grids[positions[position]]
            bins = (grid.bins_per_eta, grid.first_bin, grid.n_eta, grid.n_phi)
            for voxel in range(placing.boundaries[position], placing.boundaries[position + 1]):
                state, n_hits = place_voxel(
                    placing, event, voxel, around, state, 0, eta, phi, share
                )
                for hit in range(n_hits):
                    if lookup.regular:  # in the loop itself, as in `find_all`
                        i, j = find_bins(eta[hit], phi[hit], *bins)
                        first = lookup.bins[grid.offset + i] if i >= 0 else -1
                        row = first + j if first >= 0 else -1
                    else:
                        row = find_cell(positions[position], eta[hit], phi[hit], lookup)
                    if row < 0:
                        outside[event] += share[hit]
                        continue
                    if not touched[row]:
                        touched[row] = True
                        cell[stop] = row
                        stop += 1
                    sums[row] += share[hit]
        stop = _collect(cell, energy, start, stop, sums, touched)
        offsets[event + 1] = stop


@kernel()
def _collect(
    cell: Array, energy: Array, start: int, stop: int, sums: Array, touched: Array
) -> int:
    """Sort the cells of an event, read their energies, and clean the scratch; give the end."""
    cell[start:stop].sort()
    position = start
    for entry in range(start, stop):
        row = cell[entry]
        value = np.float32(sums[row])
        sums[row] = 0.0
        touched[row] = False
        if value != 0.0:
            cell[position] = row
            energy[position] = value
            position += 1
    return position
