"""The detector as data: its layers, its cells, and the range of eta that they cover.

A `Detector` is handed to whatever needs to know where layers lie or what they are for.
`calovox.geometry.barrel` gives the built-in one, and the one of a file of cells;
`calovox.geometry.detector_file` reads any other.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64, Integer
from calovox.geometry.cells import CellTable
from calovox.geometry.layers import (
    Layer,
    RadiusTables,
    Role,
    fill_radii,
    layer_positions,
    radius_tables,
)

__all__ = ["Detector"]


@dataclass(frozen=True, eq=False, repr=False)
class Detector:
    """Layers with their cells.

    Attributes:
        cells: The cells, which name the layers that they belong to.
        eta_range: Lowest and highest abs(eta) of particles whose showers it covers.
        text: Its file, if that alone says all of it; empty otherwise.
    """

    cells: CellTable
    eta_range: tuple[float, float]
    text: str = ""

    def __post_init__(self) -> None:
        low, high = self.eta_range
        if not 0.0 <= low < high < np.inf:
            raise ValueError(
                f"Detector {self.name!r}: expected `eta_range` as two rising values of abs(eta), "
                f"got {self.eta_range}"
            )
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names):
            raise ValueError(f"Detector {self.name!r}: expected different names, got {names}")
        if low == 0.0 and any(layer.position.surface == "plane" for layer in self.layers):
            raise ValueError(
                f"Detector {self.name!r}: layers on planes are never reached at eta = 0: expected "
                "`eta_range` from above 0"
            )

    def __repr__(self) -> str:
        low, high = self.eta_range
        return (
            f"Detector({self.name!r}, {len(self.layers)} layers, {len(self.cells)} cells, "
            f"{low:g} <= |eta| <= {high:g})"
        )

    @property
    def name(self) -> str:
        """What the detector is called: the name of its cells."""
        return self.cells.name

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, by rising number."""
        return self.cells.layers

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the layers."""
        return self.cells.numbers

    @cached_property
    def layers_digest(self) -> str:
        """SHA-256 of numbers, names, roles and places of the layers."""
        digest = hashlib.sha256()
        for layer in self.layers:
            place = layer.position
            words = (layer.number, layer.name, layer.role, place.surface, place.bins_per_eta)
            digest.update(repr(words).encode())
            for values in (place.inner, place.outer):
                digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return digest.hexdigest()

    @cached_property
    def cells_digest(self) -> str:
        """SHA-256 of layers and places of the cells."""
        digest = hashlib.sha256(self.cells.layer.tobytes())
        for name in ("eta", "phi", "d_eta", "d_phi"):
            values = getattr(self.cells, name)
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
        return digest.hexdigest()

    @cached_property
    def _roles(self) -> dict[int, Role]:
        return {layer.number: layer.role for layer in self.layers}

    @cached_property
    def radius_tables(self) -> RadiusTables:
        """Positions of the layers, for kernels."""
        return radius_tables(self.layers)

    def positions(self, layers: Integer[Array, "*shape"]) -> Int64[Array, "*shape"]:
        """Convert layer numbers into positions among the layers.

        Args:
            layers: Layer numbers.

        Returns:
            Positions, from 0.

        Raises:
            ValueError: If the detector has no layer of a number.
        """
        return layer_positions(layers, self.cells.positions)

    def radii(
        self, eta: Float[Array, " point"], numbers: tuple[int, ...] | None = None
    ) -> Float64[Array, "point layer"]:
        """Give the mean radii of layers in the directions of points.

        Args:
            eta: Pseudorapidity; NaN gives NaN.
            numbers: Which layers, in which order; all by default.

        Returns:
            Distance of the middle of each layer from the beam axis in mm.

        Raises:
            ValueError: If the detector has no layer of a number.
        """
        radii = np.empty((len(eta), len(self.layers)))
        fill_radii(eta, self.radius_tables, radii)
        if numbers is None or numbers == self.numbers:
            return radii
        return np.ascontiguousarray(radii[:, self.positions(np.array(numbers))])

    def cell_sides(self, numbers: tuple[int, ...]) -> dict[int, tuple[float, float]]:
        """Give the typical sides of the cells of layers.

        Args:
            numbers: Which layers.

        Returns:
            Sides along eta and phi in mm, in the middle of the detector's range, by layer number.

        Raises:
            ValueError: If a layer has no cells.
        """
        cells = self.cells
        radii = self.radii(np.array([0.5 * sum(self.eta_range)]), numbers)[0]
        sides = {}
        for number, radius in zip(numbers, radii, strict=True):
            of_layer = cells.layer == number
            if not of_layer.any():
                raise ValueError(f"detector: expected cells in layer {number}, got none")
            sides[number] = (
                float(radius * np.median(cells.d_eta[of_layer])),
                float(radius * np.median(cells.d_phi[of_layer])),
            )
        return sides

    def has_role(self, numbers: tuple[int, ...], role: Role) -> tuple[bool, ...]:
        """Tell which of some layers have a role.

        Args:
            numbers: Layer numbers.
            role: What they may be for.

        Returns:
            One answer per layer.

        Raises:
            ValueError: If the detector has no layer of a number.
        """
        if not self._roles.keys() >= set(numbers):
            self.positions(np.array(numbers))  # raises the error that names the layer
        return tuple(self._roles[number] == role for number in numbers)
