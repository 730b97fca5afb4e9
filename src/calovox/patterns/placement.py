r"""Voxels become hits where patterns of Geant4 showers have their deposits.

`calovox.patterns.choosing` says which pattern a voxel takes. The deposits of the pattern share the
voxel's energy, each at its place around the shower centre. Where a step of the density of the
library runs through a voxel, deposits beyond it count as many times as it says, in the choice of
the pattern too. An event's hits depend on the seed, its voxels and its index, not on its batch.
"""

import numpy as np

from calovox.arrays import Array
from calovox.binned_shower.placement import describe_energy, photons_of
from calovox.geometry import Detector, atlas_barrel
from calovox.geometry.single_precision import phi_in_single_precision, sine_and_cosine
from calovox.hits import Hits
from calovox.kernels import kernel
from calovox.patterns.candidates import has_both_sides
from calovox.patterns.choosing import CHOICE_TYPE, PlacementCounts, choose_patterns
from calovox.patterns.library import STEPS, PatternLibrary
from calovox.patterns.tables import PatternTables, pattern_tables
from calovox.random_streams import Stream, event_keys, next_uniform
from calovox.voxelization import Voxels

__all__ = ["check_grid", "place_layer", "voxels_to_pattern_hits"]


def voxels_to_pattern_hits(
    voxels: Voxels, library: PatternLibrary, *, seed: int, detector: Detector | None = None
) -> tuple[Hits, PlacementCounts]:
    """Place hits in the voxels of showers by patterns.

    Args:
        voxels: Showers with centre and index.
        library: Patterns of the voxels' grid.
        seed: Seed of the run.
        detector: Where the layers lie; the built-in barrel by default.

    Returns:
        Hits around the shower centres, at the mean radii of their layers, and how voxels were
        placed. Photons are those of the voxels, or point to the shower centre if the voxels have
        none.

    Raises:
        ValueError: If the voxels have no phi of the centre, no index, energies that are negative
            or not finite, or another grid than the library; or the detector lacks a layer of the
            grid.
    """
    photons = photons_of(voxels)
    check_grid(voxels, library)
    energy, tables = np.ascontiguousarray(voxels.energy), pattern_tables(library)
    eta, phi = np.ascontiguousarray(voxels.eta_center), np.ascontiguousarray(voxels.phi_center)
    radii = (detector or atlas_barrel()).radii(eta, voxels.grid.numbers)
    state = event_keys(seed, Stream.PATTERNS, photons.index)
    choices = np.empty(energy.shape, dtype=CHOICE_TYPE)
    n_choices, offsets = np.zeros((2, len(voxels) + 1), dtype=np.int64)
    counts = np.zeros(3, dtype=np.int64), np.zeros(3)
    showers = energy, photons.energy, np.abs(eta), radii
    if not _choose_kernel(showers, state, tables, choices, n_choices, offsets, counts):
        raise ValueError(describe_energy(voxels))
    n_hits = int(offsets[-1])
    columns = np.empty((4, n_hits), dtype=np.float32)
    layer = np.empty(n_hits, dtype=np.uint8)
    numbers = np.array(voxels.grid.numbers, dtype=np.uint8)
    where = eta, phi, radii, voxels.grid.layer_boundaries, voxels.grid.edges
    _fill_kernel(where, state, tables, choices, n_choices, offsets, numbers, layer, columns)
    eta_hit, phi_hit, r_hit, energy_hit = columns
    hits = Hits(layer, eta_hit, phi_hit, r_hit, energy_hit, offsets, photons)
    return hits, PlacementCounts(*counts[0].tolist(), *counts[1].tolist())


def check_grid(voxels: Voxels, library: PatternLibrary) -> None:
    """Refuse patterns of another grid.

    Args:
        voxels: Showers.
        library: The patterns.

    Raises:
        ValueError: If the voxels have another grid.
    """
    if library.grid != voxels.grid:
        raise ValueError(
            f"patterns: expected those of the voxels' grid ({voxels.grid.n_voxels} voxels), got "
            f"those of another one ({library.grid.n_voxels} voxels)"
        )


