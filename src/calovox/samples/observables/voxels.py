r"""Observables of voxels: what a model of voxels must get right.

In each layer, and in all layers together, with E_i the energy of voxel i at (x_i, y_i) in mm,
x along eta and y along phi from the shower centre of its layer:

- energy over that of the photon;
- the energy centre D, $\langle x \rangle = \sum_i x_i E_i / \sum_i E_i$, likewise of y and r, and
  the widths $\sigma_x = \sqrt{\sum_i (x_i - \langle x \rangle)^2 E_i / \sum_i E_i}$;
- the number of voxels above 0.1, 1 and 10 MeV;
- the shares of the hottest 1, 5 and 10 voxels in the energy;
- the share of the energy beyond 10, 30 and 100 mm, by the middles of the voxels;
- the asymmetry in eta and phi: the energy at x > 0 less that at x < 0, over their sum;
- the roughness in alpha: $\sum |E_i - E_j| / \sum (E_i + E_j)$ over all pairs (i, j) of voxels
  that touch along alpha.

How far the energy centre moves from one layer to the next tells whether layers know of each other.

A voxel below the threshold counts as empty in all of them: energies of a few keV tell samples
apart, but are no physics. Counts above less than the threshold are left out. A layer without
energy has 0 in each column, and a width below rounding, as of a layer with one voxel hit, is 0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64
from calovox.samples.observables.positions import VoxelPositions
from calovox.samples.observables.table import Observable, ObservableTable

__all__ = ["BEYOND", "COUNTED_ABOVE", "HOTTEST", "voxel_observables", "voxels_to_observables"]

COUNTED_ABOVE: Final = (0.1, 1.0, 10.0)
"""Energies in MeV above which voxels are counted."""

HOTTEST: Final = (1, 5, 10)
"""Numbers of hottest voxels whose share is given."""

BEYOND: Final = (10.0, 30.0, 100.0)
"""Radii in mm beyond which the share of the energy is given."""

_ALL: Final = "all"
_NUMBERS_PER_BATCH: Final = 2**21
_ROUNDING: Final = 1e-12


@dataclass(frozen=True)
class _Part:
    """Voxels of one layer, or of all; lengths in mm, energies in MeV."""

    energy: Float64[Array, "event voxel"]
    incident_energy: Float64[Array, " event"]
    x: Float64[Array, " voxel"]
    y: Float64[Array, " voxel"]
    r: Float64[Array, " voxel"]
    pairs: Int64[Array, "pair 2"]

    @cached_property
    def total(self) -> Float64[Array, " event"]:
        return np.asarray(self.energy.sum(axis=1))

    @cached_property
    def hottest(self) -> Float64[Array, "event some"]:
        """The hottest voxels, hottest first."""
        most = min(HOTTEST[-1], self.energy.shape[1])
        some = -np.partition(-self.energy, most - 1, axis=1)[:, :most]
        return np.asarray(-np.sort(-some, axis=1))

    def share(self, energy: Float64[Array, " event"]) -> Float64[Array, " event"]:
        """Divide by the energy of the part; 0 without energy."""
        return _ratio(energy, self.total)

    def mean(self, axis: Float64[Array, " voxel"]) -> Float64[Array, " event"]:
        return self.share(self.energy @ axis)

    def width(self, axis: Float64[Array, " voxel"]) -> Float64[Array, " event"]:
        square = self.mean(axis**2)
        variance = square - self.mean(axis) ** 2
        return np.sqrt(np.where(variance > _ROUNDING * square, variance, 0.0))

    def asymmetry(self, axis: Float64[Array, " voxel"]) -> Float64[Array, " event"]:
        sides = [self.energy @ (side > 0).astype(np.float64) for side in (axis, -axis)]
        return _ratio(sides[0] - sides[1], sides[0] + sides[1])

    def roughness(self) -> Float64[Array, " event"]:
        first, second = self.energy[:, self.pairs[:, 0]], self.energy[:, self.pairs[:, 1]]
        return _ratio(np.abs(first - second).sum(axis=1), (first + second).sum(axis=1))


_Row = tuple[str, str, str, bool, Callable[[_Part], Float64[Array, " event"]]]


def _count_above(limit: float) -> Callable[[_Part], Float64[Array, " event"]]:
    return lambda part: np.count_nonzero(part.energy > limit, axis=1).astype(np.float64)


def _share_of_hottest(count: int) -> Callable[[_Part], Float64[Array, " event"]]:
    return lambda part: part.share(part.hottest[:, :count].sum(axis=1))


def _share_beyond(radius: float) -> Callable[[_Part], Float64[Array, " event"]]:
    return lambda part: part.share(part.energy @ (part.r > radius).astype(np.float64))


# name, title, unit, whether it needs voxels divided in alpha, what it is
_ROWS: Final[tuple[_Row, ...]] = (
    ("e", "energy over that of the photon", "", False, lambda p: p.total / p.incident_energy),
    ("center_eta", "energy centre along eta", "mm", True, lambda p: p.mean(p.x)),
    ("center_phi", "energy centre along phi", "mm", True, lambda p: p.mean(p.y)),
    ("center_r", "mean radius", "mm", False, lambda p: p.mean(p.r)),
    ("width_eta", "width along eta", "mm", True, lambda p: p.width(p.x)),
    ("width_phi", "width along phi", "mm", True, lambda p: p.width(p.y)),
    ("width_r", "width along r", "mm", False, lambda p: p.width(p.r)),
    *(
        (f"n_above_{limit:g}mev", f"voxels above {limit:g} MeV", "", False, _count_above(limit))
        for limit in COUNTED_ABOVE
    ),
    *(
        (f"hottest_{n}", f"share of the hottest {n} voxels", "", False, _share_of_hottest(n))
        for n in HOTTEST
    ),
    *(
        (f"beyond_{r:g}mm", f"share of the energy beyond {r:g} mm", "", False, _share_beyond(r))
        for r in BEYOND
    ),
    ("asymmetry_eta", "asymmetry along eta", "", True, lambda p: p.asymmetry(p.x)),
    ("asymmetry_phi", "asymmetry along phi", "", True, lambda p: p.asymmetry(p.y)),
    ("roughness", "roughness in alpha", "", True, lambda p: p.roughness()),
)


def voxel_observables(
    positions: VoxelPositions, *, threshold: float = 0.0
) -> tuple[Observable, ...]:
    """List the observables of a grid.

    Args:
        positions: Where the voxels lie.
        threshold: Energy in MeV below which a voxel counts as empty.

    Returns:
        One entry per column of `voxels_to_observables`.
    """
    layers = [
        Observable(f"{name}_{layer}", f"{title}, {where}", unit)
        for layer, where, angles in _parts(positions)
        for name, title, unit, _, _ in _rows(threshold, angles=angles)
    ]
    moves = [
        Observable(
            f"move_{axis}_{first}_{second}",
            f"energy centre along {axis}, layer {second} less layer {first}",
            "mm",
        )
        for first, second in _moves(positions)
        for axis in ("eta", "phi")
    ]
    return (*layers, *moves)


def voxels_to_observables(
    energy: Float[Array, "event voxel"],
    incident_energy: Float64[Array, " event"],
    positions: VoxelPositions,
    *,
    threshold: float = 0.0,
) -> ObservableTable:
    """Compute all observables of voxels.

    Args:
        energy: Energy of each voxel in MeV.
        incident_energy: Energy of each photon in MeV.
        positions: Where the voxels lie.
        threshold: Energy in MeV below which a voxel counts as empty.

    Returns:
        One row per shower.

    Raises:
        ValueError: If the voxels are not those of the positions, or an energy is not finite or
            below 0.
    """
    if energy.shape[1] != positions.n_voxels:
        raise ValueError(
            f"energy: expected {positions.n_voxels} voxels, as there are positions, "
            f"got {energy.shape[1]}"
        )
    if len(energy) and not (energy.min() >= 0.0 and energy.max() < np.inf):
        event, voxel = np.argwhere(~((energy >= 0.0) & (energy < np.inf)))[0]
        raise ValueError(
            f"energy: expected values of 0 or more, got {energy[event, voxel]} "
            f"in event {event}, voxel {voxel}"
        )
    observables = voxel_observables(positions, threshold=threshold)
    values = np.empty((len(energy), len(observables)))
    size = max(1, _NUMBERS_PER_BATCH // positions.n_voxels)
    for start in range(0, len(energy), size):
        rows = slice(start, start + size)
        kept = np.where(energy[rows] >= threshold, energy[rows], 0.0).astype(np.float64)
        columns = _columns(kept, incident_energy[rows], positions, threshold)
        for column, of_batch in enumerate(columns):
            values[rows, column] = of_batch
    return ObservableTable(observables, values)


def _columns(
    energy: Float64[Array, "event voxel"],
    incident_energy: Float64[Array, " event"],
    positions: VoxelPositions,
    threshold: float,
) -> Iterator[Float64[Array, " event"]]:
    """Compute the columns in the order of `voxel_observables`."""
    centers = {}
    for place, (layer, _, angles) in enumerate(_parts(positions)):
        whole = layer == _ALL
        chosen = slice(None) if whole else positions.layer_slice(place)
        pairs = _all_pairs(positions) if whole else positions.neighbours_in_alpha(place)
        axes = positions.x[chosen], positions.y[chosen], positions.r[chosen]
        part = _Part(energy[:, chosen], incident_energy, *axes, pairs)
        centers[layer] = part.mean(part.x), part.mean(part.y), part.total > 0
        for *_, compute in _rows(threshold, angles=angles):
            yield compute(part)
    for first, second in _moves(positions):
        both = centers[str(first)][2] & centers[str(second)][2]
        for axis in (0, 1):
            move = centers[str(second)][axis] - centers[str(first)][axis]
            yield np.where(both, move, 0.0)


def _parts(positions: VoxelPositions) -> list[tuple[str, str, bool]]:
    """List the layers, then all together: name, title, whether they are divided in alpha."""
    angles = [positions.has_angles(place) for place in range(len(positions.layers))]
    named = zip(positions.layers, angles, strict=True)
    return [
        *((f"{layer}", f"layer {layer}", divided) for layer, divided in named),
        (_ALL, "all layers", any(angles)),
    ]


def _rows(threshold: float, *, angles: bool) -> list[_Row]:
    """List the rows that tell something."""
    idle = {f"n_above_{limit:g}mev" for limit in COUNTED_ABOVE if limit < threshold}
    return [row for row in _ROWS if row[0] not in idle and (angles or not row[3])]


def _moves(positions: VoxelPositions) -> list[tuple[int, int]]:
    """Pair neighbouring layers that are divided in alpha."""
    layers = [layer for place, layer in enumerate(positions.layers) if positions.has_angles(place)]
    return list(pairwise(layers))


def _all_pairs(positions: VoxelPositions) -> Int64[Array, "pair 2"]:
    places = range(len(positions.layers))
    pairs = [positions.neighbours_in_alpha(p) + positions.boundaries[p] for p in places]
    return np.concatenate(pairs)


def _ratio(
    numerator: Float64[Array, " event"], denominator: Float64[Array, " event"]
) -> Float64[Array, " event"]:
    share = np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
    return np.asarray(share)
