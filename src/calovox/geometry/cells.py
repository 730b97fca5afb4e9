r"""Cells of the calorimeter, and their place on the grid of their layer.

The file ``CaloCells.root`` of the real detector, distributed with FastCaloSim, has one entry per
cell in the TTree ``caloDetCells``. Cells that do not belong to the main grid of their layer
(the coarser ends of EMB1 and EMB2 beyond abs(eta) = 1.4) are left out by the reader.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from calovox.arrays import Array, Float64, Int32, Int64, UInt8, UInt64
from calovox.files.damage import reading
from calovox.files.root import open_root
from calovox.geometry.layers import Layer, check_numbers, layer_positions, position_table
from calovox.geometry.lookup import BarrelLookup, CellLookup, TableLookup

__all__ = ["CellFileError", "CellTable", "check_ranges"]

_TREE = "caloDetCells"
_BRANCHES = ("id", "layer", "eta", "phi", "r", "z", "deta", "dphi", "dr")
_TWO_PI = 2.0 * np.pi
_RANGES = {
    "id": (0.0, 2.0**64),
    "layer": (0.0, 255.0),
    **dict.fromkeys(("eta", "phi"), (-10.0, 10.0)),
    **{"r": (0.0, 1e5), "z": (-1e5, 1e5), "dr": (0.0, 1e5)},
    **dict.fromkeys(("deta", "dphi"), (1e-4, _TWO_PI)),
}
"""What the columns may hold; lengths in mm. Cells of one position in phi span all of it."""


class CellFileError(ValueError):
    """A file of cells that cannot be used, and why."""


@dataclass(frozen=True, eq=False)
class CellTable:
    """Cells of all layers, sorted by layer, then by position in eta, then in phi.

    The positions number the cells that exist: where cells are missing, as at eta = 0 in EMB1,
    the next position belongs to the next cell.

    Attributes:
        id: Identifier of each cell.
        layer: Layer number.
        eta: Pseudorapidity of the centre.
        phi: Azimuth of the centre in rad, [-pi, pi).
        r: Distance of the centre from the beam axis in mm.
        z: Position of the centre along the beam axis in mm.
        d_eta: Width in pseudorapidity.
        d_phi: Width in azimuth in rad.
        d_r: Thickness along the radius in mm.
        eta_index: Position inside the layer by rising eta, from 0.
        phi_index: Position inside the layer by rising phi, 0 at -pi.
        name: What the table describes.
        layers: The layers, by rising number; some may have no cells.
    """

    id: UInt64[Array, " cell"]
    layer: UInt8[Array, " cell"]
    eta: Float64[Array, " cell"]
    phi: Float64[Array, " cell"]
    r: Float64[Array, " cell"]
    z: Float64[Array, " cell"]
    d_eta: Float64[Array, " cell"]
    d_phi: Float64[Array, " cell"]
    d_r: Float64[Array, " cell"]
    eta_index: Int32[Array, " cell"]
    phi_index: Int32[Array, " cell"]
    name: str
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        columns = {k: v for k, v in vars(self).items() if k not in ("name", "layers")}
        sizes = {name: len(values) for name, values in columns.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"CellTable: expected columns of one length, got {sizes}")
        check_numbers("CellTable", self.numbers)
        if np.any(np.diff(layer_positions(self.layer, self.positions)) < 0):
            raise ValueError("CellTable: expected cells sorted by layer")
        for layer in self.numbers:
            rows = self.layer == layer
            indices = np.stack([self.eta_index[rows], self.phi_index[rows]])
            shape = indices.max(axis=1, initial=-1) + 1
            if not np.array_equal(indices, np.indices(shape).reshape(2, -1)):
                raise ValueError(
                    f"CellTable layer {layer}: expected a full grid of cells, sorted by "
                    f"`eta_index` and then `phi_index`, got {np.count_nonzero(rows)} cells that "
                    f"do not fill {shape[0]} x {shape[1]} positions in that order"
                )

    @classmethod
    def from_root(
        cls,
        path: str | Path,
        layers: tuple[Layer, ...],
        *,
        max_abs_eta: float | None = None,
    ) -> "CellTable":
        """Read ``CaloCells.root``.

        Args:
            path: The file.
            layers: Layers to read; those that the file does not have get no cells.
            max_abs_eta: Keep only rows of cells whose mean abs(eta) is below this.

        Returns:
            The cells of the main grid of each layer.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is no ROOT file, lacks the tree or its branches, has no cells
                of these layers, or cells of a layer that form no grid.
        """
        numbers = tuple(layer.number for layer in layers)
        check_numbers("layers", numbers)
        columns = _read_columns(Path(path))
        if not np.isin(columns["layer"], numbers).any():
            raise ValueError(f"{path}: expected cells of layers {numbers}, found none")
        with reading(Path(path), CellFileError, "is no table of cells"):
            return cls.from_columns(columns, layers, Path(path).stem, max_abs_eta=max_abs_eta)

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, Array],
        layers: tuple[Layer, ...],
        name: str,
        *,
        max_abs_eta: float | None = None,
    ) -> "CellTable":
        """Sort cells into the grids of their layers.

        Args:
            columns: Columns by the names of the branches of ``CaloCells.root``; cells of other
                layers are left out.
            layers: The layers; those without cells get none.
            name: What to call the table.
            max_abs_eta: Keep only rows of cells whose mean abs(eta) is below this.

        Returns:
            The cells of the main grid of each layer.

        Raises:
            ValueError: If cells of a layer form no grid.
        """
        present = [layer.number for layer in layers if layer.number in columns["layer"]]
        parts = [_layer_grid(columns, number, max_abs_eta) for number in present]
        joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        return cls(
            id=joined["id"].astype(np.uint64),
            layer=joined["layer"].astype(np.uint8),
            eta=joined["eta"],
            phi=joined["phi"],
            r=joined["r"],
            z=joined["z"],
            d_eta=joined["deta"],
            d_phi=joined["dphi"],
            d_r=joined["dr"],
            eta_index=joined["eta_index"].astype(np.int32),
            phi_index=joined["phi_index"].astype(np.int32),
            name=name,
            layers=layers,
        )

    @staticmethod
    def columns_of_root(path: Path) -> dict[str, Array]:
        """Read the columns of a file like ``CaloCells.root``, of all its layers.

        Args:
            path: The file.

        Returns:
            Columns by the names of the branches.

        Raises:
            CellFileError: If it is no such file.
        """
        return _read_columns(path)

    def __len__(self) -> int:
        return len(self.id)

    def __repr__(self) -> str:
        return f"CellTable({self.name!r}, {len(self)} cells)"

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the layers."""
        return tuple(layer.number for layer in self.layers)

    @cached_property
    def positions(self) -> Int64[Array, "256"]:
        """Position of the layer of each number, -1 for none."""
        return position_table(self.numbers)

    def grid_shape(self, layer: int) -> tuple[int, int]:
        """Give the numbers of cells of a layer along eta and phi.

        Args:
            layer: Layer number.

        Returns:
            Numbers of cells; (0, 0) for a layer without cells.
        """
        n_eta, n_phi = self.index_grid(layer).shape
        return n_eta, n_phi

    def index_grid(self, layer: int) -> Int64[Array, "eta phi"]:
        """Give the rows of a layer's cells, arranged by their positions.

        Args:
            layer: Layer number.

        Returns:
            Row of the table at [eta_index, phi_index]; not to be written to.

        Raises:
            ValueError: If there is no such layer.
        """
        return self._index_grids[int(layer_positions(np.array([layer]), self.positions)[0])]

    def at(self, layer: int, eta_index: int, phi_index: int) -> int:
        """Give the row of the cell at a position of a layer.

        Args:
            layer: Layer number.
            eta_index: Position in eta.
            phi_index: Position in phi; counted modulo the number of cells around.

        Returns:
            Row of the table, -1 outside the layer.
        """
        grid = self.index_grid(layer)
        if not 0 <= eta_index < grid.shape[0]:
            return -1
        return int(grid[eta_index, phi_index % grid.shape[1]])

    def lookup(self) -> CellLookup:
        """Make the fastest look-up that is exact for this table.

        Returns:
            `BarrelLookup` if the cells of every layer tile a regular grid, else `TableLookup`.
        """
        return self._lookup

    @cached_property
    def _index_grids(self) -> list[Int64[Array, "eta phi"]]:
        grids = []
        for layer in self.numbers:
            rows = np.flatnonzero(self.layer == layer)
            n_phi = int(self.phi_index[rows].max(initial=-1)) + 1
            grids.append(rows.reshape(-1, n_phi) if n_phi else np.empty((0, 0), np.int64))
        return grids

    @cached_property
    def _lookup(self) -> CellLookup:
        try:
            return BarrelLookup.from_table(self)
        except ValueError:
            return TableLookup.from_table(self)


