r"""Which pattern each voxel takes.

A voxel takes one of the six patterns of its radial bin whose energies are nearest to its own,
three on either side, among those of showers of nearly the same energy (`PatternLibrary`): with i
patterns below the voxel's energy and a uniform number u, number i - 3 + floor(6 u), or the first
or last one beyond them. It takes the pattern's mirror image if the rest of 6 u is below 1/2.

A voxel whose energy is not among those of its patterns at this energy of the shower takes patterns
of the nearest energy of showers where it is: what one track leaves in a voxel looks alike at all
energies. If there is none, the nearest energy of showers with any pattern of the voxel counts. A
voxel that has no pattern at any energy gets the note's hits of 4 MeV, anywhere in it. What is not
placed by patterns of the shower's own energy is counted.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from calovox.arrays import Array, Int64
from calovox.binned_shower import HitEnergy
from calovox.binned_shower.hit_energy import hit_count
from calovox.binned_shower.placement import centers_of, describe_energy
from calovox.geometry import Detector, atlas_barrel
from calovox.kernels import kernel
from calovox.patterns.library import PatternLibrary, PatternTables
from calovox.random_streams import Stream, event_keys, next_uniform
from calovox.voxelization import Voxels

__all__ = [
    "HIT_ENERGY",
    "MAX_HITS",
    "NO_ENERGY",
    "NO_PATTERN",
    "PlacementCounts",
    "Placing",
    "choose_patterns",
]

CHOICES: Final = 6
"""Patterns that a voxel chooses from."""

NO_ENERGY: Final = -1
NO_PATTERN: Final = -2
"""What stands for no pattern in `Placing.chosen`."""

HIT_ENERGY: Final = HitEnergy().default
MAX_HITS: Final = HitEnergy().max_hits
"""The hits of a voxel without patterns."""


@dataclass(frozen=True)
class PlacementCounts:
    """How voxels with energy were placed.

    Attributes:
        n_voxels: Voxels with energy.
        n_lent: Those that took patterns of another energy of the shower.
        n_without: Those that have no pattern, and got hits anywhere in them.
        energy: Energy of all in MeV.
        energy_lent: Energy of those that took patterns of another energy in MeV.
        energy_without: Energy of those without a pattern in MeV.
    """

    n_voxels: int = 0
    n_lent: int = 0
    n_without: int = 0
    energy: float = 0.0
    energy_lent: float = 0.0
    energy_without: float = 0.0

    def __add__(self, other: "PlacementCounts") -> "PlacementCounts":
        """Count both."""
        mine, theirs = vars(self), vars(other)
        return PlacementCounts(**{name: mine[name] + theirs[name] for name in mine})

    def __str__(self) -> str:
        """Say in one line which energy had no pattern of its own."""
        lent, without = (
            100.0 * part / self.energy if self.energy > 0 else 0.0
            for part in (self.energy_lent, self.energy_without)
        )
        return (
            f"{lent:.2g} % of the energy by patterns of showers of another energy, "
            f"{without:.2g} % without patterns"
        )


class Placing(NamedTuple):
    """What kernels need to place the voxels of a batch.

    Attributes:
        energy: Energy of each voxel as a fraction of the shower's.
        incident_energy: Energy of each shower in MeV.
        centers: Eta and phi of each shower centre, and its radius in each layer of the grid.
        boundaries: First voxel of each layer, and the number of voxels behind them.
        edges: Borders of each voxel in r and alpha.
        chosen: Twice the number of each voxel's pattern, one more for its mirror image; or
            `NO_ENERGY`, or `NO_PATTERN`.
        state: State of each event's stream behind the choices.
        tables: The patterns.
    """

    energy: Array
    incident_energy: Array
    centers: tuple[Array, Array, Array]
    boundaries: Array
    edges: Array
    chosen: Array
    state: Array
    tables: PatternTables


def choose_patterns(
    voxels: Voxels, library: PatternLibrary, *, seed: int, detector: Detector | None = None
) -> tuple[Placing, Int64[Array, " offset"], PlacementCounts]:
    """Choose a pattern for each voxel with energy.

    Args:
        voxels: Showers with centre and index.
        library: Patterns of the voxels' grid.
        seed: Seed of the run.
        detector: Where the layers lie; the built-in barrel by default.

    Returns:
        What kernels need, where the hits of each event end, and how voxels are placed.

    Raises:
        ValueError: If the voxels have energies that are negative or not finite, or another grid
            than the library; or the detector lacks a layer of the grid.
    """
    grid = voxels.grid
    if library.grid != grid:
        raise ValueError(
            f"patterns: expected those of the voxels' grid ({grid.n_voxels} voxels), got those of "
            f"another one ({library.grid.n_voxels} voxels)"
        )
    assert voxels.index is not None  # checked with the photons
    placing = Placing(
        energy=np.ascontiguousarray(voxels.energy),
        incident_energy=np.ascontiguousarray(voxels.incident_energy),
        centers=centers_of(voxels, detector or atlas_barrel()),
        boundaries=grid.layer_boundaries,
        edges=grid.edges,
        chosen=np.empty(voxels.energy.shape, dtype=np.int64),
        state=event_keys(seed, Stream.PATTERNS, voxels.index),
        tables=library.tables,
    )
    offsets = np.zeros(len(voxels) + 1, dtype=np.int64)
    numbers, energies = np.zeros(3, dtype=np.int64), np.zeros(3)
    nearest = library.nearest_energy(placing.incident_energy)
    if not _choose_kernel(placing, nearest, offsets, numbers, energies):
        raise ValueError(describe_energy(voxels))
    return placing, offsets, PlacementCounts(*numbers.tolist(), *energies.tolist())


@kernel(inline="always")
def _choose(u: float, energy: float, first: int, number: int, tables: PatternTables) -> int:
    """Choose among the patterns nearest in energy; give the place among them all."""
    low, high = first, first + number
    while low < high:
        middle = (low + high) // 2
        if tables.energy[middle] < energy:
            low = middle + 1
        else:
            high = middle
    place = low - CHOICES // 2 + int(CHOICES * u)
    return min(max(place, first), first + number - 1)


@kernel(inline="always")
def _find_energy(energy: float, stored: int, voxel: int, tables: PatternTables) -> int:
    """Find the stored energy whose patterns a voxel takes; -1 for none."""
    found = -1
    for step in range(2 * tables.number.shape[0]):  # in the order 0, -1, 1, -2, 2
        distance = (step + 1) // 2
        place = stored - distance if step % 2 else stored + distance
        if place < 0 or place >= tables.number.shape[0] or tables.number[place, voxel] == 0:
            continue
        if found < 0:
            found = place
        first = tables.first[place, voxel]
        last = first + tables.number[place, voxel] - 1
        if tables.energy[first] <= energy <= tables.energy[last]:
            found = place
            break
    return found


@kernel()
def _choose_kernel(
    placing: Placing, nearest: Array, offsets: Array, numbers: Array, energies: Array
) -> bool:
    """Fill in choices, states and offsets; False if an energy is negative or not finite."""
    tables = placing.tables
    for event in range(placing.energy.shape[0]):
        state, stored, n_hits = placing.state[event], nearest[event], 0
        for voxel in range(placing.energy.shape[1]):
            fraction = placing.energy[event, voxel]
            if not 0.0 <= fraction < np.inf:
                return False
            placing.chosen[event, voxel] = NO_ENERGY
            energy = fraction * placing.incident_energy[event]
            if energy == 0.0:
                continue
            state, u = next_uniform(state)
            own, kind = _find_energy(energy, stored, voxel, tables), 0
            if own < 0:
                placing.chosen[event, voxel] = NO_PATTERN
                n_hits += hit_count(energy, HIT_ENERGY, MAX_HITS)
                kind = 2
            else:
                number = tables.number[own, voxel]
                pattern = _choose(u, energy, tables.first[own, voxel], number, tables)
                mirrored = CHOICES * u - int(CHOICES * u) < 0.5
                placing.chosen[event, voxel] = 2 * pattern + mirrored
                n_hits += tables.first_deposit[pattern + 1] - tables.first_deposit[pattern]
                kind = 1 if own != stored else 0
            numbers[0] += 1
            energies[0] += energy
            if kind > 0:
                numbers[kind] += 1
                energies[kind] += energy
        placing.state[event] = state
        offsets[event + 1] = offsets[event] + n_hits
    return True
