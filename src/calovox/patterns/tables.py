r"""Patterns as plain arrays, for kernels.

Kernels look at a dozen numbers for each voxel of a shower, anywhere in the library: what is needed
together lies together, and as little of it as possible. A pattern is found by a guide: the range
of energies of a key is cut into `GUIDE` parts, evenly in the bits of single-precision numbers,
which is nearly in the logarithm, and the guide tells how many patterns lie below each part. From
there on, `AHEAD` energies at a time are compared, without a branch.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int32, Int64, UInt32
from calovox.patterns.library import N_SIDES, STEPS, STEPS_PER_OCTAVE, PatternLibrary
from calovox.patterns.sides import neighbours_of

__all__ = ["AHEAD", "GUIDE", "PatternTables", "pattern_tables"]

GUIDE: Final = 256
"""Parts of the range of energies of a key."""

AHEAD: Final = 4
"""Energies that are compared at once."""

KEY_TYPE: Final = np.dtype(
    [("first", np.int32), ("number", np.int32), ("lowest", np.int32), ("scale", np.float32)]
)
"""Patterns of a key: the first one, how many, the bits of the lowest energy, parts of the guide
per bit."""

PATTERN_TYPE: Final = np.dtype([("first", np.int32), ("number", np.int32), ("scale", np.float32)])
"""The first deposit of a pattern, how many, and what makes their shares add up to 1."""

VOXEL_TYPE: Final = np.dtype(
    [
        ("cosine", np.float32),
        ("sine", np.float32),
        ("r", np.float32),
        ("d_r", np.float32),
        ("bin", np.int32),
        ("circle", np.int32),
    ]
)
"""Direction of the middle of a voxel, the radius of byte 0 in mm and the step of a byte, its
radial bin, and the row of its angles."""


class PatternTables(NamedTuple):
    """Plain arrays that kernels read. A key is a range of abs(eta) with a stored energy.

    Attributes:
        log_borders: Borders between the stored energies, logarithms of MeV.
        eta_borders: Borders between the ranges of abs(eta).
        order: Keys in the order in which a voxel of each key looks for patterns.
        keys: Fields of `KEY_TYPE` of each key and radial bin.
        guide: Patterns below each part of the energies of a key.
        energy: Energy of each pattern's voxel in MeV, rising among those of a key and radial bin,
            with `AHEAD` infinities behind them.
        patterns: Fields of `PATTERN_TYPE`.
        sides: Levels of the sides of each pattern's voxel, a byte each, from the lowest one.
        deposits: Bytes of r, alpha and share of each deposit, in this order from the lowest byte.
        voxels: Fields of `VOXEL_TYPE`.
        spans: The lowest and the highest place in each voxel along eta, from the centre, in mm.
        boundaries: First voxel of each layer, and the number of voxels behind them.
        angles: Cosine and sine of each byte of alpha, for each number of voxels around.
        weights: 2^(-s / 16) for each byte s of a share.
        steps: abs(eta), rising, and ratio of the steps of each layer; infinite and 1 behind the
            last one.
        first_neighbour: `Neighbours.first`.
        neighbour: `Neighbours.voxel`.
        neighbour_share: `Neighbours.share`.
    """

    log_borders: Float64[Array, " border"]
    eta_borders: Float64[Array, " border"]
    order: Int64[Array, "key key"]
    keys: Array
    guide: Int32[Array, "key bin part"]
    energy: Float32[Array, " entry"]
    patterns: Array
    sides: Int64[Array, " pattern"]
    deposits: UInt32[Array, " deposit"]
    voxels: Array
    spans: Float64[Array, "voxel 2"]
    boundaries: Int64[Array, " boundary"]
    angles: Float32[Array, "circle 256 2"]
    weights: Float32[Array, "256"]
    steps: Float64[Array, "layer step 2"]
    first_neighbour: Int64[Array, " side_or_end"]
    neighbour: Int64[Array, " neighbour"]
    neighbour_share: Float64[Array, " neighbour"]


@lru_cache(maxsize=4)
def pattern_tables(library: PatternLibrary) -> PatternTables:
    """Make the tables of a library.

    Args:
        library: The patterns.

    Returns:
        The tables; the same ones at each call with the same library.
    """
    logs, around = np.log(library.energies), neighbours_of(library.grid)
    keys, guide, energy = _energies(library)
    weights = np.exp2(-np.arange(STEPS) / STEPS_PER_OCTAVE)
    circles, circle = np.unique(library.bins.n_alpha, return_inverse=True)
    alpha = ((np.arange(STEPS) + 0.5) / STEPS - 0.5) * (2.0 * np.pi / circles[:, None])
    return PatternTables(
        log_borders=0.5 * (logs[1:] + logs[:-1]),
        eta_borders=library.eta_borders,
        order=_search_order(len(library.eta_borders) + 1, len(logs)),
        keys=keys,
        guide=guide,
        energy=energy,
        patterns=_patterns(library, weights),
        deposits=_packed(library),
        voxels=_voxels(library, circle),
        spans=_spans(library),
        boundaries=library.grid.layer_boundaries,
        angles=np.stack([np.cos(alpha), np.sin(alpha)], axis=2).astype(np.float32),
        weights=weights.astype(np.float32),
        sides=_packed_sides(library),
        steps=_steps(library),
        first_neighbour=around.first,
        neighbour=around.voxel,
        neighbour_share=around.share,
    )


def _search_order(n_ranges: int, n_energies: int) -> Int64[Array, "key key"]:
    """Sort keys by their distance from each: in energy first, where it is equal in abs(eta)."""
    place, energy = np.divmod(np.arange(n_ranges * n_energies), n_energies)
    order = [
        np.lexsort((place, energy, np.abs(place - own_place), np.abs(energy - own_energy)))
        for own_place, own_energy in zip(place, energy, strict=True)
    ]
    return np.array(order, dtype=np.int64)


def _energies(
    library: PatternLibrary,
) -> tuple[Array, Int32[Array, "key bin part"], Float32[Array, " entry"]]:
    """Give the keys, their guide, and their energies with infinities between them."""
    n_keys, n_bins = len(library.energies) * (len(library.eta_borders) + 1), len(library.bins)
    counts = library.counts.ravel()
    keys = np.zeros(len(counts), dtype=KEY_TYPE)
    keys["number"], keys["first"] = counts, np.cumsum(counts) - counts
    own = np.asarray(library.energy, dtype=np.float32)
    bits = own.view(np.int32)  # positive numbers rise as their bits do
    filled = np.flatnonzero(counts)
    first, last = keys["first"][filled], keys["first"][filled] + counts[filled] - 1
    width = bits[last].astype(np.float64) - bits[first] + 1.0
    keys["lowest"][filled] = bits[first]
    keys["scale"][filled] = (1.0 - 2.0**-20) * GUIDE / width  # rounded, still below `GUIDE`
    key = np.repeat(np.arange(len(counts)), counts)
    part = ((bits - keys["lowest"][key]).astype(np.float32) * keys["scale"][key]).astype(np.int64)
    of_part = np.bincount(key * GUIDE + part, minlength=len(counts) * GUIDE)
    of_part = of_part.reshape(n_keys, n_bins, GUIDE)
    guide = (np.cumsum(of_part, axis=2) - of_part).astype(np.int32)
    energy = np.full(len(own) + AHEAD * len(counts), np.inf, dtype=np.float32)
    energy[np.arange(len(own)) + AHEAD * key] = own
    return keys.reshape(n_keys, n_bins), guide, energy


def _patterns(library: PatternLibrary, weights: Float64[Array, "256"]) -> Array:
    patterns = np.zeros(len(library), dtype=PATTERN_TYPE)
    patterns["number"] = library.n_deposits
    patterns["first"] = np.cumsum(library.n_deposits) - library.n_deposits
    if len(library):
        patterns["scale"] = 1.0 / np.add.reduceat(weights[library.share], patterns["first"])
    return patterns


def _packed(library: PatternLibrary) -> UInt32[Array, " deposit"]:
    packed = library.share.astype(np.uint32)
    for column in (library.alpha, library.r):
        packed = (packed << np.uint32(8)) | column
    return packed


def _packed_sides(library: PatternLibrary) -> Int64[Array, " pattern"]:
    return library.sides.astype(np.int64) @ (1 << 8 * np.arange(N_SIDES))


def _voxels(library: PatternLibrary, circle: Int64[Array, " bin"]) -> Array:
    bins, of_voxel = library.bins, library.bins.of_voxel
    voxels = np.zeros(len(of_voxel), dtype=VOXEL_TYPE)
    middle = library.grid.alpha_middle
    voxels["cosine"], voxels["sine"] = np.cos(middle), np.sin(middle)
    step = (bins.r_max - bins.r_min) / STEPS
    voxels["r"], voxels["d_r"] = (bins.r_min + 0.5 * step)[of_voxel], step[of_voxel]
    voxels["bin"], voxels["circle"] = of_voxel.astype(np.int32), circle.ravel()[of_voxel]
    return voxels


def _spans(library: PatternLibrary) -> Float64[Array, "voxel 2"]:
    r_min, r_max, alpha_min, alpha_max = library.grid.edges.T
    middle, half = 0.5 * (alpha_min + alpha_max), 0.5 * (alpha_max - alpha_min)
    ends = np.stack([np.cos(alpha_min), np.cos(alpha_max)])
    lowest = np.where(-np.cos(middle) >= np.cos(half), -1.0, ends.min(axis=0))
    highest = np.where(np.cos(middle) >= np.cos(half), 1.0, ends.max(axis=0))
    low = lowest * np.where(lowest < 0.0, r_max, r_min)
    high = highest * np.where(highest > 0.0, r_max, r_min)
    return np.stack([low, high], axis=1)


def _steps(library: PatternLibrary) -> Float64[Array, "layer step 2"]:
    by_layer = [
        sorted((step.abs_eta, step.ratio) for step in library.steps if step.layer == number)
        for number in library.grid.numbers
    ]
    steps = np.empty((len(by_layer), max(map(len, by_layer)), 2))
    steps[:] = np.inf, 1.0
    for row, of_layer in zip(steps, by_layer, strict=True):
        row[: len(of_layer)] = np.array(of_layer).reshape(-1, 2)
    return steps
