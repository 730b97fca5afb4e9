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
    distances, levels = np.empty(CANDIDATES, dtype=np.int64), np.empty(N_SIDES, dtype=np.int64)
    around = tables.first_neighbour, tables.neighbour, tables.neighbour_share
    for place in range(choices.size):
        choice = choices[place]
        taken[place] = 0
        if choice.number == 0:
            continue
        for side in range(N_SIDES):
            levels[side] = side_level(fractions, choice.voxel, side, around)
        least = _fill_distances(choice, levels, tables, distances)
        rest = int(uniforms[place] * (distances == least).sum())
        candidate = 0
        while distances[candidate] != least or rest > 0:
            rest -= distances[candidate] == least
            candidate += 1
        taken[place] = candidate


@kernel(error_model="numpy", forceinline=True)
def _fill_distances(choice: Any, levels: Array, tables: PatternTables, distances: Array) -> int:
    """Compare the sides of a voxel with those of its candidates; give the least distance."""
    sides, least = tables.sides, np.int64(2**30)
    for candidate in range(0, CANDIDATES, 2):
        row = candidate_pattern(candidate, choice, tables)
        common = 0
        for side in range(2, N_SIDES):
            common += (levels[side] - sides[row, side]) ** 2
        lower, higher = np.int64(sides[row, 0]), np.int64(sides[row, 1])
        mirrored = common + (levels[0] - higher) ** 2 + (levels[1] - lower) ** 2
        plain = common + (levels[0] - lower) ** 2 + (levels[1] - higher) ** 2
        distances[candidate], distances[candidate + 1] = mirrored, plain
        least = min(least, mirrored, plain)
    return least


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
