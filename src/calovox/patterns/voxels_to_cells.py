r"""Voxels become cells in one step, without hits in between.

The energies are those of `voxels_to_pattern_hits`, `apply_phi_modulation` if there are curves, and
`hits_to_cells` one after the other, but for the rounding of sums; what takes time there, hits that
are written and read again, is left out.

What does not depend on the showers is made once for each library and detector, as plain arrays: a
single shower takes no longer than Python needs for a few calls.
"""

from functools import lru_cache
from threading import local
from typing import Any, Final, NamedTuple

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.binned_shower.placement import describe_energy, photons_of
from calovox.geometry import CellTable, Detector, atlas_barrel
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.layers import (
    RadiusTables,
    fill_radii,
    layer_positions,
    radius_tables,
)
from calovox.geometry.lookup_kernel import (
    UNSURE,
    LookupParameters,
    fill_bins,
    find_bins,
    find_cell,
)
from calovox.geometry.sorting import sort_rows
from calovox.kernels import kernel
from calovox.patterns.choosing import CHOICE_TYPE, PlacementCounts, choose_patterns
from calovox.patterns.library import PatternLibrary
from calovox.patterns.placement import check_grid, place_layer
from calovox.patterns.tables import PatternTables, pattern_tables
from calovox.phi_modulation.curve import NO_FACTORS, HitFactors, PhiModulation, phase_bin
from calovox.phi_modulation.phases import has_ideal_centers
from calovox.random_streams import Stream, check_seed, event_key
from calovox.voxelization import Voxels

__all__ = ["voxels_to_cells"]

_SCRATCH: Final = local()
_STREAM: Final = np.uint64(Stream.PATTERNS)


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
    check_grid(voxels, library)
    cells = table if detector is None else detector.cells
    if phi_modulation is not None and not has_ideal_centers(cells):
        raise ValueError(
            f"cells '{cells.name}': expected centres at whole periods of the phi modulation, got "
            "others: make hits of the voxels first, with voxels_to_pattern_hits"
        )
    good, *columns, counts = _cells_kernel(
        check_seed(seed),
        _sums(len(table)),
        *_showers(voxels),
        *(NO_FACTORS if phi_modulation is None else phi_modulation.hit_factors),
        *_fixed(library, table, detector or atlas_barrel()),
    )
    if not good:
        raise ValueError(_describe(voxels))
    return CellEnergies.of_kernel(*columns), PlacementCounts(*counts)


def _showers(voxels: Voxels) -> tuple[Array, ...]:
    """Give columns of showers as plain arrays, of which the kernel checks the values."""
    if voxels.phi_center is None or voxels.index is None:
        photons_of(voxels)  # raises the error that says what is missing
    eta = voxels.eta_center if voxels.photon_eta is None else voxels.photon_eta
    phi = voxels.phi_center if voxels.photon_phi is None else voxels.photon_phi
    places = (voxels.incident_energy, voxels.eta_center, voxels.phi_center, eta, phi)
    return (
        np.ascontiguousarray(voxels.energy),
        np.ascontiguousarray(voxels.index, dtype=np.int64),
        *(np.ascontiguousarray(column, dtype=np.float64) for column in places),
    )


def _describe(voxels: Voxels) -> str:
    """Say what cannot be placed."""
    photons_of(voxels)  # raises the error that names the first photon of none
    for name in ("eta_center", "phi_center"):
        wrong = np.flatnonzero(~np.isfinite(getattr(voxels, name)))
        if len(wrong):
            return f"voxels: expected finite `{name}`, got others in event {wrong[0]}"
    return describe_energy(voxels)


class _Layers(NamedTuple):
    """Layers and voxels of a grid.

    Attributes:
        numbers: Layer numbers.
        in_table: Positions of the layers among those of the cells.
        edges: Borders of each voxel in r and alpha.
    """

    numbers: Int64[Array, " layer"]
    in_table: Int64[Array, " layer"]
    edges: Float64[Array, "voxel 4"]


@lru_cache(maxsize=4)
def _fixed(library: PatternLibrary, table: CellTable, detector: Detector) -> tuple[Any, ...]:
    """Give what is the same for all showers, one plain array after the other.

    Kernels take many arrays faster than tuples of them.
    """
    grid, numbers = library.grid, np.array(library.grid.numbers)
    layers = _Layers(
        numbers=numbers,
        in_table=layer_positions(numbers, table.positions),
        edges=grid.edges,
    )
    radii = radius_tables([detector.layers[i] for i in detector.positions(numbers)])
    return (*pattern_tables(library), *table.lookup().parameters, *layers, *radii)


def _sums(n_cells: int) -> Array:
    """Give zeros, the same ones at each call of a thread: kernels leave them as they were."""
    # new ones would cost a single shower as much as all else: memory is given page by page
    kept: Array | None = getattr(_SCRATCH, "sums", None)
    if kept is None or len(kept) < n_cells:
        kept = np.zeros(n_cells)
        _SCRATCH.sums = kept
    return kept


