r"""Which pattern each voxel takes.

A voxel takes one of the 12 patterns of its key whose energies are nearest to its own, six on
either side, as it is or mirrored: the one whose neighbours were most like its own
(`calovox.patterns.candidates`). One random number decides where they are equally so. The key is
the radial bin, the stored energy nearest to the shower's in log energy, and the range of abs(eta)
of the shower's centre (`PatternLibrary`).

A voxel whose energy is not among those of its key takes patterns of the nearest key where it is:
what one track leaves in a voxel looks alike at all energies. Keys of the same energy of the shower
are nearer than those of another one. If there is none, the nearest key with any pattern counts. A
voxel that has no pattern in any key gets the note's hits of 4 MeV, anywhere in it. What is not
placed by patterns of the voxel's own key is counted.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array
from calovox.binned_shower import HitEnergy
from calovox.binned_shower.hit_energy import hit_count
from calovox.kernels import kernel
from calovox.patterns.candidates import (
    candidate_pattern,
    nearest_candidates,
    take_candidate,
    voxels_near_steps,
)
from calovox.patterns.tables import AHEAD, GUIDE, PatternTables
from calovox.random_streams import next_uniform

__all__ = [
    "CHOICE_TYPE",
    "PlacementCounts",
    "choose_patterns",
    "find_keys",
    "list_voxels",
    "own_key",
]

HIT_ENERGY: Final = HitEnergy().default
MAX_HITS: Final = HitEnergy().max_hits
"""The hits of a voxel without patterns."""

CHOICE_TYPE: Final = np.dtype(
    [
        ("voxel", np.int32),
        ("first", np.int32),
        ("number", np.int32),
        ("below", np.int32),
        ("lent", np.int32),
        ("energy", np.float32),
        ("mirror", np.float32),
    ]
)
"""A voxel with energy, and its deposits: the first one (-1 for hits anywhere in it), how many
there are, what their weights are multiplied by in MeV, and -1 for the mirror image or 1. While it
chooses, these are patterns of its key: the first one, how many, how many have less energy than the
voxel, 1 if the key is not its own, and the energy of the voxel."""


@dataclass(frozen=True)
class PlacementCounts:
    """How voxels with energy were placed.

    Attributes:
        n_voxels: Voxels with energy.
        n_lent: Those that took patterns of another energy or abs(eta) of the shower.
        n_without: Those that have no pattern, and got hits anywhere in them.
        energy: Energy of all in MeV.
        energy_lent: Energy of those that took patterns of others in MeV.
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
            f"{lent:.2g} % of the energy by patterns of other showers than those of its energy "
            f"and |eta|, {without:.2g} % without patterns"
        )


@kernel(forceinline=True)
def own_key(energy: float, abs_eta: float, tables: PatternTables) -> int:
    """Find the key of a shower, inside a compiled kernel."""
    place = 0
    for border in tables.eta_borders:
        place += abs_eta >= border
    stored, log_energy = 0, math.log(energy)
    for border in tables.log_borders:
        stored += log_energy > border
    return int(place * (tables.log_borders.size + 1) + stored)