def _read_columns(path: Path) -> dict[str, Array]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    whole = ("id", "layer")
    with open_root(path, CellFileError, "is no readable ROOT file") as file:
        tree = file.get(_TREE, {})
        missing = [name for name in _BRANCHES if name not in tree]
        if missing:
            raise CellFileError(
                f"{path}: the TTree `{_TREE}` lacks the branches {', '.join(missing)}"
            )
        raw = tree.arrays(_BRANCHES, library="np")
        check_ranges(path, raw)
        return {k: v.astype(np.uint64 if k in whole else np.float64) for k, v in raw.items()}


def check_ranges(path: Path, columns: Mapping[str, Array]) -> None:
    """Refuse columns of cells that cannot be right.

    Args:
        path: Where they are from, for messages.
        columns: Numbers by the names of the branches of ``CaloCells.root``.

    Raises:
        CellFileError: If a number is out of range, or there is not one per cell.
    """
    for name, values in columns.items():
        _check_range(path, name, values, *_RANGES[name])


def _check_range(path: Path, name: str, values: Array, low: float, high: float) -> None:
    if values.ndim != 1:
        raise CellFileError(f"{path}: expected one number per cell in `{name}`")
    wrong = np.flatnonzero(~((values >= low) & (values <= high)))
    if len(wrong):
        raise CellFileError(
            f"{path}: expected numbers from {low:g} to {high:g} in `{name}`, got "
            f"{values[wrong[0]]} in row {wrong[0]}"
        )


