r"""From a point of a layer to the cell that holds it.

The square around a cell is measured in units of its own half-widths: a point lies at the distance

$$d = \max\left(\frac{|\eta - \eta_{cell}|}{\Delta\eta / 2},
\frac{|\phi - \phi_{cell}|}{\Delta\phi / 2}\right)$$

from it, and d <= 1 means inside. `BarrelLookup` serves tables whose cells tile a regular grid:
bins are half open, lower edge included, with edges k / n in eta (n cells per unit of eta) and
-pi + k 2 pi / n in phi, so that every point has one cell or none. `TableLookup` serves any table:
cells of the real detector are displaced by alignment, therefore they overlap or leave gaps of
some 1e-5, and a point goes to the cell of the smallest d if that is at most 1 + `GAP_TOLERANCE`.
Both have the same compiled function, `find_cell`, for use inside other kernels.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Float, Float64, Int32, Int64, Integer, UInt8
from calovox.geometry.layers import layer_positions
from calovox.geometry.lookup_kernel import (
    GAP_TOLERANCE,
    GRID_TYPE,
    LookupParameters,
    find_all,
    find_cell,
)
from calovox.kernels import kernel

__all__ = ["BarrelLookup", "CellLookup", "Cells", "TableLookup"]

_TWO_PI = 2.0 * math.pi
_ALIGNED = 1e-9


@kernel()
def _candidate_kernel(
    position: int, rows: Array, parameters: LookupParameters, margin: float, fill: bool
) -> None:
    """Count the cells near every bin of a layer, or fill the lists that were counted."""
    # counts are kept in bins[bin + 1]; while lists are filled, bins[bin] moves on
    grid = parameters.grids[position]
    width = _TWO_PI / grid.n_phi
    # called twice: `bins` first counts the cells of each bin, then says where the next one goes
    for row in rows:
        eta, phi, per_half_eta, per_half_phi = parameters.boxes[row]
        d_eta = margin / per_half_eta
        d_phi = margin / per_half_phi
        low = math.floor((eta - d_eta) * grid.bins_per_eta) - grid.first_bin
        high = math.floor((eta + d_eta) * grid.bins_per_eta) - grid.first_bin
        left = math.floor((phi - d_phi + math.pi) / width)
        # a wide cell may reach round the detector: no bin gets it twice
        right = min(math.floor((phi + d_phi + math.pi) / width), left + grid.n_phi - 1)
        for i in range(low, high + 1):
            for j in range(left, right + 1):
                place = grid.offset + i * grid.n_phi + j % grid.n_phi
                if fill:
                    parameters.candidates[parameters.bins[place]] = row
                    parameters.bins[place] += 1
                else:
                    parameters.bins[place + 1] += 1


@runtime_checkable
class Cells(Protocol):
    """What a look-up needs of cells; `calovox.geometry.CellTable` has it, and says what it is."""

    @property
    def name(self) -> str:
        """What the cells are called."""
        ...

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the layers, rising."""
        ...

    @property
    def positions(self) -> Int64[Array, "256"]:
        """Position of the layer of each number, -1 for none."""
        ...

    @property
    def layer(self) -> UInt8[Array, " cell"]:
        """Layer number of each cell."""
        ...

    @property
    def eta(self) -> Float64[Array, " cell"]:
        """Pseudorapidity of the centres."""
        ...

    @property
    def phi(self) -> Float64[Array, " cell"]:
        """Azimuth of the centres in rad."""
        ...

    @property
    def d_eta(self) -> Float64[Array, " cell"]:
        """Widths in pseudorapidity."""
        ...

    @property
    def d_phi(self) -> Float64[Array, " cell"]:
        """Widths in azimuth in rad."""
        ...

    @property
    def phi_index(self) -> Int32[Array, " cell"]:
        """Position inside the layer by rising phi."""
        ...

    def index_grid(self, layer: int) -> Int64[Array, "eta phi"]:
        """Give the rows of a layer's cells by their positions in eta and phi."""
        ...


@runtime_checkable
class CellLookup(Protocol):
    """Finds the cell of any point of a layer."""

    @property
    def parameters(self) -> LookupParameters:
        """Plain arrays for `find_cell`."""
        ...

    def find(
        self,
        layer: Integer[Array, " point"],
        eta: Float[Array, " point"],
        phi: Float[Array, " point"],
    ) -> Int64[Array, " point"]:
        """Find the rows of the cell table that hold the points, -1 outside all cells."""
        ...


@dataclass(frozen=True)
class BarrelLookup:
    """Look-up by arithmetic, for tables whose cells tile a regular grid in each layer."""

    parameters: LookupParameters
    kernel = staticmethod(find_cell)

    @classmethod
    def from_table(cls, table: Cells) -> "BarrelLookup":
        """Derive the grids from a table.

        Args:
            table: The cells.

        Returns:
            The look-up.

        Raises:
            ValueError: If the cells of a layer do not sit on the bins of a regular grid.
        """
        grids = np.concatenate([_regular_grid(table, layer) for layer in table.numbers])
        grids["offset"] = np.cumsum(grids["n_eta"]) - grids["n_eta"]
        bins = np.full(grids["n_eta"].sum(), -1, dtype=np.int32)
        for grid, layer in zip(grids, table.numbers, strict=True):
            first_rows = table.index_grid(layer)[:, :1].ravel()
            eta_bins = np.floor(table.eta[first_rows] * grid["bins_per_eta"]).astype(np.int64)
            bins[grid["offset"] + eta_bins - grid["first_bin"]] = first_rows
        return cls(_parameters(table, grids, bins, regular=True))

    def find(
        self,
        layer: Integer[Array, " point"],
        eta: Float[Array, " point"],
        phi: Float[Array, " point"],
    ) -> Int64[Array, " point"]:
        """Find the cell whose bin contains each point.

        Args:
            layer: Layer number of each point.
            eta: Pseudorapidity of each point.
            phi: Azimuth of each point in rad.

        Returns:
            Rows of the cell table, -1 outside all cells.
        """
        return _find(self.parameters, layer, eta, phi)


