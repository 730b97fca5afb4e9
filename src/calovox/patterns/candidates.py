r"""What a voxel chooses from: the patterns nearest in energy, and their mirror images.

There are 24 candidates: with i patterns of the key below the voxel's energy, numbers i - 6 to
i + 5, or the first or last one beyond them, each first mirrored along alpha and then as it is. The
sides of the voxel (`calovox.patterns.sides`) choose among them: with the levels a of the voxel and
b of the pattern, of which a mirror image exchanges the first two, the one with the least

$$\sum_\mathrm{sides} (a - b)^2$$

is taken. If it is the least of m candidates, a uniform number u takes number floor(m u) of these.

Where a step of the density runs through the voxel (`DensityStep`), sides count for nothing, and
candidates that lie where there is little are taken less often. With shares s of the deposits, and
the density d where each lies, candidate c counts as many times as the step leaves of it,

$$w_c = \sum_{i \in c} s_i d_i,$$

and the first one is taken with which the sum of w, up to it, exceeds u times the sum of all.
"""

from typing import Any, Final

import numpy as np

from calovox.arrays import Array
from calovox.kernels import kernel
from calovox.patterns.library import N_SIDES
from calovox.patterns.sides import side_level
from calovox.patterns.tables import PatternTables

__all__ = [
    "CANDIDATES",
    "candidate_pattern",
    "has_both_sides",
    "nearest_candidates",
    "take_candidate",
    "voxels_near_steps",
    "weigh_candidates",
]

CANDIDATES: Final = 24
"""Twelve patterns, six on either side in energy, and the mirror image of each."""

_PATTERNS: Final = CANDIDATES // 2


@kernel(forceinline=True)
def candidate_pattern(candidate: int, choice: Any, tables: PatternTables) -> int:
    """Find the pattern of a candidate of a voxel, inside a compiled kernel."""
    place = choice.below - CANDIDATES // 4 + candidate // 2
    return int(choice.first + min(max(place, 0), choice.number - 1))


@kernel(error_model="numpy")
def nearest_candidates(
    uniforms: Array, fractions: Array, choices: Array, tables: PatternTables, taken: Array
) -> None:
    """Choose the candidates whose sides are most like those of voxels, inside a compiled kernel.

    Args:
        uniforms: A uniform number for each voxel with energy.
        fractions: Energy of each voxel of the shower as a fraction of the shower's.
        choices: The voxels with energy and their keys, as in `CHOICE_TYPE`.
        tables: The patterns.
        taken: Filled with numbers of candidates, 0 for voxels without patterns.
    """
    levels, sides = np.empty(N_SIDES, dtype=np.int32), np.empty(_PATTERNS, dtype=np.int64)
    ranks = np.empty((2, _PATTERNS), dtype=np.int32)
    around = tables.first_neighbour, tables.neighbour, tables.neighbour_share
    for place in range(choices.size):
        choice = choices[place]
        taken[place] = 0
        if choice.number == 0:
            continue
        for side in range(N_SIDES):
            levels[side] = side_level(fractions, choice.voxel, side, around)
        for k in range(_PATTERNS):
            sides[k] = tables.sides[np.uint64(candidate_pattern(2 * k, choice, tables))]
        first, number = _rank_candidates(levels, sides, ranks)
        taken[place] = first % CANDIDATES
        if number > 1:
            taken[place] = _one_of_equals(
                ranks, first // CANDIDATES, int(uniforms[place] * number)
            )


@kernel(error_model="numpy", forceinline=True)
def _rank_candidates(levels: Array, sides: Array, ranks: Array) -> tuple[int, int]:
    """Compare the sides of a voxel with those of mirrored and plain patterns.

    A rank is `CANDIDATES` times the distance plus the candidate. The loops are simple enough for
    several patterns at once, which a search that stops early is not.

    Returns:
        The least rank, and the number of candidates that are as near.
    """
    lower, higher, inward, outward, before, behind = levels
    least, number = np.int32(2**30), 0
    for k in range(sides.size):
        low, high = np.int32(sides[k] & 0xFFFFFFFF), np.int32(sides[k] >> 32)
        of_lower, of_higher = low & 255, (low >> 8) & 255
        common = (inward - ((low >> 16) & 255)) ** 2 + (outward - ((low >> 24) & 255)) ** 2
        common += (before - (high & 255)) ** 2 + (behind - ((high >> 8) & 255)) ** 2
        mirrored = common + (lower - of_higher) ** 2 + (higher - of_lower) ** 2
        plain = common + (lower - of_lower) ** 2 + (higher - of_higher) ** 2
        ranks[0, k] = CANDIDATES * mirrored + 2 * k
        ranks[1, k] = CANDIDATES * plain + 2 * k + 1
    for image in range(2):
        for k in range(sides.size):
            least = min(least, ranks[image, k])
    nearest = least - least % CANDIDATES + CANDIDATES
    for image in range(2):
        for k in range(sides.size):
            number += ranks[image, k] < nearest
    return int(least), int(number)


