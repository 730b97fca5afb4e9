r"""The voxel grid: rings of uniform bins around the shower centre, in every layer.

Coordinates are those of `calovox.geometry.coordinates`: r in mm and alpha in [0, 2 pi) around the
shower centre of the layer. Voxels are numbered layer by layer, ring by ring outward, and
by rising alpha inside a radial bin; a grid read from a file keeps the file's
order inside each layer instead.

References:
    ATLAS Collaboration, *Photon showers in the ATLAS fast calorimeter simulation: A voxelized
    dataset with minimized information loss and improved ML models*, ATL-SOFT-PUB-2025-003 (2025),
    section 2.2, Tables 1 and 2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64, Integer, UInt8
from calovox.geometry.barrel import BARREL_LAYERS, BARREL_NAMES, BARREL_NUMBERS
from calovox.geometry.layers import Layer, check_numbers, layer_positions, position_table
from calovox.text import check_name
from calovox.voxelization.grid_toml import format_rings, parse_rings
from calovox.voxelization.lookup import GridLookup, find_voxels, make_lookup
from calovox.voxelization.ring import Ring, bins_to_rings, check_rings, merge_rings

__all__ = ["Ring", "VoxelGrid"]

_DEFAULT = (
    Ring(0.0, 20.0, 10.0, 4),
    Ring(20.0, 100.0, 20.0, 4),
    Ring(100.0, 500.0, 200.0, 4),
    Ring(500.0, 1000.0, 500.0, 4),
)
_STRIPS = (
    Ring(0.0, 3.0, 1.0, 4),
    Ring(3.0, 30.0, 4.5, 10),
    Ring(30.0, 70.0, 10.0, 14),
    Ring(70.0, 100.0, 15.0, 10),
    Ring(100.0, 220.0, 60.0, 4),
    Ring(220.0, 1020.0, 400.0, 4),
)
_MIDDLE = (
    Ring(0.0, 30.0, 6.0, 10),
    Ring(30.0, 100.0, 17.5, 10),
    Ring(100.0, 500.0, 100.0, 4),
    Ring(500.0, 1000.0, 500.0, 4),
)
_REGULAR = (
    Ring(0.0, 3.0, 1.0, 14),
    Ring(3.0, 30.0, 4.5, 14),
    Ring(30.0, 70.0, 10.0, 14),
    Ring(70.0, 100.0, 15.0, 14),
    Ring(100.0, 520.0, 60.0, 14),
    Ring(520.0, 1320.0, 400.0, 14),
)


@dataclass(frozen=True, eq=False, repr=False)
class VoxelGrid:
    """Rings of every layer, and the order of their voxels.

    Two grids are equal if they have the same voxels in the same order, whatever their names and
    however their rings are cut.

    Attributes:
        layers: Rings of each layer by its number, outward from r = 0; numbers rise.
        name: What to call the grid.
        places: For each voxel, its place in the order ring by ring outward and by rising alpha,
            if the voxels are in another order; voxels of a layer stay together.
        names: Names of the layers. If they are not given, layers with the numbers of the built-in
            barrel have its names, others are called ``layer_<number>``.
    """

    layers: Mapping[int, tuple[Ring, ...]]
    name: str = "custom"
    places: Int64[Array, " voxel"] | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name("VoxelGrid", self.name)
        check_numbers("VoxelGrid", self.numbers)
        titles = _titles(self.numbers, self.names)
        for title, rings in zip(titles, self.layers.values(), strict=True):
            check_rings(title, rings)
        if self.places is None:
            return
        for layer in self.numbers:
            of_layer = self.layer_slice(layer)
            expected = np.arange(of_layer.start, of_layer.stop)
            if not np.array_equal(np.sort(self.places[of_layer]), expected):
                raise ValueError(
                    f"VoxelGrid layer {layer}: `places` must hold each of its "
                    f"{len(expected)} voxels once"
                )

    @classmethod
    def optimal(cls, layers: Sequence[Layer] = BARREL_LAYERS) -> "VoxelGrid":
        """Build the smallest grid of the note without artifacts: 382 voxels, Table 1.

        Args:
            layers: Layers of the detector; the strips and the middle have rings of their own.

        Example:
            >>> VoxelGrid.optimal()
            VoxelGrid(optimal: 382 voxels)
        """
        special = {"strips": _STRIPS, "middle": _MIDDLE}
        rings = {layer.number: special.get(layer.role, _DEFAULT) for layer in layers}
        return cls(rings, "optimal", names=tuple(layer.name for layer in layers))

    @classmethod
    def regular(cls, layers: Sequence[Layer] = BARREL_LAYERS) -> "VoxelGrid":
        """Build the grid with equal binning in all layers: 1680 voxels, Table 2.

        Args:
            layers: Layers of the detector.
        """
        rings = {layer.number: _REGULAR for layer in layers}
        return cls(rings, "regular", names=tuple(layer.name for layer in layers))

    @classmethod
    def from_toml(cls, path: Path, layers: Sequence[Layer] = BARREL_LAYERS) -> "VoxelGrid":
        """Read a grid from a TOML file, described in `calovox.voxelization.grid_toml`.

        Args:
            path: The file; its name is the grid's, unless it has a key ``name``.
            layers: Layers of the detector, if the file does not say.

        Returns:
            The grid.

        Raises:
            ValueError: If the rings do not fit, or the file has unknown or missing keys.
        """
        try:
            text = parse_rings(path.read_text(encoding="utf-8"), layers)
            return cls(text.rings, text.name or path.stem, names=text.names)
        except (ValueError, UnicodeDecodeError) as problem:
            raise ValueError(f"{path}: {problem}") from problem

    @classmethod
    def from_arrays(
        cls,
        alpha_start: Sequence[Float[Array, "_"]],
        alpha_size: Sequence[Float[Array, "_"]],
        r_start: Sequence[Float[Array, "_"]],
        r_size: Sequence[Float[Array, "_"]],
        *,
        numbers: Sequence[int] = BARREL_NUMBERS,
        name: str = "custom",
        names: tuple[str, ...] = (),
    ) -> "VoxelGrid":
        """Find the rings of voxels given in any order.

        Args:
            alpha_start: Lower edges in alpha of the voxels of each layer, rad.
            alpha_size: Their widths in alpha, rad.
            r_start: Their inner radii in mm.
            r_size: Their radial widths in mm.
            numbers: Numbers of the layers; those of the built-in barrel by default.
            name: What to call the grid.
            names: Names of the layers.

        Returns:
            A grid with the voxels in the order given.

        Raises:
            ValueError: If bins overlap or leave holes.
        """
        edges = zip(alpha_start, alpha_size, r_start, r_size, strict=True)
        titles = _titles(numbers, names)
        layers: dict[int, tuple[Ring, ...]] = {}
        places = []
        n_voxels = 0
        for layer, title, of_voxels in zip(numbers, titles, edges, strict=True):
            layers[layer], of_layer = bins_to_rings(title, *of_voxels)
            places.append(of_layer + n_voxels)
            n_voxels += len(of_layer)
        order = np.concatenate(places)
        in_order = np.array_equal(order, np.arange(n_voxels))
        return cls(layers, name, None if in_order else order, names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VoxelGrid):
            return NotImplemented
        if self is other:
            return True
        return self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @cached_property
    def _content(self) -> tuple[tuple[int, ...], tuple[int, ...], bytes]:
        """What makes grids equal, compared at each batch of showers."""
        return self.numbers, self.layer_sizes, (self.edges + 0.0).tobytes()  # no -0

    def __repr__(self) -> str:
        return f"VoxelGrid({self.name}: {self.n_voxels} voxels)"

    def __str__(self) -> str:
        lines = [f"VoxelGrid {self.name}: {self.n_voxels} voxels"]
        lines.append(f"{'layer':<15}{'ring [mm]':>16}{'n_alpha':>9}{'d_r [mm]':>10}{'voxels':>8}")
        for (layer, rings), layer_name in zip(self.layers.items(), self.layer_names, strict=True):
            title = f"{layer:<3}{layer_name}"
            for ring in merge_rings(rings):
                lines.append(
                    f"{title:<15}{f'{ring.r_min:g} - {ring.r_max:g}':>16}{ring.n_alpha:>9}"
                    f"{ring.d_r:>10g}{ring.n_voxels:>8}"
                )
                title = ""
        return "\n".join(lines)

    def to_toml(self) -> str:
        """Write the rings as TOML, which `from_toml` reads back; the order of voxels is lost."""
        rings = {layer: merge_rings(of_layer) for layer, of_layer in self.layers.items()}
        return format_rings(self.name, rings, self.layer_names)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the layers."""
        return tuple(self.layers)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the layers."""
        return _layer_names(self.numbers, self.names)

    @cached_property
    def positions(self) -> Int64[Array, "256"]:
        """Position of the layer of each number, -1 for none."""
        return position_table(self.numbers)

    @cached_property
    def layer_sizes(self) -> tuple[int, ...]:
        """Number of voxels of each layer."""
        return tuple(sum(ring.n_voxels for ring in rings) for rings in self.layers.values())

    @cached_property
    def layer_boundaries(self) -> Int64[Array, " boundary"]:
        """Index of the first voxel of each layer, and the number of voxels behind them."""
        return np.concatenate([[0], np.cumsum(self.layer_sizes)]).astype(np.int64)

    @property
    def n_voxels(self) -> int:
        """Number of voxels of all layers."""
        return int(self.layer_boundaries[-1])

    def layer_slice(self, layer: int) -> slice:
        """Return the range of voxels of a layer.

        Args:
            layer: Its number.

        Returns:
            A slice for the voxel axis.
        """
        position = int(layer_positions(np.array([layer]), self.positions)[0])
        start, stop = self.layer_boundaries[position : position + 2]
        return slice(int(start), int(stop))

    @cached_property
    def layer(self) -> UInt8[Array, " voxel"]:
        """Number of the layer of each voxel."""
        return np.repeat(np.array(self.numbers, dtype=np.uint8), np.diff(self.layer_boundaries))

    @property
    def r_min(self) -> Float64[Array, " voxel"]:
        """Inner radius of each voxel in mm."""
        return np.asarray(self.edges[:, 0])

    @property
    def r_max(self) -> Float64[Array, " voxel"]:
        """Outer radius of each voxel in mm."""
        return np.asarray(self.edges[:, 1])

    @property
    def alpha_min(self) -> Float64[Array, " voxel"]:
        """Lower edge of each voxel in alpha, rad."""
        return np.asarray(self.edges[:, 2])

    @property
    def alpha_max(self) -> Float64[Array, " voxel"]:
        """Upper edge of each voxel in alpha, rad."""
        return np.asarray(self.edges[:, 3])

    @property
    def r_middle(self) -> Float64[Array, " voxel"]:
        """Middle of each voxel in r, mm."""
        return np.asarray(0.5 * (self.r_min + self.r_max))

    @property
    def alpha_middle(self) -> Float64[Array, " voxel"]:
        """Middle of each voxel in alpha, rad."""
        return np.asarray(0.5 * (self.alpha_min + self.alpha_max))

    @cached_property
    def lookup(self) -> GridLookup:
        """Tables with which kernels find voxels."""
        return make_lookup(self.layers, self.places)

    def find(
        self,
        layer: Integer[Array, " hit"],
        r: Float[Array, " hit"],
        alpha: Float[Array, " hit"],
    ) -> Int64[Array, " hit"]:
        """Find the voxels that hold points.

        Args:
            layer: Layer number of each point.
            r: Distance from the shower centre in mm.
            alpha: Angle around the shower centre in rad, [0, 2 pi).

        Returns:
            Indices of voxels, -1 outside the outermost ring.
        """
        return find_voxels(layer_positions(layer, self.positions), r, alpha, self.lookup)

    def doubled(self) -> tuple["VoxelGrid", Int64[Array, "voxel 4"]]:
        """Cut every voxel into four, halving it in r and in alpha.

        Returns:
            The finer grid in its natural order, and for each voxel of this one its four parts:
            (alpha low, r low), (alpha high, r low), (alpha low, r high), (alpha high, r high).
        """
        finer = {
            layer: tuple(Ring(a.r_min, a.r_max, a.d_r / 2, 2 * a.n_alpha) for a in rings)
            for layer, rings in self.layers.items()
        }
        grid = VoxelGrid(finer, f"{self.name}, doubled", names=self.names)
        parts = [
            grid.find(
                self.layer,
                self.r_min + quarter_r * (self.r_max - self.r_min),
                self.alpha_min + quarter_alpha * (self.alpha_max - self.alpha_min),
            )
            for quarter_r in (0.25, 0.75)
            for quarter_alpha in (0.25, 0.75)
        ]
        return grid, np.stack(parts, axis=1)

    @cached_property
    def edges(self) -> Float64[Array, "voxel 4"]:
        """Columns `r_min`, `r_max`, `alpha_min` and `alpha_max`."""
        parts = []
        for rings in self.layers.values():
            for ring in rings:
                alpha = 2.0 * np.pi * (np.arange(ring.n_alpha + 1) / ring.n_alpha)
                radial = np.repeat(np.arange(ring.n_r), ring.n_alpha)
                angular = np.tile(np.arange(ring.n_alpha), ring.n_r)
                r = ring.r_edges
                columns = r[radial], r[radial + 1], alpha[angular], alpha[angular + 1]
                parts.append(np.stack(columns, axis=1))
        edges = np.concatenate(parts)
        return edges if self.places is None else edges[self.places]


def _layer_names(numbers: Sequence[int], names: tuple[str, ...]) -> tuple[str, ...]:
    if names:
        return names
    if tuple(numbers) == BARREL_NUMBERS:
        return tuple(BARREL_NAMES.values())
    return tuple(f"layer_{number}" for number in numbers)


def _titles(numbers: Sequence[int], names: tuple[str, ...]) -> list[str]:
    """Say which layers messages are about."""
    known = _layer_names(numbers, names)
    if len(known) != len(numbers) or len(set(known)) < len(known):
        raise ValueError(
            f"VoxelGrid: expected a different name for each of {len(numbers)} layers, got {names}"
        )
    titles = zip(numbers, known, strict=True)
    return [f"VoxelGrid layer {number} ({name})" for number, name in titles]