def _layer_grid(
    columns: Mapping[str, Array], layer: int, max_abs_eta: float | None
) -> dict[str, Array]:
    """Select the main grid of a layer, sorted, with the positions on it."""
    rows = np.flatnonzero(columns["layer"] == layer)
    sizes = np.stack([columns["deta"][rows], columns["dphi"][rows]]).round(6)
    kinds, kind, counts = np.unique(sizes, axis=1, return_inverse=True, return_counts=True)
    rows = rows[kind.reshape(-1) == np.argmax(counts)]  # numpy 2.0.0: two axes
    n_phi = round(_TWO_PI / kinds[1, np.argmax(counts)])
    phi_index = np.floor((columns["phi"][rows] + np.pi) * n_phi / _TWO_PI).astype(np.int64)
    if len(rows) % n_phi or np.any(np.bincount(phi_index, minlength=n_phi) != len(rows) // n_phi):
        raise ValueError(f"layer {layer}: expected as many cells at each of {n_phi} phi positions")
    order = np.lexsort((columns["eta"][rows], phi_index))
    grid = rows[order].reshape(n_phi, -1).T
    if max_abs_eta is not None:
        grid = grid[np.abs(columns["eta"][grid].mean(axis=1)) < max_abs_eta]
    part = {name: values[grid].ravel() for name, values in columns.items()}
    eta_index, phi_index = np.indices(grid.shape)
    return part | {"eta_index": eta_index.ravel(), "phi_index": phi_index.ravel()}