@kernel(error_model="numpy")
def place_layer(
    choices: Array,
    start: int,
    stop: int,
    state: np.uint64,
    center: tuple[float, float, float],
    tables: PatternTables,
    edges: Array,
    steps: Array,
    hits: tuple[Array, Array, Array],
) -> tuple[np.uint64, int, int]:
    """Place the hits of a layer of one shower, inside a compiled kernel.

    Args:
        choices: What the voxels of the shower chose.
        start: The first choice that may lie in the layer.
        stop: The first voxel behind the layer.
        state: State of the event's stream behind the choices.
        center: Eta and phi of the shower centre, and the radius of the layer in mm.
        tables: The patterns.
        edges: Borders of each voxel in r and alpha.
        steps: Those of the layer in `PatternTables`.
        hits: Eta, phi and energy, filled from the first place on.

    Returns:
        The new state, the first choice behind the layer, and the number of hits.
    """
    eta, phi, energy = hits
    first = start
    side, per_mm, hit = np.float32(-1.0 if center[0] < 0.0 else 1.0), 1.0 / center[2], 0
    while start < choices.size and choices[start].voxel < stop:
        choice = choices[start]
        start += 1
        if choice.first < 0:
            for _ in range(choice.number):
                state, along, across = _anywhere(state, edges[choice.voxel])
                eta[hit], phi[hit] = side * along * per_mm, across * per_mm
                energy[hit] = choice.energy
                hit += 1
            continue
        voxel, scale = tables.voxels[choice.voxel], choice.energy
        cosine, sine = np.float32(voxel.cosine * per_mm), np.float32(voxel.sine * per_mm)
        # a mirror image has the deposits on the other side of the voxel's middle
        along_cosine, across_sine = side * cosine, side * choice.mirror * sine
        across_cosine, r_0, d_r, circle = choice.mirror * cosine, voxel.r, voxel.d_r, voxel.circle
        for row in range(choice.first, choice.first + choice.number):
            deposit = tables.deposits[row]
            r = r_0 + np.float32(deposit & np.uint32(255)) * d_r
            byte = (deposit >> np.uint32(8)) & np.uint32(255)
            along, across = r * tables.angles[circle, byte, 0], r * tables.angles[circle, byte, 1]
            eta[hit] = along * along_cosine - across * across_sine
            phi[hit] = along * sine + across * across_cosine
            energy[hit] = tables.weights[deposit >> np.uint32(16)] * scale
            hit += 1
    # from the centre on: a loop of its own, of which the compiler makes vector instructions
    for place in range(hit):
        eta[place] = np.float32(center[0] + eta[place])
        phi[place] = phi_in_single_precision(center[1] + phi[place])
    for step in steps:
        _take_step(choices[first:start], center, tables, step, eta, energy)
    return state, start, hit


@kernel(error_model="numpy")
def _take_step(
    choices: Array,
    center: tuple[float, float, float],
    tables: PatternTables,
    step: Array,
    eta: Array,
    energy: Array,
) -> None:
    """Let the deposits of voxels on both sides of a step know of it."""
    end = 0
    for choice in choices:
        begin, end = end, end + choice.number
        if not has_both_sides(choice.voxel, abs(center[0]), center[2], step[0], tables):
            continue
        total = beyond = 0.0
        for hit in range(begin, end):
            total += energy[hit]
            beyond += energy[hit] * (abs(eta[hit]) >= step[0])
        if not 0.0 < beyond < total:
            continue
        before = total / (total + (step[1] - 1.0) * beyond)
        for hit in range(begin, end):
            energy[hit] *= np.float32(before * step[1] if abs(eta[hit]) >= step[0] else before)


@kernel(forceinline=True)
def _anywhere(state: np.uint64, edges: Array) -> tuple[np.uint64, float, float]:
    """Draw a place in a voxel, in mm along eta and phi: one of those that deposits have."""
    state, u = next_uniform(state)
    r = edges[0] + (int(STEPS * u) + 0.5) / STEPS * (edges[1] - edges[0])
    state, u = next_uniform(state)
    alpha = edges[2] + (int(STEPS * u) + 0.5) / STEPS * (edges[3] - edges[2])
    sine, cosine = sine_and_cosine(alpha)
    return state, r * cosine, r * sine


@kernel()
def _choose_kernel(
    showers: tuple[Array, Array, Array, Array],
    state: Array,
    tables: PatternTables,
    choices: Array,
    n_choices: Array,
    offsets: Array,
    counts: tuple[Array, Array],
) -> bool:
    """Fill in choices and states; False if an energy is negative or not finite."""
    energy, incident_energy, abs_eta, radii = showers
    for event in range(energy.shape[0]):
        shower = incident_energy[event], abs_eta[event]
        state[event], n_chosen, n_hits = choose_patterns(
            energy[event], shower, state[event], radii[event], tables, choices[event], counts
        )
        if n_chosen < 0:
            return False
        n_choices[event] = n_chosen
        offsets[event + 1] = offsets[event] + n_hits
    return True


@kernel()
def _fill_kernel(
    where: tuple[Array, Array, Array, Array, Array],
    state: Array,
    tables: PatternTables,
    choices: Array,
    n_choices: Array,
    offsets: Array,
    numbers: Array,
    layer: Array,
    columns: Array,
) -> None:
    eta_center, phi_center, radii, boundaries, edges = where
    eta, phi, r, energy = columns[0], columns[1], columns[2], columns[3]
    for event in range(choices.shape[0]):
        chosen, first, hit = choices[event, : n_choices[event]], 0, offsets[event]
        for position in range(numbers.size):
            radius = radii[event, position]
            center, stop = (eta_center[event], phi_center[event], radius), boundaries[position + 1]
            state[event], first, n_hits = place_layer(
                chosen, first, stop, state[event], center, tables, edges,
                tables.steps[position], (eta[hit:], phi[hit:], energy[hit:]),
            )  # fmt: skip
            layer[hit : hit + n_hits] = numbers[position]
            r[hit : hit + n_hits] = radius
            hit += n_hits
