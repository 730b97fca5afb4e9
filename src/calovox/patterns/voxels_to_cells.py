r"""Voxels become cells in one step, without hits in between.

The energies are those of `voxels_to_pattern_hits`, `apply_phi_modulation` if there are curves, and
`hits_to_cells` one after the other, but for the rounding of sums; what takes time there, hits that
are written and read again, is left out.
"""

from threading import local
from typing import Final

import numpy as np

from calovox.arrays import Array
from calovox.binned_shower.hit_energy import hit_count
from calovox.binned_shower.placement import photons_of
from calovox.geometry import CellTable, Detector
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.layers import layer_positions
from calovox.geometry.lookup_kernel import LookupParameters, find_bins, find_cell
from calovox.geometry.sorting import sort_rows
from calovox.kernels import kernel
from calovox.patterns.choosing import (
    HIT_ENERGY,
    MAX_HITS,
    NO_ENERGY,
    NO_PATTERN,
    PlacementCounts,
    Placing,
    choose_patterns,
)
from calovox.patterns.library import PatternLibrary
from calovox.patterns.placement import place_anywhere, place_deposit
from calovox.phi_modulation.curve import HitFactors, PhiModulation, phase_bin
from calovox.phi_modulation.phases import has_ideal_centers
from calovox.photons import Photons
from calovox.voxelization import Voxels

__all__ = ["voxels_to_cells"]

_SCRATCH: Final = local()


def voxels_to_cells(
    voxels: Voxels,
    library: PatternLibrary,
    table: CellTable,
    *,
    seed: int,
    detector: Detector | None = None,
    phi_modulation: PhiModulation | None = None,
) -> tuple[CellEnergies, PlacementCounts]:
    """Place the voxels of showers by patterns, and add up their energies in cells.

    Args:
        voxels: Showers with centre and index.
        library: Patterns of the voxels' grid.
        table: The cells of the detector.
        seed: Seed of the run.
        detector: Where layers and cells lie; by default the built-in barrel, and `table`.
        phi_modulation: Curves that are put into the energies; None for none.

    Returns:
        The cells with energy, each event sorted by cell, with the energy outside all cells; and
        how voxels were placed.

    Raises:
        ValueError: As in `voxels_to_pattern_hits`, or if the cells lack a layer of the grid, or
            if there are curves, and cells whose centres do not lie at whole periods.
    """
    photons = photons_of(voxels)  # raises the error that says what is missing
    factors = _hit_factors(photons, phi_modulation, table if detector is None else detector.cells)
    placing, offsets, counts = choose_patterns(voxels, library, seed=seed, detector=detector)
    numbers = np.array(voxels.grid.numbers)
    positions = layer_positions(numbers, table.positions)
    n_hits = int(offsets[-1])
    cell, energy = np.empty(n_hits, dtype=np.int32), np.empty(n_hits, dtype=np.float32)
    cell_offsets, outside = np.zeros(len(voxels) + 1, dtype=np.int64), np.zeros(len(voxels))
    _cells_kernel(
        placing,
        table.lookup().parameters,
        positions,
        numbers,
        factors,
        _entries(len(table)),
        np.empty(n_hits),
        (cell, energy, cell_offsets, outside),
    )
    stop = cell_offsets[-1]
    return CellEnergies(cell[:stop].copy(), energy[:stop].copy(), cell_offsets, outside), counts


def _hit_factors(
    photons: Photons, modulation: PhiModulation | None, cells: CellTable
) -> HitFactors:
    if modulation is None:
        return HitFactors.none(len(photons))
    if not has_ideal_centers(cells):
        raise ValueError(
            f"cells '{cells.name}': expected centres at whole periods of the phi modulation, got "
            "others: make hits of the voxels first, with voxels_to_pattern_hits"
        )
    return modulation.hit_factors(np.abs(photons.eta))


