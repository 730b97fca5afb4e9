"""Slow plain twin of `calovox.patterns`: a pattern for each voxel, and its deposits as hits."""

import math

import numpy as np

from calovox.geometry import layer_radius, to_eta_phi
from calovox.patterns import PatternLibrary
from calovox.random_streams import Stream, event_keys, event_uniforms
from calovox.voxelization import VoxelGrid, Voxels

Pattern = tuple[float, list[tuple[float, float, float]], list[int]]


def patterns_by_bin(library: PatternLibrary) -> dict[tuple[int, int, int], list[Pattern]]:
    """List patterns, [(r, alpha - middle, share)] each, of each abs(eta), energy and bin."""
    bins, found, pattern, deposit = library.bins, {}, 0, 0
    for *key, radial in np.ndindex(library.counts.shape):
        r_min, r_max = bins.r_min[radial], bins.r_max[radial]
        width = 2 * math.pi / bins.n_alpha[radial]
        for _ in range(library.counts[*key, radial]):
            places = []
            for _ in range(library.n_deposits[pattern]):
                r = r_min + (int(library.r[deposit]) + 0.5) / 256 * (r_max - r_min)
                alpha = ((int(library.alpha[deposit]) + 0.5) / 256 - 0.5) * width
                places.append((r, alpha, 2.0 ** (-int(library.share[deposit]) / 16)))
                deposit += 1
            total = sum(share for *_, share in places)
            places = [(r, alpha, share / total) for r, alpha, share in places]
            energy, sides = float(library.energy[pattern]), library.sides[pattern].tolist()
            found.setdefault((*key, radial), []).append((energy, places, sides))
            pattern += 1
    return found


def nearest_filled(
    library: PatternLibrary,
    found: dict,
    shower: tuple[float, float],
    radial: int,
    voxel_energy: float,
) -> list[Pattern]:
    """Take the patterns of the nearest energy, the nearest abs(eta) there first.

    The first whose patterns enclose the voxel's energy counts, else the first that has any.
    """
    energy, abs_eta = shower
    energies, n_ranges = list(library.energies), len(library.eta_borders) + 1
    nearest = min(range(len(energies)), key=lambda i: abs(math.log(energies[i] / energy)))
    place = sum(abs_eta >= border for border in library.eta_borders)
    keys = [(p, i) for i in range(len(energies)) for p in range(n_ranges)]
    keys.sort(key=lambda key: (abs(key[1] - nearest), abs(key[0] - place), key[1], key[0]))
    known = [found[*key, radial] for key in keys if (*key, radial) in found]
    for patterns in known:
        if patterns[0][0] <= voxel_energy <= patterns[-1][0]:
            return patterns
    if known:
        return known[0]
    return []


def voxels_to_pattern_hits_twin(
    voxels: Voxels, library: PatternLibrary, seed: int
) -> list[tuple[int, int, float, float, float]]:
    """Return (event, layer, eta, phi, energy) of every hit; voxels need to have patterns."""
    found, grid = patterns_by_bin(library), voxels.grid
    hits = []
    for event in range(len(voxels)):
        keys = event_keys(seed, Stream.PATTERNS, voxels.index[event : event + 1])
        numbers = iter(event_uniforms(keys, grid.n_voxels)[0])
        for voxel in np.flatnonzero(voxels.energy[event]):
            energy = float(voxels.energy[event, voxel]) * voxels.incident_energy[event]
            shower = voxels.incident_energy[event], abs(voxels.eta_center[event])
            radial = library.bins.of_voxel[voxel]
            patterns = nearest_filled(library, found, shower, radial, energy)
            middle = 0.5 * (grid.alpha_min[voxel] + grid.alpha_max[voxel])
            layer = int(grid.layer[voxel])
            center = voxels.eta_center[event], voxels.phi_center[event]
            radius = float(layer_radius(layer, center[0]))
            images, distances = [], []
            levels = sides_of(voxels.energy[event], voxel, grid)
            for deposits, sides in candidates(patterns, energy, middle):
                distances.append(sum((a - b) ** 2 for a, b in zip(levels, sides, strict=True)))
                places = [to_eta_phi(r, alpha, *center, radius) for r, alpha, _ in deposits]
                images.append(
                    [
                        (float(eta), float(phi), share * density(library, layer, eta))
                        for (eta, phi), (*_, share) in zip(places, deposits, strict=True)
                    ]
                )
            left = [sum(share for *_, share in image) for image in images]
            nearest = [float(distance == min(distances)) for distance in distances]
            crossed = is_crossed_by_a_step(library, voxel, center[0], radius)
            taken = choose(left if crossed else nearest, next(numbers))
            hits += [
                (event, layer, eta, phi, share / left[taken] * energy)
                for eta, phi, share in images[taken]
            ]
    return hits


