r"""Layers of a calorimeter: their numbers, names and roles, and where they lie.

A layer lies between two surfaces. Those of a barrel are cylinders round the beam axis, whose
radii may differ between bins of abs(eta); those of an endcap, or of a stack of plates across the
beam, are planes at z. The point of a layer in the direction eta is the middle between the
surfaces; its distance from the beam axis is the mean radius of a cylinder, and z / sinh abs(eta)
on a plane.

Everything that a shower passes through asks a layer for its role, not for its number: numbers are
names that files use.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal, NamedTuple, get_args

import numpy as np

from calovox.arrays import Array, Bool, Float, Float64, Int64, Integer
from calovox.kernels import kernel

__all__ = [
    "NO_LAYER",
    "Layer",
    "Position",
    "RadiusTables",
    "Role",
    "check_numbers",
    "fill_radii",
    "layer_positions",
    "position_table",
    "radius_tables",
]

NO_LAYER: Final = 255
"""The number of no layer: what deposits have that no layer reads out."""

Role = Literal["presampler", "strips", "middle", "back", "tile", "other"]
"""What a layer is for: `strips` are fine in eta, `middle` holds most of a photon's energy."""


@dataclass(frozen=True, eq=False)
class Position:
    """The two surfaces of a layer, in bins of abs(eta); beyond the last bin, its values hold.

    Attributes:
        surface: Whether they are cylinders round the beam axis or planes across it.
        inner: Nearer surface: radius of a cylinder, abs(z) of a plane, in mm.
        outer: Farther surface, likewise.
        bins_per_eta: Bins per unit of abs(eta).
    """

    surface: Literal["cylinder", "plane"]
    inner: Float64[Array, " bin"]
    outer: Float64[Array, " bin"]
    bins_per_eta: float = 1.0

    def __post_init__(self) -> None:
        if self.surface not in ("cylinder", "plane"):
            raise ValueError(
                f"Position: expected `surface` cylinder or plane, got {self.surface!r}"
            )
        if len(self.inner) == 0 or len(self.inner) != len(self.outer):
            raise ValueError(
                f"Position: expected as many values of `outer` as of `inner`, one or more, got "
                f"{len(self.outer)} and {len(self.inner)}"
            )
        if not np.all((self.inner > 0) & (self.inner < self.outer) & (self.outer < np.inf)):
            raise ValueError("Position: expected 0 < `inner` < `outer` in every bin")
        if not 0 < self.bins_per_eta < np.inf:
            raise ValueError(f"Position: expected `bins_per_eta` above 0, got {self.bins_per_eta}")

    @classmethod
    def between(
        cls, surface: Literal["cylinder", "plane"], inner: float, outer: float
    ) -> "Position":
        """Build a layer whose surfaces are the same for all eta.

        Args:
            surface: Whether they are cylinders or planes.
            inner: Nearer surface in mm.
            outer: Farther surface in mm.

        Returns:
            The position.

        Example:
            >>> Position.between("plane", 3700.0, 3900.0).radius(np.array([2.0])).round(2).tolist()
            [1047.74]
        """
        return cls(surface, np.array([inner]), np.array([outer]))

    @property
    def middle(self) -> Float64[Array, " bin"]:
        """Middle between the surfaces in mm."""
        return np.asarray(0.5 * (self.inner + self.outer))

    def radius(self, eta: Float[Array, "..."] | float) -> Float64[Array, "..."]:
        """Give the distance of the middle of the layer from the beam axis.

        Args:
            eta: Pseudorapidity; NaN, the centre of an empty shower, gives NaN.

        Returns:
            Radius in mm.
        """
        middle = self._by_eta(self.middle, eta)
        along = middle if self.surface == "cylinder" else middle / np.sinh(np.abs(eta))
        return np.asarray(along)

    def thickness(self, eta: Float[Array, "..."] | float) -> Float64[Array, "..."]:
        """Give the distance of the two surfaces, along the radius or along z.

        Args:
            eta: Pseudorapidity; NaN gives NaN.

        Returns:
            Thickness in mm.
        """
        return self._by_eta(self.outer - self.inner, eta)

    def _by_eta(self, values: Float64[Array, " bin"], eta: Float[Array, "..."] | float) -> Array:
        bins = np.floor(np.abs(np.asarray(eta, dtype=np.float64)) * self.bins_per_eta)
        places = np.asarray(np.fmin(bins, len(values) - 1), dtype=np.int64)
        return np.where(np.isnan(eta), np.nan, values[places])


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of a calorimeter.

    Attributes:
        number: Its number in files, 0 to 254.
        name: Its name.
        role: What it is for.
        position: Where it lies.
    """

    number: int
    name: str
    role: Role
    position: Position

    def __post_init__(self) -> None:
        check_numbers("Layer", (self.number,))
        if not self.name:
            raise ValueError(f"Layer {self.number}: expected a `name`, got none")
        if self.role not in get_args(Role):
            raise ValueError(
                f"Layer {self.number}: expected a `role` out of {', '.join(get_args(Role))}, "
                f"got {self.role!r}"
            )

    def __repr__(self) -> str:
        return f"Layer({self.number}, {self.name!r}, {self.role})"


def check_numbers(what: str, numbers: Sequence[int]) -> None:
    """Refuse layer numbers that do not rise from 0 or more to `NO_LAYER` - 1 or less.

    Args:
        what: Whose numbers they are, for the message.
        numbers: Numbers of layers, in order.

    Raises:
        ValueError: If there are none, or they do not rise in the range.
    """
    good = len(numbers) > 0 and numbers[0] >= 0 and numbers[-1] < NO_LAYER
    if not good or any(after <= before for before, after in pairwise(numbers)):
        raise ValueError(
            f"{what}: expected layers in the order of their numbers, 0 to {NO_LAYER - 1}, "
            f"got {tuple(numbers)}"
        )


def position_table(numbers: Sequence[int]) -> Int64[Array, "256"]:
    """Tabulate the positions of layers among others, for kernels and for `layer_positions`.

    Args:
        numbers: Numbers of the layers, in order.

    Returns:
        Position at each number from 0 to 255, -1 where there is no layer.
    """
    table = np.full(NO_LAYER + 1, -1, dtype=np.int64)
    table[list(numbers)] = np.arange(len(numbers))
    return table


def layer_positions(
    layers: Integer[Array, "*shape"], table: Int64[Array, "256"]
) -> Int64[Array, "*shape"]:
    """Convert layer numbers into positions.

    Args:
        layers: Layer numbers.
        table: Positions from `position_table`.

    Returns:
        Positions, from 0.

    Raises:
        ValueError: If a number is not one of the table.
    """
    numbers = np.asarray(layers)
    if numbers.dtype != np.uint8:
        numbers = np.where((numbers < 0) | (numbers > NO_LAYER), NO_LAYER, numbers)
    positions: Int64[Array, "*shape"] = table[numbers]
    if np.any(positions < 0):
        first = np.asarray(layers)[positions < 0].flat[0]
        known = tuple(int(number) for number in np.flatnonzero(table >= 0))
        raise ValueError(f"layers: expected numbers out of {known}, got {first}")
    return positions


class RadiusTables(NamedTuple):
    """Positions of layers as plain arrays, for `fill_radii`.

    Attributes:
        middles: Middles of the layers in their bins of abs(eta), one layer after the other.
        starts: Where the bins of each layer start, and the number of bins behind them.
        bins_per_eta: Bins per unit of abs(eta) of each layer.
        is_plane: Whether the middle is a z.
    """

    middles: Float64[Array, " bin"]
    starts: Int64[Array, " boundary"]
    bins_per_eta: Float64[Array, " layer"]
    is_plane: Bool[Array, " layer"]


def radius_tables(layers: Sequence[Layer]) -> RadiusTables:
    """Tabulate the positions of layers.

    Args:
        layers: The layers, in order.

    Returns:
        The tables.
    """
    middles = [layer.position.middle for layer in layers]
    return RadiusTables(
        middles=np.concatenate(middles),
        starts=np.cumsum([0, *map(len, middles)]).astype(np.int64),
        bins_per_eta=np.array([float(layer.position.bins_per_eta) for layer in layers]),
        is_plane=np.array([layer.position.surface == "plane" for layer in layers]),
    )


@kernel()
def fill_radii(eta: Array, tables: RadiusTables, radii: Array) -> None:
    """Fill in the mean radius of every layer at every eta; see `Position.radius`."""
    for point in range(eta.size):
        size = abs(eta[point])
        if math.isnan(size):
            radii[point] = math.nan
            continue
        for layer in range(radii.shape[1]):
            start = tables.starts[layer]
            last = tables.starts[layer + 1] - 1
            scaled = size * tables.bins_per_eta[layer]
            # compared before it becomes a whole number: eta may be infinite
            place = start + int(scaled) if scaled < last - start else last
            middle = tables.middles[place]
            radii[point, layer] = middle / math.sinh(size) if tables.is_plane[layer] else middle
