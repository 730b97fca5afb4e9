r"""The average shower against x = phi_hit - phi_cell, for showers with the same centre phase T.

phi_cell is the centre of the cell that holds the shower centre, folded by whole periods, so that
T lies within half a period of 0. A shower moves with T, while the modulation stays in place.

References:
    ATL-SOFT-PUB-2025-003, section 2.5, Figure 9(a).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.hits import Hits
from calovox.kernels import kernel
from calovox.phi_modulation.curve import Modulation, modulation_table
from calovox.phi_modulation.phases import PERIOD
from calovox.random_streams import Stream, event_keys, event_uniforms

__all__ = ["AverageProfile", "average_profile", "join_averages"]

_LAYER: Final = 2
_HALF_WIDTH: Final = 2.5
_BINS_PER_PERIOD: Final = 40


@dataclass(frozen=True)
class AverageProfile:
    """Mean energy of a shower in EMB2 against x, in bins of T.

    Attributes:
        edges: Borders in x in rad.
        phase_edges: Borders in T in rad, from minus to plus half a period.
        density: Energy over kinetic energy and over the width in x, per bin of T.
        n_showers: Placed showers in each bin of T.
    """

    edges: Float64[Array, " edge"]
    phase_edges: Float64[Array, " phase_edge"]
    density: Float64[Array, "phase bin"]
    n_showers: Int64[Array, " phase"]


def average_profile(
    hits: Hits, modulation: Modulation, *, copies: int, seed: int, n_phases: int = 5
) -> AverageProfile:
    """Average showers that are replayed at many azimuths.

    Args:
        hits: Hits with modulation.
        modulation: The generator's g.
        copies: How often each shower is placed.
        seed: Seed of the azimuths.
        n_phases: Bins in T.

    Returns:
        The average in each bin of T.
    """
    n_bins = int(2 * _HALF_WIDTH * _BINS_PER_PERIOD)
    table = modulation_table(modulation)[_LAYER]
    sums = np.zeros((n_phases, n_bins))
    counts = np.zeros(n_phases, dtype=np.int64)
    shifts = event_uniforms(event_keys(seed, Stream.PLACEMENT, hits.photons.index), copies)
    for event in range(len(hits)):
        rows = slice(hits.event_offsets[event], hits.event_offsets[event + 1])
        chosen = hits.layer[rows] == _LAYER
        phi, energy = hits.phi[rows][chosen], hits.energy[rows][chosen]
        photon = float(hits.photons.phi[event])
        _average_kernel(
            np.remainder(phi - photon + np.pi, 2.0 * np.pi) - np.pi,
            energy / hits.photons.energy[event],
            photon,
            shifts[event],
            table,
            _HALF_WIDTH,
            sums,
            counts,
        )
    edges = np.linspace(-_HALF_WIDTH, _HALF_WIDTH, n_bins + 1) * PERIOD
    return AverageProfile(
        edges=edges,
        phase_edges=np.linspace(-0.5, 0.5, n_phases + 1) * PERIOD,
        density=sums / np.maximum(counts, 1)[:, None] / (edges[1] - edges[0]),
        n_showers=counts,
    )


def join_averages(parts: Sequence[AverageProfile]) -> AverageProfile:
    """Average over the showers of several batches.

    Args:
        parts: At least one average, all with the same bins.

    Returns:
        The average over all showers.
    """
    counts = sum((part.n_showers for part in parts), np.zeros(len(parts[0].n_showers), np.int64))
    sums = sum(part.density * part.n_showers[:, None] for part in parts)
    density = sums / np.maximum(counts, 1)[:, None]
    return AverageProfile(parts[0].edges, parts[0].phase_edges, density, counts)


@kernel(error_model="numpy")
def _average_kernel(
    distance: Array,
    energy: Array,
    photon: float,
    shifts: Array,
    table: Array,
    half_width: float,
    sums: Array,
    counts: Array,
) -> None:
    """Add one event, placed at each of the shifts; distances are from the photon's azimuth."""
    period = 2.0 * np.pi / 1024.0
    n_phases, n_bins = sums.shape
    n_table = len(table)
    # the centre of the hits with their modulation, as of a shower that is measured
    total, moment = 0.0, 0.0
    for hit in range(len(energy)):
        total += energy[hit]
        moment += energy[hit] * distance[hit]
    center = moment / total if total > 0 else 0.0
    for shift in shifts:
        place = (photon + center) / period + shift
        phase = place - np.floor(place + 0.5)
        row = min(int((phase + 0.5) * n_phases), n_phases - 1)
        counts[row] += 1
        for hit in range(len(energy)):
            old = (photon + distance[hit]) / period
            x = phase + (distance[hit] - center) / period
            # divide by g where the hit was made, multiply by g where it is placed
            before = table[int((old - np.floor(old)) * n_table) % n_table]
            after = table[int((x - np.floor(x)) * n_table) % n_table]
            column = int(np.floor((0.5 * x / half_width + 0.5) * n_bins))
            if 0 <= column < n_bins:
                sums[row, column] += energy[hit] / before * after
