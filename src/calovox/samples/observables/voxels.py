r"""Observables of voxels: what a model of voxels must get right.

In each layer, and in all layers together, with E_i the energy of voxel i at (x_i, y_i) in mm,
x along eta and y along phi from the shower centre of its layer:

- energy over that of the photon, `e_layer_J` of layer J and `e_tot` of all;
- the energy centre D, $\langle x \rangle = \sum_i x_i E_i / \sum_i E_i$, likewise of y and r, and
  the widths $\sigma_x = \sqrt{\sum_i (x_i - \langle x \rangle)^2 E_i / \sum_i E_i}$;
- the number of voxels above 0.1, 1 and 10 MeV, and the sparsity, the share of voxels without
  energy, unless one of these counts is the same;
- the shares of the hottest 1, 5 and 10 voxels in the energy;
- the share of the energy beyond 10, 30 and 100 mm, by the middles of the voxels;
- the asymmetry in eta and phi: the energy at x > 0 less that at x < 0, over their sum;
- the roughness in alpha: $\sum |E_i - E_j| / \sum (E_i + E_j)$ over all pairs (i, j) of voxels
  that touch along alpha.

The move of the energy centre from one layer to the next tells whether layers know of each other.

A voxel below the threshold counts as empty in all of them: energies of a few keV tell samples
apart, but are no physics. Counts of voxels above energies below the threshold are left out. In a
layer without energy, the sparsity is 1 and all else 0. A width below rounding, as in a layer with
one voxel hit, is 0.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import compress, pairwise
from typing import Final

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64
from calovox.kernels import kernel
from calovox.samples.layout import VoxelLayout
from calovox.samples.observables.table import Observable, ObservableTable, ratio_or_zero

__all__ = [
    "BEYOND",
    "COUNTED_ABOVE",
    "HOTTEST",
    "LAYER_ENERGY",
    "TOTAL_ENERGY",
    "voxel_observables",
    "voxels_to_observables",
]

TOTAL_ENERGY: Final = "e_tot"
"""Name of the energy of all voxels over that of the photon."""

LAYER_ENERGY: Final = "e_layer"
"""How the names of the layer energies begin."""

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
    def sums(self) -> dict[str, Float64[Array, " event"]]:
        """Energies weighted in all the ways that are needed: the voxels are read once."""
        axes = {"x": self.x, "y": self.y, "r": self.r}
        weights = {
            "total": np.ones_like(self.r),
            **axes,
            **{f"{name}^2": axis**2 for name, axis in axes.items()},
            **{f"+{name}": (axis > 0).astype(np.float64) for name, axis in axes.items()},
            **{f"-{name}": (axis < 0).astype(np.float64) for name, axis in axes.items()},
            **{f"r>{radius:g}": (self.r > radius).astype(np.float64) for radius in BEYOND},
        }
        columns = (self.energy @ np.stack(list(weights.values()), axis=1)).T
        return dict(zip(weights, columns, strict=True))

    @property
    def total(self) -> Float64[Array, " event"]:
        return self.sums["total"]

    @cached_property
    def hottest(self) -> Float64[Array, "event some"]:
        """The hottest voxels, hottest first."""
        return _hottest_kernel(self.energy, min(HOTTEST[-1], self.energy.shape[1]))

    def share(self, energy: Float64[Array, " event"]) -> Float64[Array, " event"]:
        """Divide by the energy of the part; 0 without energy."""
        return ratio_or_zero(energy, self.total)

    def mean(self, axis: str) -> Float64[Array, " event"]:
        return self.share(self.sums[axis])

    def width(self, axis: str) -> Float64[Array, " event"]:
        square = self.mean(f"{axis}^2")
        variance = square - self.mean(axis) ** 2
        return np.sqrt(np.where(variance > _ROUNDING * square, variance, 0.0))

    def asymmetry(self, axis: str) -> Float64[Array, " event"]:
        above, below = self.sums[f"+{axis}"], self.sums[f"-{axis}"]
        return ratio_or_zero(above - below, above + below)

    def sparsity(self) -> Float64[Array, " event"]:
        n_filled = np.count_nonzero(self.energy, axis=1)
        return np.asarray(1.0 - n_filled / self.energy.shape[1])

    def roughness(self) -> Float64[Array, " event"]:
        return _roughness_kernel(self.energy, self.pairs)


_Row = tuple[str, str, str, bool, Callable[[_Part], Float64[Array, " event"]]]


def _count_above(limit: float) -> Callable[[_Part], Float64[Array, " event"]]:
    return lambda part: np.count_nonzero(part.energy > limit, axis=1).astype(np.float64)


def _share_of_hottest(count: int) -> Callable[[_Part], Float64[Array, " event"]]:
    return lambda part: part.share(part.hottest[:, :count].sum(axis=1))


def _share_beyond(radius: float) -> Callable[[_Part], Float64[Array, " event"]]:
    return lambda part: part.mean(f"r>{radius:g}")


# name, title, unit, whether it needs voxels divided in alpha, what it is
_ROWS: Final[tuple[_Row, ...]] = (
    ("e", "energy over that of the photon", "", False, lambda p: p.total / p.incident_energy),
    ("center_eta", "energy centre along eta", "mm", True, lambda p: p.mean("x")),
    ("center_phi", "energy centre along phi", "mm", True, lambda p: p.mean("y")),
    ("center_r", "mean radius", "mm", False, lambda p: p.mean("r")),
    ("width_eta", "width along eta", "mm", True, lambda p: p.width("x")),
    ("width_phi", "width along phi", "mm", True, lambda p: p.width("y")),
    ("width_r", "width along r", "mm", False, lambda p: p.width("r")),
    *(
        (f"n_above_{limit:g}mev", f"voxels above {limit:g} MeV", "", False, _count_above(limit))
        for limit in COUNTED_ABOVE
    ),
    ("sparsity", "share of voxels without energy", "", False, lambda p: p.sparsity()),
    *(
        (f"hottest_{n}", f"share of the hottest {n} voxels", "", False, _share_of_hottest(n))
        for n in HOTTEST
    ),
    *(
        (f"beyond_{r:g}mm", f"share of the energy beyond {r:g} mm", "", False, _share_beyond(r))
        for r in BEYOND
    ),
    ("asymmetry_eta", "asymmetry along eta", "", True, lambda p: p.asymmetry("x")),
    ("asymmetry_phi", "asymmetry along phi", "", True, lambda p: p.asymmetry("y")),
    ("roughness", "roughness in alpha", "", True, lambda p: p.roughness()),
)


def voxel_observables(layout: VoxelLayout, *, threshold: float = 0.0) -> tuple[Observable, ...]:
    """List the observables of a grid.

    Args:
        layout: Where the voxels lie.
        threshold: Energy in MeV below which a voxel counts as empty.

    Returns:
        One entry per column of `voxels_to_observables`.
    """
    layers = [
        Observable(_name(name, layer), f"{title}, {where}", unit)
        for layer, where, angles in _parts(layout)
        for name, title, unit, _, _ in _rows(threshold, angles=angles)
    ]
    moves = [
        Observable(
            f"move_{axis}_{first}_{second}",
            f"energy centre along {axis}, layer {second} less layer {first}",
            "mm",
        )
        for first, second in _moves(layout)
        for axis in ("eta", "phi")
    ]
    return (*layers, *moves)


def voxels_to_observables(
    energy: Float[Array, "event voxel"],
    incident_energy: Float64[Array, " event"],
    layout: VoxelLayout,
    *,
    threshold: float = 0.0,
    only: Collection[str] | None = None,
) -> ObservableTable:
    """Compute observables of voxels.

    Args:
        energy: Energy of each voxel in MeV.
        incident_energy: Energy of each photon in MeV.
        layout: Where the voxels lie.
        threshold: Energy in MeV below which a voxel counts as empty.
        only: Names of those that are wanted; None for all.

    Returns:
        One row per shower.

    Raises:
        ValueError: If the voxels are not those of the layout, or an energy is not finite or
            below 0.
    """
    if energy.shape[1] != layout.n_voxels:
        raise ValueError(
            f"energy: expected {layout.n_voxels} voxels, as the layout has, got {energy.shape[1]}"
        )
    if len(energy) and not (energy.min() >= 0.0 and energy.max() < np.inf):
        event, voxel = np.argwhere(~((energy >= 0.0) & (energy < np.inf)))[0]
        raise ValueError(
            f"energy: expected values of 0 or more, got {energy[event, voxel]} "
            f"in event {event}, voxel {voxel}"
        )
    observables = voxel_observables(layout, threshold=threshold)
    wanted = [only is None or observable.name in only for observable in observables]
    chosen = tuple(compress(observables, wanted))
    values = np.empty((len(energy), len(chosen)))
    size = max(1, _NUMBERS_PER_BATCH // layout.n_voxels)
    for start in range(0, len(energy), size):
        rows = slice(start, start + size)
        kept = np.where(energy[rows] >= threshold, energy[rows], 0.0).astype(np.float64)
        columns = compress(_columns(kept, incident_energy[rows], layout, threshold), wanted)
        for column, compute in enumerate(columns):
            values[rows, column] = compute()
    return ObservableTable(chosen, values)


def _columns(
    energy: Float64[Array, "event voxel"],
    incident_energy: Float64[Array, " event"],
    layout: VoxelLayout,
    threshold: float,
) -> Iterator[Callable[[], Float64[Array, " event"]]]:
    """Give what computes the columns, in the order of `voxel_observables`."""
    parts: dict[str, _Part] = {}
    for place, (layer, _, angles) in enumerate(_parts(layout)):
        whole = layer == _ALL
        chosen = slice(None) if whole else layout.layer_slice(place)
        pairs = _all_pairs(layout) if whole else layout.neighbours_in_alpha(place)
        axes = layout.x[chosen], layout.y[chosen], layout.r[chosen]
        part = _Part(energy[:, chosen], incident_energy, *axes, pairs)
        parts[layer] = part
        for *_, compute in _rows(threshold, angles=angles):
            yield partial(compute, part)
    for first, second in _moves(layout):
        for axis in ("x", "y"):
            yield partial(_move, parts[str(first)], parts[str(second)], axis)


def _move(first: _Part, second: _Part, axis: str) -> Float64[Array, " event"]:
    """Tell how far the energy centre moves; 0 if a layer has no energy."""
    both = (first.total > 0) & (second.total > 0)
    return np.where(both, second.mean(axis) - first.mean(axis), 0.0)


def _parts(layout: VoxelLayout) -> list[tuple[str, str, bool]]:
    """List the layers, then all together: name, title, whether they are divided in alpha."""
    angles = [layout.has_angles(place) for place in range(len(layout.layers))]
    named = zip(layout.layers, angles, strict=True)
    return [
        *((f"{layer}", f"layer {layer}", divided) for layer, divided in named),
        (_ALL, "all layers", any(angles)),
    ]


def _rows(threshold: float, *, angles: bool) -> list[_Row]:
    """List the rows that are not the same for all showers, or twice the same."""
    idle = {f"n_above_{limit:g}mev" for limit in COUNTED_ABOVE if limit < threshold}
    if threshold in COUNTED_ABOVE:
        idle.add("sparsity")
    return [row for row in _ROWS if row[0] not in idle and (angles or not row[3])]


def _name(row: str, layer: str) -> str:
    if row == "e":
        return TOTAL_ENERGY if layer == _ALL else f"{LAYER_ENERGY}_{layer}"
    return f"{row}_{layer}"


def _moves(layout: VoxelLayout) -> list[tuple[int, int]]:
    """Pair neighbouring layers that are divided in alpha."""
    layers = [layer for place, layer in enumerate(layout.layers) if layout.has_angles(place)]
    return list(pairwise(layers))


def _all_pairs(layout: VoxelLayout) -> Int64[Array, "pair 2"]:
    places = range(len(layout.layers))
    pairs = [layout.neighbours_in_alpha(p) + layout.boundaries[p] for p in places]
    return np.concatenate(pairs)


@kernel()
def _roughness_kernel(energy: Array, pairs: Array) -> Array:
    """Compute sum |a - b| / sum (a + b) over pairs of voxels; 0 without energy."""
    found = np.zeros(len(energy))
    for event in range(len(energy)):
        difference, total = 0.0, 0.0
        for pair in range(len(pairs)):
            first, second = energy[event, pairs[pair, 0]], energy[event, pairs[pair, 1]]
            difference += abs(first - second)
            total += first + second
        if total > 0.0:
            found[event] = difference / total
    return found


@kernel()
def _hottest_kernel(energy: Array, most: int) -> Array:
    """Keep the largest energies of each event, the largest first."""
    found = np.zeros((len(energy), most))
    for event in range(len(energy)):
        best = found[event]
        for voxel in range(energy.shape[1]):
            value = energy[event, voxel]
            # nearly all voxels end here; the others are sorted in by insertion
            if value <= best[most - 1]:
                continue
            place = most - 1
            while place > 0 and best[place - 1] < value:
                best[place] = best[place - 1]
                place -= 1
            best[place] = value
    return found
