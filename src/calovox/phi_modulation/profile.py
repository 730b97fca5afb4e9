r"""Energy of each shower against the phase of its hits: all that the fit needs to know.

For event i the profile H[i, l, b] is the energy of the hits of layer l whose phase Y falls into
bin b, over the kinetic energy. Corrected by curves g it gives the layer energies
E[i, l] = sum_b H[i, l, b] / g[l, b], so that no hit is read twice.

The phase T of a shower is that of its centre in its cell of EMB2.

A shower of the built-in barrel can be replayed at many azimuths: the modulation is a known
function at the generator, hence a hit that moves from phase Y to Y' carries the energy
E g(Y') / g(Y). A few Geant4 showers then cover all phases.
"""

from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.geometry import CellTable
from calovox.hits import Hits
from calovox.kernels import kernel
from calovox.phi_modulation.curve import (
    MODULATED_LAYERS,
    N_BINS,
    TABLE_BINS,
    Modulation,
    curve_rows,
    modulation_table,
)
from calovox.phi_modulation.phases import PERIOD, center_phases, phi_in_cells
from calovox.random_streams import Stream, event_keys, event_uniforms

__all__ = ["PhaseProfiles", "concatenate_profiles", "hits_to_profiles", "replay_profiles"]

_N_LAYERS = len(MODULATED_LAYERS)


@dataclass(frozen=True)
class PhaseProfiles:
    """Profiles of many showers.

    Attributes:
        energy: H: energy over kinetic energy, by layer of `MODULATED_LAYERS` and phase of its
            hits.
        center_phase: T: phase of the shower centre in rad.
        abs_eta: Absolute pseudorapidity of the photon.
        kinetic_energy: Kinetic energy of the photon in MeV.
        shower: Index of the Geant4 event; replays of one event share it.
    """

    energy: Float64[Array, "event layer bin"]
    center_phase: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"]
    kinetic_energy: Float64[Array, " event"]
    shower: Int64[Array, " event"]

    def __len__(self) -> int:
        return len(self.center_phase)

    def __getitem__(self, chosen: Array) -> "PhaseProfiles":
        return PhaseProfiles(
            self.energy[chosen],
            self.center_phase[chosen],
            self.abs_eta[chosen],
            self.kinetic_energy[chosen],
            self.shower[chosen],
        )


def concatenate_profiles(parts: list[PhaseProfiles]) -> PhaseProfiles:
    """Join profiles of several batches, in order."""
    return PhaseProfiles(
        np.concatenate([part.energy for part in parts]),
        np.concatenate([part.center_phase for part in parts]),
        np.concatenate([part.abs_eta for part in parts]),
        np.concatenate([part.kinetic_energy for part in parts]),
        np.concatenate([part.shower for part in parts]),
    )


@kernel(error_model="numpy")
def _replay_kernel(
    layer: Array,
    phi: Array,
    in_cell: Array,
    energy: Array,
    rows: Array,
    shifts: Array,
    tables: Array,
    profiles: Array,
    moments: Array,
    phi_photon: float,
) -> None:
    """Fill profiles[copy, layer, bin] and moments[copy] = (sum E, sum E (phi - phi_photon))."""
    n_table = tables.shape[1]
    n_bins = profiles.shape[2]
    to_table = n_table * 1024.0 / (2.0 * np.pi)
    for hit in range(len(energy)):
        row = rows[layer[hit]]
        distance = phi[hit] - phi_photon
        distance -= 2.0 * np.pi * np.rint(distance / (2.0 * np.pi))
        # half a turn more, 512 periods: above 0, so that truncation and `%` find the phase
        place = in_cell[hit] * to_table + 512 * n_table
        bare = energy[hit] / tables[row, int(place) % n_table]
        for copy in range(len(shifts)):
            # phases count in bins of the table, so that a shift by whole periods changes nothing
            moved = int(place + shifts[copy] * n_table) % n_table
            value = bare * tables[row, moved]
            moments[copy, 0] += value
            moments[copy, 1] += value * distance
            if row < profiles.shape[1]:
                profiles[copy, row, moved * n_bins // n_table] += value


def hits_to_profiles(
    hits: Hits, *, n_bins: int = N_BINS, cells: CellTable | None = None
) -> PhaseProfiles:
    """Histogram the hits of each event in the phase.

    Args:
        hits: Hits with modulation.
        n_bins: Bins per period; a divisor of 4096 keeps bin edges exact, any other number moves
            them by at most 1 / 4096 of a period.
        cells: The cells of the detector; None for the built-in barrel.

    Returns:
        One profile per event.
    """
    flat = np.ones((_N_LAYERS + 1, TABLE_BINS))
    shifts = np.zeros((len(hits), 1))
    return _replay(hits, shifts, flat, n_bins, cells)


def replay_profiles(
    hits: Hits,
    modulation: Modulation,
    *,
    copies: int,
    seed: int,
    n_bins: int = N_BINS,
) -> PhaseProfiles:
    """Histogram each event at many azimuths, one at random in each of equal parts of the period.

    Args:
        hits: Hits with modulation.
        modulation: The generator's g, for a layer number and phases in rad.
        copies: How often each shower is placed.
        seed: Seed of the azimuths.
        n_bins: Bins per period.

    Returns:
        ``copies`` profiles per event, event by event.

    Raises:
        ValueError: If ``copies`` is below 1.
    """
    if copies < 1:
        raise ValueError(f"copies: expected at least 1, got {copies}")
    keys = event_keys(seed, Stream.PLACEMENT, hits.photons.index)
    shifts = (np.arange(copies) + event_uniforms(keys, copies)) / copies
    return _replay(hits, shifts, modulation_table(modulation), n_bins)


def _replay(
    hits: Hits,
    shifts: Float64[Array, "event copy"],
    tables: Array,
    n_bins: int,
    cells: CellTable | None = None,
) -> PhaseProfiles:
    n_events, copies = shifts.shape
    energy = np.zeros((n_events, copies, _N_LAYERS, n_bins))
    center = np.zeros((n_events, copies))
    curves = curve_rows()
    in_cells = phi_in_cells(hits.layer, hits.eta, hits.phi, cells)
    for event in range(n_events):
        rows = slice(hits.event_offsets[event], hits.event_offsets[event + 1])
        moments = np.zeros((copies, 2))
        phi_photon = float(hits.photons.phi[event])
        _replay_kernel(
            hits.layer[rows],
            hits.phi[rows],
            in_cells[rows],
            hits.energy[rows],
            curves,
            shifts[event],
            tables,
            energy[event],
            moments,
            phi_photon,
        )
        energy[event] /= hits.photons.energy[event]
        mean = np.divide(
            moments[:, 1], moments[:, 0], where=moments[:, 0] > 0, out=np.zeros(copies)
        )
        center[event] = phi_photon + mean + shifts[event] * PERIOD
    return PhaseProfiles(
        energy=energy.reshape(-1, _N_LAYERS, n_bins),
        center_phase=center_phases(np.repeat(hits.photons.eta, copies), center.ravel(), cells),
        abs_eta=np.repeat(np.abs(hits.photons.eta), copies),
        kinetic_energy=np.repeat(hits.photons.energy, copies),
        shower=np.repeat(hits.photons.index, copies),
    )