@dataclass(frozen=True)
class TableLookup:
    """Look-up for any table: the nearest of the cells that come near a point's bin."""

    parameters: LookupParameters
    kernel = staticmethod(find_cell)

    @classmethod
    def from_table(cls, table: Cells) -> "TableLookup":
        """Sort the cells of a table into bins.

        Args:
            table: The cells.

        Returns:
            The look-up.
        """
        grids = np.concatenate([_covering_grid(table, layer) for layer in table.numbers])
        sizes = grids["n_eta"] * grids["n_phi"]
        grids["offset"] = np.cumsum(sizes) - sizes
        boxes = np.stack([table.eta, table.phi, 2.0 / table.d_eta, 2.0 / table.d_phi], axis=1)
        # Counts go one place further right, so that filling the lists ends with their starts.
        bins = np.zeros(sizes.sum() + 2, dtype=np.int32)
        counting = _parameters(table, grids, bins[1:], regular=False)._replace(boxes=boxes)
        rows = [np.flatnonzero(table.layer == layer) for layer in table.numbers]
        margin = 1.0 + GAP_TOLERANCE + _ALIGNED
        for position in range(len(rows)):
            _candidate_kernel(position, rows[position], counting, margin, False)
        np.cumsum(bins, out=bins)
        filling = counting._replace(candidates=np.empty(bins[-1], dtype=np.int32))
        for position in range(len(rows)):
            _candidate_kernel(position, rows[position], filling, margin, True)
        return cls(filling._replace(bins=bins))

    def find(
        self,
        layer: Integer[Array, " point"],
        eta: Float[Array, " point"],
        phi: Float[Array, " point"],
    ) -> Int64[Array, " point"]:
        """Find the nearest cell of each point, in units of the cell's own half-widths.

        Args:
            layer: Layer number of each point.
            eta: Pseudorapidity of each point.
            phi: Azimuth of each point in rad.

        Returns:
            Rows of the cell table, -1 where no cell is within 1 + `GAP_TOLERANCE`; where two are
            equally near, the higher row.
        """
        return _find(self.parameters, layer, eta, phi)


def _grid(bins_per_eta: float, first_bin: int, n_eta: int, n_phi: int) -> Array:
    return np.array([(bins_per_eta, first_bin, n_eta, n_phi, 0)], dtype=GRID_TYPE)


def _regular_grid(table: Cells, layer: int) -> Array:
    rows = np.flatnonzero(table.layer == layer)
    if not len(rows):
        return _grid(1.0, 0, 0, 1)
    d_eta, d_phi = table.d_eta[rows], table.d_phi[rows]
    bins_per_eta, n_phi = float(round(1.0 / d_eta[0])), round(_TWO_PI / d_phi[0])
    i = table.eta[rows] * bins_per_eta - 0.5
    j = (table.phi[rows] + math.pi) * n_phi / _TWO_PI - 0.5
    deviations = (
        i - np.round(i),
        j - table.phi_index[rows],
        d_eta * bins_per_eta - 1.0,
        d_phi * n_phi / _TWO_PI - 1.0,
    )
    if any(np.abs(deviation).max() > _ALIGNED for deviation in deviations):
        raise ValueError(
            f"BarrelLookup: expected cells of layer {layer} on a regular grid, got others in "
            f"'{table.name}': use TableLookup"
        )
    first, last = round(i.min()), round(i.max())
    return _grid(bins_per_eta, first, last - first + 1, n_phi)


def _covering_grid(table: Cells, layer: int) -> Array:
    rows = np.flatnonzero(table.layer == layer)
    if not len(rows):
        return _grid(1.0, 0, 0, 1)
    eta, d_eta = table.eta[rows], table.d_eta[rows]
    bins_per_eta = float(round(1.0 / d_eta.min()))
    first = math.floor((eta - d_eta).min() * bins_per_eta)
    last = math.floor((eta + d_eta).max() * bins_per_eta)
    return _grid(bins_per_eta, first, last - first + 1, round(_TWO_PI / table.d_phi[rows].min()))


def _parameters(
    table: Cells, grids: Array, bins: Int32[Array, " bin"], *, regular: bool
) -> LookupParameters:
    return LookupParameters(
        positions=table.positions,
        regular=regular,
        grids=grids,
        bins=bins,
        candidates=np.empty(0, dtype=np.int32),
        boxes=np.empty((0, 4), dtype=np.float64),
    )


def _find(
    parameters: LookupParameters,
    layer: Integer[Array, " point"],
    eta: Float[Array, " point"],
    phi: Float[Array, " point"],
) -> Int64[Array, " point"]:
    rows = np.empty(len(layer), dtype=np.int64)
    if not find_all(layer, eta, phi, parameters, rows):
        layer_positions(layer, parameters.positions)  # raises the error that names the layer
    return rows