@kernel(error_model="numpy")
def choose_patterns(
    fractions: Array,
    shower: tuple[float, float],
    state: np.uint64,
    radii: Array,
    tables: PatternTables,
    choices: Array,
    counts: tuple[Array, Array],
) -> tuple[np.uint64, int, int]:
    """Choose patterns for the voxels of a shower, inside a compiled kernel.

    Args:
        fractions: Energy of each voxel as a fraction of the shower's.
        shower: Energy in MeV, and abs(eta) of the centre.
        state: State of the event's stream.
        radii: Radius of each layer at the centre in mm.
        tables: The patterns.
        choices: Filled with fields of `CHOICE_TYPE`.
        counts: The numbers and energies of `PlacementCounts`, which are added to.

    Returns:
        The new state; the number of choices, -1 if an energy is negative or not finite; and that
        of their deposits.
    """
    # all voxels in one call after the other: a call for each would count references to all tables
    n_choices = list_voxels(fractions, shower[0], choices)
    if n_choices < 0:
        return state, n_choices, 0
    find_keys(own_key(shower[0], shower[1], tables), tables, choices[:n_choices])
    numbers, energies = counts
    n_deposits, uniforms, taken = 0, np.empty(n_choices), np.empty(n_choices, dtype=np.int64)
    for place in range(n_choices):
        state, uniforms[place] = next_uniform(state)
    nearest_candidates(uniforms, fractions, choices[:n_choices], tables, taken)
    near, behind = voxels_near_steps(shower[1], radii, tables)
    for place in range(n_choices):
        choice = choices[place]
        kind, energy = choice.lent, choice.energy
        if choice.number == 0:
            n_hits = hit_count(energy, HIT_ENERGY, MAX_HITS)
            choice.first, choice.number, choice.energy = -1, n_hits, energy / n_hits
            kind = 2
        else:
            candidate = taken[place]
            if near <= choice.voxel < behind:
                crossed = take_candidate(uniforms[place], choice, shower[1], radii, tables)
                candidate = crossed if crossed >= 0 else candidate
            pattern = tables.patterns[candidate_pattern(candidate, choice, tables)]
            choice.first, choice.number = pattern.first, pattern.number
            choice.energy = energy * pattern.scale
            choice.mirror = -1.0 if candidate % 2 == 0 else 1.0
        n_deposits += choice.number
        numbers[0] += 1
        energies[0] += energy
        if kind > 0:
            numbers[kind] += 1
            energies[kind] += energy
    return state, n_choices, n_deposits


@kernel(error_model="numpy")
def list_voxels(fractions: Array, incident_energy: float, choices: Array) -> int:
    """List the voxels with energy, inside a compiled kernel; see `choose_patterns`.

    Args:
        fractions: Energy of each voxel as a fraction of the shower's.
        incident_energy: That of the shower in MeV.
        choices: Filled with the voxels and their energies.

    Returns:
        Their number, or -1 if an energy is negative or not finite.
    """
    n_choices, good = 0, True
    for voxel in range(fractions.size):
        fraction = fractions[voxel]
        good &= 0.0 <= fraction < np.inf
        choice = choices[n_choices]
        choice.voxel, choice.energy = voxel, fraction * incident_energy
        n_choices += choice.energy != 0.0
    return n_choices if good else -1


@kernel(error_model="numpy")
def find_keys(own: int, tables: PatternTables, choices: Array) -> None:
    """Find the key of each voxel, and its place among the patterns there.

    Args:
        own: The key of the shower.
        tables: The patterns.
        choices: Voxels and their energies; the rest is filled in.
    """
    order, n_bins = tables.order[own], tables.keys.shape[1]
    float_bits = np.empty(1, dtype=np.float32)
    bits = float_bits.view(np.int32)
    for choice in choices:
        energy, radial = choice.energy, tables.voxels[choice.voxel].bin
        float_bits[0] = energy
        choice.number = 0
        for key in order:
            of_key = tables.keys[key, radial]
            if of_key.number == 0:
                continue
            part, place = np.float32(bits[0] - of_key.lowest) * of_key.scale, 0
            inside = 0.0 <= part < GUIDE
            if inside:
                place = tables.guide[key, radial, int(part)]
                start, n_less = of_key.first + AHEAD * (key * n_bins + radial), AHEAD
                while n_less == AHEAD:  # seldom more than once
                    n_less = 0
                    for ahead in range(AHEAD):
                        n_less += tables.energy[start + place + ahead] < energy
                    place += n_less
                inside = place < of_key.number
            elif part >= GUIDE:
                place = of_key.number
            if inside or choice.number == 0:
                choice.first, choice.number = of_key.first, of_key.number
                choice.below, choice.lent = place, key != own
            if inside:
                break
