r"""Voxels become hits where patterns of Geant4 showers have their deposits.

`calovox.patterns.choosing` says which pattern a voxel takes. The deposits of the pattern share the
voxel's energy, each at its place around the shower centre. An event's hits depend on the seed, its
voxels and its index, not on its batch.
"""

from typing import Any

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

__all__ = ["place_anywhere", "place_deposit", "voxels_to_pattern_hits"]


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
def place_deposit(
    along: float, across: float, turn: tuple[float, float], around: tuple[float, float, float]
) -> tuple[Any, Any]:
    """Place one deposit of a pattern, inside a compiled kernel.

    Args:
        along: Its place in mm, towards the middle of the voxel.
        across: Its place in mm, at a right angle to that; negative in a mirror image.
        turn: Cosine and sine of the middle of the voxel in alpha, over the radius of the layer.
        around: Eta and phi of the shower centre, and 1 or -1 for positive or negative eta.

    Returns:
        Pseudorapidity, and azimuth in rad.
    """
    eta = around[0] + around[2] * (along * turn[0] - across * turn[1])
    phi = around[1] + (along * turn[1] + across * turn[0])
    return np.float32(eta), phi_in_single_precision(phi)


@kernel(inline="always")
def place_anywhere(
    state: np.uint64, edges: Array, radius: float, around: tuple[float, float, float]
) -> tuple[np.uint64, Any, Any]:
    """Place one hit uniformly in r and alpha, inside a compiled kernel.

    It takes one of the places that deposits of patterns have.

    Args:
        state: State of the event's stream.
        edges: Borders of the voxel in r and alpha.
        radius: Distance of the shower centre from the beam axis in mm.
        around: As in `place_deposit`.

    Returns:
        The new state, pseudorapidity, and azimuth in rad.
    """
    state, u = next_uniform(state)
    r = edges[0] + (int(STEPS * u) + 0.5) / STEPS * (edges[1] - edges[0])
    state, u = next_uniform(state)
    alpha = edges[2] + (int(STEPS * u) + 0.5) / STEPS * (edges[3] - edges[2])
    sine, cosine = sine_and_cosine(alpha)
    turn = (cosine / radius, sine / radius)
    eta, phi = place_deposit(r, 0.0, turn, around)
    return state, eta, phi


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
    # taken apart once: to hand arrays on costs more than to place a deposit
    eta_center, phi_center, radii = placing.centers
    energies, chosen, edges = placing.energy, placing.chosen, placing.edges
    cosines, sines = placing.tables.cosine, placing.tables.sine
    first_deposit, deposits = placing.tables.first_deposit, placing.tables.deposits
    for event in range(energies.shape[0]):
        state, hit = placing.state[event], offsets[event]
        around = (eta_center[event], phi_center[event], -1.0 if eta_center[event] < 0.0 else 1.0)
        for position in range(numbers.size):
            radius, start = radii[event, position], hit
            for voxel in range(placing.boundaries[position], placing.boundaries[position + 1]):
                code = chosen[event, voxel]
                if code == NO_ENERGY:
                    continue
                energy = energies[event, voxel] * placing.incident_energy[event]
                if code == NO_PATTERN:
                    n_hits = hit_count(energy, HIT_ENERGY, MAX_HITS)
                    for _ in range(n_hits):
                        state, eta[hit], phi[hit] = place_anywhere(
                            state, edges[voxel], radius, around
                        )
                        share[hit] = energy / n_hits
                        hit += 1
                    continue
                turn = (cosines[voxel] / radius, sines[voxel] / radius)
                mirror = -1.0 if code % 2 else 1.0
                for row in range(first_deposit[code // 2], first_deposit[code // 2 + 1]):
                    across = mirror * deposits[row, 1]
                    eta[hit], phi[hit] = place_deposit(deposits[row, 0], across, turn, around)
                    share[hit] = deposits[row, 2] * energy
                    hit += 1
            layer[start:hit] = numbers[position]
            r[start:hit] = radius