@kernel(error_model="numpy")
def _one_of_equals(ranks: Array, distance: int, rest: int) -> int:
    """Find a candidate of some distance, behind `rest` others of the same."""
    candidate = 0
    while True:
        is_equal = ranks[candidate % 2, candidate // 2] // CANDIDATES == distance
        if is_equal and rest == 0:
            return candidate
        rest -= is_equal
        candidate += 1


@kernel(error_model="numpy")
def voxels_near_steps(abs_eta: float, radii: Array, tables: PatternTables) -> tuple[int, int]:
    """Find the layers of a shower that a step may run through, inside a compiled kernel.

    Args:
        abs_eta: abs(eta) of the shower's centre.
        radii: Radius of each layer in mm.
        tables: The patterns.

    Returns:
        The first voxel of the first one, and the first voxel behind the last one.
    """
    first, stop = tables.voxels.size, 0
    for position in range(tables.steps.shape[0]):
        behind = tables.boundaries[position + 1]
        for step in range(tables.steps.shape[1]):
            distance = abs(abs_eta - tables.steps[position, step, 0]) * radii[position]
            # the last voxel ends at alpha = 2 pi: none reaches further
            if distance < tables.spans[behind - 1, 1]:
                first, stop = min(first, tables.boundaries[position]), behind
    return first, stop


@kernel(forceinline=True)
def has_both_sides(
    voxel: int, abs_eta: float, radius: float, step: float, tables: PatternTables
) -> bool:
    """Tell whether a voxel has places on both sides of a step, inside a compiled kernel.

    Args:
        voxel: The voxel.
        abs_eta: abs(eta) of the shower's centre.
        radius: That of the layer in mm.
        step: abs(eta) of the step.
        tables: The patterns.

    Returns:
        Whether it has.
    """
    low, high = tables.spans[voxel, 0], tables.spans[voxel, 1]
    before, beyond = (step - abs_eta) * radius, (-step - abs_eta) * radius
    return bool(low < before <= high or low <= beyond < high)


@kernel(error_model="numpy")
def take_candidate(
    u: float, choice: Any, abs_eta: float, radii: Array, tables: PatternTables
) -> int:
    """Choose among the candidates of a voxel near a step, inside a compiled kernel.

    Args:
        u: A uniform number.
        choice: The voxel and its key, as in `CHOICE_TYPE`.
        abs_eta: abs(eta) of the shower's centre.
        radii: Radius of each layer in mm.
        tables: The patterns.

    Returns:
        Number of the candidate; -1 if no step runs through the voxel.
    """
    position = 0
    while tables.boundaries[position + 1] <= choice.voxel:
        position += 1
    steps, reached = tables.steps[position], False
    for step in range(steps.shape[0]):
        reached |= has_both_sides(choice.voxel, abs_eta, radii[position], steps[step, 0], tables)
    if not reached:
        return -1
    weights = np.empty(CANDIDATES)
    weigh_candidates(choice, abs_eta, radii[position], steps, tables, weights)
    rest, candidate = u * weights.sum(), 0
    while candidate < CANDIDATES - 1 and rest >= weights[candidate]:
        rest -= weights[candidate]
        candidate += 1
    return candidate


@kernel(error_model="numpy")
def weigh_candidates(
    choice: Any,
    abs_eta: float,
    radius: float,
    steps: Array,
    tables: PatternTables,
    weights: Array,
) -> None:
    """Find what the steps of a layer leave of candidates, inside a compiled kernel.

    Args:
        choice: A voxel and its key, as in `CHOICE_TYPE`.
        abs_eta: abs(eta) of the shower's centre.
        radius: That of the layer in mm.
        steps: Those of the layer in `PatternTables`, by rising abs(eta).
        tables: The patterns.
        weights: Filled with shares of the candidates' energies.
    """
    weights[:] = 1.0
    density = 1.0
    for step in range(steps.shape[0]):
        more = density * (steps[step, 1] - 1.0)
        density += more
        border = steps[step, 0] * radius
        for candidate in range(0, CANDIDATES, 2):
            pattern = tables.patterns[candidate_pattern(candidate, choice, tables)]
            mirrored, plain = _beyond(pattern, choice.voxel, abs_eta * radius, border, tables)
            weights[candidate] += more * pattern.scale * mirrored
            weights[candidate + 1] += more * pattern.scale * plain


@kernel(error_model="numpy", forceinline=True)
def _beyond(
    pattern: Any, place: int, center: float, border: float, tables: PatternTables
) -> tuple[float, float]:
    """Sum the weights of deposits beyond a border, of a pattern's mirror image and of itself."""
    voxel, mirrored, plain = tables.voxels[place], np.float32(0.0), np.float32(0.0)
    for row in range(pattern.first, pattern.first + pattern.number):
        deposit = tables.deposits[row]
        r = voxel.r + np.float32(deposit & np.uint32(255)) * voxel.d_r
        byte = (deposit >> np.uint32(8)) & np.uint32(255)
        along = center + r * tables.angles[voxel.circle, byte, 0] * voxel.cosine
        across = r * tables.angles[voxel.circle, byte, 1] * voxel.sine
        weight = tables.weights[deposit >> np.uint32(16)]
        mirrored += weight * np.float32(abs(along + across) >= border)
        plain += weight * np.float32(abs(along - across) >= border)
    return float(mirrored), float(plain)