def candidates(
    patterns: list[Pattern], energy: float, middle: float
) -> list[tuple[list[tuple[float, float, float]], list[int]]]:
    """List (r, alpha, share) of the deposits, and the sides, of the twelve nearest patterns.

    Each is first mirrored and then as it is.
    """
    below, found = sum(pattern[0] < energy for pattern in patterns), []
    for place in range(below - 6, below + 6):
        _, deposits, (lower, higher, *others) = patterns[min(max(place, 0), len(patterns) - 1)]
        for sign, sides in ((-1, (higher, lower)), (1, (lower, higher))):
            images = [(r, middle + sign * alpha, share) for r, alpha, share in deposits]
            found.append((images, [*sides, *others]))
    return found


def sides_of(energy: np.ndarray, voxel: int, grid: VoxelGrid) -> list[int]:
    """Give the level of each side of a voxel: how much of both energies is beyond it."""
    edges = grid.edges.tolist()
    beyond, (r_min, r_max, alpha_min, alpha_max) = [0.0] * 6, edges[voxel]
    width, layer = alpha_max - alpha_min, grid.numbers.index(grid.layer[voxel])
    for other, (r_low, r_high, alpha_low, alpha_high) in enumerate(edges):
        before = layer - grid.numbers.index(grid.layer[other])
        overlap = min(alpha_max, alpha_high) - max(alpha_min, alpha_low)
        part = max(overlap, 0.0) / (alpha_high - alpha_low) * float(energy[other])
        if before == 0 and (r_low, r_high) == (r_min, r_max):
            for side, turned in ((0, -width), (1, width)):
                away = (alpha_low - alpha_min - turned + math.pi) % (2 * math.pi) - math.pi
                beyond[side] += float(energy[other]) * (abs(away) < 1e-9)
        elif before == 0:
            beyond[2] += part * (r_high == r_min)
            beyond[3] += part * (r_low == r_max)
        elif abs(before) == 1:
            area = max(min(r_max, r_high) ** 2 - max(r_min, r_low) ** 2, 0.0)
            beyond[4 if before == 1 else 5] += part * area / (r_high**2 - r_low**2)
    return [min(int(16 * n / (n + float(energy[voxel]))), 15) for n in beyond]


def is_crossed_by_a_step(
    library: PatternLibrary, voxel: int, eta_center: float, radius: float
) -> bool:
    """Tell whether a voxel has places on both sides of a step of its layer."""
    r_min, r_max, alpha_min, alpha_max = library.grid.edges[voxel]
    angles = [angle for angle in (0, math.pi, 2 * math.pi) if alpha_min < angle < alpha_max]
    along = [
        r * math.cos(angle) for r in (r_min, r_max) for angle in (alpha_min, alpha_max, *angles)
    ]
    low, high = min(along), max(along)
    return any(
        step.layer == library.grid.layer[voxel]
        and (
            low < (step.abs_eta - abs(eta_center)) * radius <= high
            or low <= (-step.abs_eta - abs(eta_center)) * radius < high
        )
        for step in library.steps
    )


def choose(weights: list[float], u: float) -> int:
    """Take the first place with which the sum of weights exceeds u times that of all."""
    sums = np.cumsum(weights)
    return int(np.sum(sums[:-1] <= u * sums[-1]))


def density(library: PatternLibrary, layer: int, eta: float) -> float:
    """Multiply the ratios of all steps of a layer before a place."""
    ratios = [
        step.ratio
        for step in library.steps
        if step.layer == layer and abs(np.float32(eta)) >= step.abs_eta
    ]
    return math.prod(ratios)