def _entries(n_cells: int) -> Array:
    """Give zeros, the same ones at each call of a thread: kernels leave them as they were."""
    # new ones would cost a single shower as much as all else: memory is given page by page
    kept: Array | None = getattr(_SCRATCH, "entries", None)
    if kept is None or len(kept) < n_cells:
        kept = np.zeros(n_cells, dtype=np.int32)
        _SCRATCH.entries = kept
    return kept


@kernel()
def _cells_kernel(
    placing: Placing,
    lookup: LookupParameters,
    positions: Array,
    numbers: Array,
    hit_factors: HitFactors,
    entries: Array,
    sums: Array,
    cells: tuple[Array, Array, Array, Array],
) -> None:
    """Fill in cells event by event; `entries`, zero, and `sums` are scratch."""
    # an entry is one more than the place of its cell in the list of the event's cells
    # taken apart once: to hand arrays on costs more than to place a deposit
    cell, energy, offsets, outside = cells
    eta_center, phi_center, radii = placing.centers
    energies, chosen, edges = placing.energy, placing.chosen, placing.edges
    cosines, sines = placing.tables.cosine, placing.tables.sine
    first_deposit, deposits = placing.tables.first_deposit, placing.tables.deposits
    rows_of_bins, regular = lookup.bins, lookup.regular
    modulated, factors = hit_factors.modulated, hit_factors.factors
    stop = 0
    for event in range(energies.shape[0]):
        start, state = stop, placing.state[event]
        around = (eta_center[event], phi_center[event], -1.0 if eta_center[event] < 0.0 else 1.0)
        for position in range(positions.size):
            radius, place = radii[event, position], positions[position]
            curve = factors[hit_factors.eta_ranges[event], hit_factors.rows[numbers[position]]]
            grid = lookup.grids[place]
            bins, offset = (grid.bins_per_eta, grid.first_bin, grid.n_eta, grid.n_phi), grid.offset
            for voxel in range(placing.boundaries[position], placing.boundaries[position + 1]):
                code = chosen[event, voxel]
                if code == NO_ENERGY:
                    continue
                voxel_energy = energies[event, voxel] * placing.incident_energy[event]
                turn = (cosines[voxel] / radius, sines[voxel] / radius)
                mirror = -1.0 if code % 2 else 1.0
                if code == NO_PATTERN:
                    first, last = 0, hit_count(voxel_energy, HIT_ENERGY, MAX_HITS)
                else:
                    first, last = first_deposit[code // 2], first_deposit[code // 2 + 1]
                for row in range(first, last):
                    if code == NO_PATTERN:
                        state, eta, phi = place_anywhere(state, edges[voxel], radius, around)
                        share = np.float32(voxel_energy / last)
                    else:
                        across = mirror * deposits[row, 1]
                        eta, phi = place_deposit(deposits[row, 0], across, turn, around)
                        share = np.float32(deposits[row, 2] * voxel_energy)
                    if modulated:
                        share = np.float32(share * curve[phase_bin(phi, curve.size)])
                    if regular:  # in the loop itself, as in `find_all`
                        i, j = find_bins(eta, phi, *bins)
                        hit_cell = rows_of_bins[offset + i] if i >= 0 else -1
                        hit_cell = hit_cell + j if hit_cell >= 0 else -1
                    else:
                        hit_cell = find_cell(place, eta, phi, lookup)
                    if hit_cell < 0:
                        outside[event] += share
                    elif entries[hit_cell] == 0:
                        cell[stop], sums[stop] = hit_cell, share
                        stop += 1
                        entries[hit_cell] = stop
                    else:
                        sums[entries[hit_cell] - 1] += share
        stop = _collect(cell, energy, start, stop, sums, entries)
        offsets[event + 1] = stop


@kernel()
def _collect(
    cell: Array, energy: Array, start: int, stop: int, sums: Array, entries: Array
) -> int:
    """Sort the cells of an event, take their sums, and clean the scratch; give the end."""
    sort_rows(cell, start, stop)
    position = start
    for entry in range(start, stop):
        row = cell[entry]
        value = np.float32(sums[entries[row] - 1])
        entries[row] = 0
        if value != 0.0:
            cell[position] = row
            energy[position] = value
            position += 1
    return position
