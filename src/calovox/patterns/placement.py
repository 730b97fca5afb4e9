r"""Voxels become hits where patterns of Geant4 showers have their deposits.

`calovox.patterns.choosing` says which pattern a voxel takes. The deposits of the pattern share the
voxel's energy, each at its place around the shower centre. An event's hits depend on the seed, its
voxels and its index, not on its batch.
"""

import numpy as np

from calovox.arrays import Array
from calovox.binned_shower.hit_energy import hit_count
from calovox.binned_shower.placement import photons_of
from calovox.geometry import Detector
from calovox.geometry.single_precision import phi_in_single_precision, sine_and_cosine
from calovox.hits import Hits
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
from calovox.patterns.library import STEPS, PatternLibrary
from calovox.random_streams import next_uniform
from calovox.voxelization import Voxels

__all__ = ["place_voxel", "voxels_to_pattern_hits"]


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
    placing, offsets, counts = choose_patterns(voxels, library, seed=seed, detector=detector)
    n_hits = int(offsets[-1])
    eta, phi, r, energy = np.empty((4, n_hits), dtype=np.float32)
    layer = np.empty(n_hits, dtype=np.uint8)
    numbers = np.array(voxels.grid.numbers, dtype=np.uint8)
    _fill_kernel(placing, numbers, offsets, layer, eta, phi, r, energy)
    hits = Hits(layer, eta, phi, r, energy, event_offsets=offsets, photons=photons)
    return hits, counts


@kernel(inline="always")
def _place_anywhere(
    state: np.uint64,
    edges: Array,
    around: tuple[float, float, float],
    start: int,
    stop: int,
    eta: Array,
    phi: Array,
) -> np.uint64:
    """Place hits uniformly in r and alpha, on the places that deposits of patterns have."""
    side = -1.0 if around[0] < 0.0 else 1.0
    for hit in range(start, stop):
        state, u = next_uniform(state)
        r = edges[0] + (int(STEPS * u) + 0.5) / STEPS * (edges[1] - edges[0])
        state, u = next_uniform(state)
        alpha = edges[2] + (int(STEPS * u) + 0.5) / STEPS * (edges[3] - edges[2])
        sine, cosine = sine_and_cosine(alpha)
        eta[hit] = around[0] + side * (r * cosine / around[2])
        phi[hit] = phi_in_single_precision(around[1] + r * sine / around[2])
    return state


@kernel(inline="always")
def place_voxel(
    placing: Placing,
    event: int,
    voxel: int,
    around: tuple[float, float, float],
    state: np.uint64,
    start: int,
    eta: Array,
    phi: Array,
    share: Array,
) -> tuple[np.uint64, int]:
    """Place the hits of one voxel, inside a compiled kernel.

    Args:
        placing: The batch.
        event: Position of the event.
        voxel: Number of the voxel.
        around: Eta and phi of the shower centre, and the radius of its layer.
        state: State of the event's stream.
        start: Row of the first hit.
        eta: Filled with pseudorapidities, in single precision.
        phi: Filled with azimuths in rad, in single precision.
        share: Filled with energies in MeV, in single precision.

    Returns:
        The state of the stream, and the row behind the last hit.
    """
    code = placing.chosen[event, voxel]
    if code == NO_ENERGY:
        return state, start
    energy = placing.energy[event, voxel] * placing.incident_energy[event]
    if code == NO_PATTERN:
        stop = start + hit_count(energy, HIT_ENERGY, MAX_HITS)
        state = _place_anywhere(state, placing.edges[voxel], around, start, stop, eta, phi)
        share[start:stop] = energy / (stop - start)
        return state, stop
    tables = placing.tables
    first, last = tables.first_deposit[code // 2], tables.first_deposit[code // 2 + 1]
    side, mirror = -1.0 if around[0] < 0.0 else 1.0, -1.0 if code % 2 else 1.0
    cosine, sine = tables.cosine[voxel] / around[2], tables.sine[voxel] / around[2]
    for deposit in range(first, last):
        hit = start + deposit - first
        along, across = tables.deposits[deposit, 0], mirror * tables.deposits[deposit, 1]
        eta[hit] = around[0] + side * (along * cosine - across * sine)
        phi[hit] = phi_in_single_precision(around[1] + (along * sine + across * cosine))
        share[hit] = tables.deposits[deposit, 2] * energy
    return state, start + last - first


@kernel()
def _fill_kernel(
    placing: Placing,
    numbers: Array,
    offsets: Array,
    layer: Array,
    eta: Array,
    phi: Array,
    r: Array,
    share: Array,
) -> None:
    eta_center, phi_center, radii = placing.centers
    for event in range(placing.energy.shape[0]):
        state, start = placing.state[event], offsets[event]
        for position in range(numbers.size):
            around = (eta_center[event], phi_center[event], radii[event, position])
            stop = start
            for voxel in range(placing.boundaries[position], placing.boundaries[position + 1]):
                state, stop = place_voxel(
                    placing, event, voxel, around, state, stop, eta, phi, share
                )
            layer[start:stop] = numbers[position]
            r[start:stop] = around[2]
            start = stop