@kernel(error_model="numpy")
def _cells_kernel(seed: np.uint64, sums: Array, *arrays: Any) -> tuple[Any, ...]:
    """Make cells shower by shower; `sums`, zero, is scratch.

    Other arguments are those of `_showers`, the fields of `HitFactors`, and those of `_fixed`.
    Returns whether all can be placed, the columns of `CellEnergies`, those of `PlacementCounts`.
    """
    energy, index, incident_energy, eta_center, phi_center, photon_eta, photon_phi = arrays[:7]
    factors, tables = HitFactors(*arrays[7:11]), PatternTables(*arrays[11:29])
    cells, where = LookupParameters(*arrays[29:35]), _Layers(*arrays[35:38])
    positions = RadiusTables(*arrays[38:])
    radii = np.empty((index.size, positions.is_plane.size))
    fill_radii(eta_center, positions, radii)
    choices = np.empty(energy.shape[1], dtype=CHOICE_TYPE)
    numbers, energies = np.zeros(3, dtype=np.int64), np.zeros(3)
    offsets, outside = np.zeros(index.size + 1, dtype=np.int64), np.zeros(index.size)
    cell, cell_energy = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
    hits, bins, good = np.empty((3, 0), dtype=np.float32), np.empty((2, 0), dtype=np.int32), True
    for event in range(index.size):
        center = eta_center[event], phi_center[event]
        shower = incident_energy[event], abs(center[0])
        state = event_key(seed, _STREAM, index[event])
        state, n_choices, n_hits = choose_patterns(
            energy[event], shower, state, radii[event], tables, choices, (numbers, energies)
        )
        finite = np.isfinite(center[0] + center[1] + photon_eta[event] + photon_phi[event])
        good = good and n_choices >= 0 and finite and index[event] >= 0
        if not good:
            break
        start = offsets[event]
        if n_hits > bins.shape[1]:
            hits = np.empty((3, 2 * n_hits), dtype=np.float32)
            bins = np.empty((2, 2 * n_hits), dtype=np.int32)
        if start + n_hits >= cell.size:
            cell = _enlarged(cell, start, 2 * start + n_hits + 1)
            cell_energy = _enlarged(cell_energy, start, 2 * start + n_hits + 1)
        scratch = hits, bins, sums
        around = center[0], center[1], abs(photon_eta[event])
        stop, outside[event] = _add_shower(
            choices[:n_choices], state, around, radii[event], tables, cells, where, factors,
            scratch, cell, start,
        )  # fmt: skip
        offsets[event + 1] = _collect(cell, cell_energy, start, stop, sums)
    stop = offsets[-1]
    counts = numbers[0], numbers[1], numbers[2], energies[0], energies[1], energies[2]
    return good, cell[:stop].copy(), cell_energy[:stop].copy(), offsets, outside, counts


@kernel()
def _enlarged(column: Array, used: int, size: int) -> Array:
    larger = np.empty(size, dtype=column.dtype)
    larger[:used] = column[:used]
    return larger


@kernel(error_model="numpy")
def _add_shower(
    choices: Array,
    state: np.uint64,
    center: tuple[float, float, float],
    radii: Array,
    tables: PatternTables,
    cells: LookupParameters,
    where: _Layers,
    factors: HitFactors,
    scratch: tuple[Array, Array, Array],
    cell: Array,
    stop: int,
) -> tuple[int, float]:
    """Add a shower to the sums of its cells; give the end of their list, and what is outside."""
    hits, bins, sums = scratch
    eta, phi, energy = hits[0], hits[1], hits[2]
    place_in_eta, first, outside = 0, 0, 0.0
    for border in factors.eta_borders:
        place_in_eta += center[2] >= border
    for position in range(where.numbers.size):
        of_layer = center[0], center[1], radii[position]
        behind = tables.boundaries[position + 1]
        state, first, n_hits = place_layer(
            choices, first, behind, state, of_layer, tables, where.edges,
            tables.steps[position], (eta, phi, energy),
        )  # fmt: skip
        if factors.modulated:
            row = factors.rows[where.numbers[position]]
            _modulate(phi, energy, n_hits, factors.factors[place_in_eta, row], bins[0])
        place = where.in_table[position]
        stop, missed = _add_layer(hits, n_hits, place, cells, bins, sums, cell, stop)
        outside += missed
    return stop, outside


@kernel(error_model="numpy")
def _modulate(phi: Array, energy: Array, n_hits: int, curve: Array, bins: Array) -> None:
    for hit in range(n_hits):  # a loop of its own, of which the compiler makes vector instructions
        bins[hit] = phase_bin(phi[hit], curve.size)
    for hit in range(n_hits):
        energy[hit] = np.float32(energy[hit] * curve[bins[hit]])


@kernel(error_model="numpy")
def _add_layer(
    hits: Array,
    n_hits: int,
    place: int,
    cells: LookupParameters,
    bins: Array,
    sums: Array,
    cell: Array,
    stop: int,
) -> tuple[int, float]:
    """Add the hits of a layer to the sums of their cells, and list cells that had none."""
    eta, phi, energy = hits[0], hits[1], hits[2]
    grid, regular, first_rows, outside = cells.grids[place], cells.regular, cells.bins, 0.0
    edges = (grid.bins_per_eta, grid.first_bin, grid.n_eta, grid.n_phi)
    if regular:
        fill_bins(eta, phi, n_hits, edges, bins[0], bins[1])
    for hit in range(n_hits):
        share = energy[hit]
        if regular:
            i, j = bins[0, hit], bins[1, hit]
            if i == UNSURE:
                i, j = find_bins(eta[hit], phi[hit], *edges)
            row = first_rows[grid.offset + i] if i >= 0 else -1
            row = row + j if row >= 0 else -1
        else:
            row = find_cell(place, eta[hit], phi[hit], cells)
        if row < 0:
            outside += share
            continue
        before = sums[row]
        sums[row] = before + share
        cell[stop] = row  # without a branch, which could not be foreseen
        stop += (before == 0.0) & (share > 0.0)
    return stop, outside


@kernel(error_model="numpy")
def _collect(cell: Array, energy: Array, start: int, stop: int, sums: Array) -> int:
    """Sort the cells of an event, take their sums, and clean these; give the end."""
    sort_rows(cell, start, stop)
    position = start
    for entry in range(start, stop):
        row = cell[entry]
        value = np.float32(sums[row])
        sums[row] = 0.0
        if value != 0.0:  # a sum too small for single precision
            cell[position] = row
            energy[position] = value
            position += 1
    return position
