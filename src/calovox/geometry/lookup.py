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
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numba
import numpy as np

from calovox.arrays import LAYERS, Array, Float, Float64, Int, Int64, layer_position
from calovox.geometry.coordinates import wrap_phi_kernel

if TYPE_CHECKING:
    from calovox.geometry.cells import CellTable

__all__ = [
    "GAP_TOLERANCE",
    "BarrelLookup",
    "CellLookup",
    "LookupParameters",
    "TableLookup",
    "find_cell",
]

GAP_TOLERANCE = 0.05
"""Widest gap between displaced cells that still belongs to one of them, in half-widths."""

_TWO_PI = 2.0 * math.pi
_ALIGNED = 1e-9


class LookupParameters(NamedTuple):
    """What `find_cell` needs: a grid of bins per layer, and the cells of each bin.

    Attributes:
        regular: Whether bins are cells (`BarrelLookup`) or lists of cells (`TableLookup`).
        bins_per_eta: Bins per unit of eta, by layer position.
        first_bin: Number of the lowest eta bin: its lower edge is first_bin / bins_per_eta.
        n_eta: Number of eta bins, by layer position.
        n_phi: Number of phi bins in 2 pi, by layer position.
        offset: Position of a layer's first bin.
        bins: Row of each bin or -1 if regular, else where the bin's list starts.
        candidates: Rows that come near each bin, for all bins.
        boxes: Centre in eta and phi, 2 / d_eta and 2 / d_phi of each row; empty if regular.
    """

    regular: bool
    bins_per_eta: Float64[Array, " layer"]
    first_bin: Int64[Array, " layer"]
    n_eta: Int64[Array, " layer"]
    n_phi: Int64[Array, " layer"]
    offset: Int64[Array, " layer"]
    bins: Int64[Array, " bin"]
    candidates: Int64[Array, " candidate"]
    boxes: Float64[Array, "cell 4"]


@numba.njit(cache=True)
def _find_bin(layer_position: int, eta: float, phi: float, parameters: LookupParameters) -> int:
    """Compute the bin of a point whose phi is in [-pi, pi); -1 outside the layer."""
    per_eta = parameters.bins_per_eta[layer_position]
    first = parameters.first_bin[layer_position]
    n_eta = parameters.n_eta[layer_position]
    n_phi = parameters.n_phi[layer_position]
    if not (first <= eta * per_eta <= first + n_eta and -math.pi <= phi < math.pi):
        return -1
    i = math.floor(eta * per_eta)
    if eta < i / per_eta:  # products next to an edge may round across it
        i -= 1
    elif eta >= (i + 1) / per_eta:
        i += 1
    i -= first
    if i < 0 or i >= n_eta:
        return -1
    width = _TWO_PI / n_phi
    j = min(int((phi + math.pi) / width), n_phi - 1)
    if phi < j * width - math.pi:
        j -= 1
    elif j < n_phi - 1 and phi >= (j + 1) * width - math.pi:
        j += 1
    return int(parameters.offset[layer_position] + i * n_phi + j)


@numba.njit(cache=True)
def find_cell(layer_position: int, eta: float, phi: float, parameters: LookupParameters) -> int:
    """Find the cell of one point, inside a compiled kernel.

    Args:
        layer_position: Position of the layer in `calovox.arrays.LAYERS`, 0 to 4.
        eta: Pseudorapidity of the point.
        phi: Azimuth of the point in rad.
        parameters: The `parameters` of a `CellLookup`.

    Returns:
        Row of the cell table, -1 if no cell holds the point.
    """
    phi = wrap_phi_kernel(phi)
    position = _find_bin(layer_position, eta, phi, parameters)
    if position < 0:
        return -1
    if parameters.regular:
        return int(parameters.bins[position])
    boxes = parameters.boxes
    best = -1
    smallest = 1.0 + GAP_TOLERANCE
    for entry in range(parameters.bins[position], parameters.bins[position + 1]):
        row = parameters.candidates[entry]
        d_phi = abs(phi - boxes[row, 1])
        d_phi = min(d_phi, _TWO_PI - d_phi)
        distance = max(abs(eta - boxes[row, 0]) * boxes[row, 2], d_phi * boxes[row, 3])
        if distance <= smallest:
            smallest = distance
            best = row
    return best


@numba.njit(cache=True)
def _find_kernel(
    positions: Array, eta: Array, phi: Array, parameters: LookupParameters, rows: Array
) -> None:
    for point in range(rows.size):
        rows[point] = find_cell(positions[point], eta[point], phi[point], parameters)


@numba.njit(cache=True)
def _candidate_kernel(
    position: int, rows: Array, parameters: LookupParameters, margin: float, fill: bool
) -> None:
    """Count the cells near every bin of a layer, or fill the lists that were counted.

    Counts are kept in ``bins[bin + 1]``; while lists are filled, ``bins[bin]`` moves on.
    """
    per_eta = parameters.bins_per_eta[position]
    n_phi = parameters.n_phi[position]
    width = _TWO_PI / n_phi
    for row in rows:
        eta, phi, per_half_eta, per_half_phi = parameters.boxes[row]
        d_eta = margin / per_half_eta
        d_phi = margin / per_half_phi
        low = math.floor((eta - d_eta) * per_eta) - parameters.first_bin[position]
        high = math.floor((eta + d_eta) * per_eta) - parameters.first_bin[position]
        left = math.floor((phi - d_phi + math.pi) / width)
        right = min(math.floor((phi + d_phi + math.pi) / width), left + n_phi - 1)
        for i in range(low, high + 1):
            for j in range(left, right + 1):
                place = parameters.offset[position] + i * n_phi + j % n_phi
                if fill:
                    parameters.candidates[parameters.bins[place]] = row
                    parameters.bins[place] += 1
                else:
                    parameters.bins[place + 1] += 1


class CellLookup(Protocol):
    """Finds the cell of any point of a layer."""

    @property
    def parameters(self) -> LookupParameters:
        """Plain arrays for `find_cell`."""
        ...

    def find(
        self,
        layer: Int[Array, " point"],
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
    def from_table(cls, table: "CellTable") -> "BarrelLookup":
        """Derive the grids from a table.

        Args:
            table: The cells.

        Returns:
            The look-up.

        Raises:
            ValueError: If the cells of a layer do not sit on the bins of a regular grid.
        """
        grids = [_regular_grid(table, layer) for layer in LAYERS]
        offsets = _offsets([grid.n_eta * grid.n_phi for grid in grids])
        bins = np.full(offsets[-1], -1, dtype=np.int64)
        for position, layer in enumerate(LAYERS):
            rows = np.flatnonzero(table.layer == layer)
            bins[offsets[position] + grids[position].bins_of(table, rows)] = rows
        return cls(_parameters(grids, offsets, bins, regular=True))

    def find(
        self,
        layer: Int[Array, " point"],
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
    def from_table(cls, table: "CellTable") -> "TableLookup":
        """Sort the cells of a table into bins.

        Args:
            table: The cells.

        Returns:
            The look-up.
        """
        grids = [_covering_grid(table, layer) for layer in LAYERS]
        offsets = _offsets([grid.n_eta * grid.n_phi for grid in grids])
        bins = np.zeros(offsets[-1] + 2, dtype=np.int64)
        boxes = np.stack([table.eta, table.phi, 2.0 / table.d_eta, 2.0 / table.d_phi], axis=1)
        # Counts go one place further right, so that filling the lists ends with their starts.
        shifted = bins[1:]
        counting = _parameters(grids, offsets, shifted, regular=False)._replace(boxes=boxes)
        rows = [np.flatnonzero(table.layer == layer) for layer in LAYERS]
        margin = 1.0 + GAP_TOLERANCE + _ALIGNED
        for position in range(len(LAYERS)):
            _candidate_kernel(position, rows[position], counting, margin, False)
        np.cumsum(shifted, out=shifted)
        filling = counting._replace(candidates=np.empty(shifted[-1], dtype=np.int64))
        for position in range(len(LAYERS)):
            _candidate_kernel(position, rows[position], filling, margin, True)
        return cls(filling._replace(bins=bins))

    def find(
        self,
        layer: Int[Array, " point"],
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


@dataclass(frozen=True)
class _Grid:
    """Uniform bins of one layer."""

    bins_per_eta: float
    first_bin: int
    n_eta: int
    n_phi: int

    def bins_of(self, table: "CellTable", rows: Int[Array, " cell"]) -> Int64[Array, " cell"]:
        """Compute the bin that holds the centre of each cell."""
        i = np.floor(table.eta[rows] * self.bins_per_eta).astype(np.int64) - self.first_bin
        j = np.floor((table.phi[rows] + math.pi) * self.n_phi / _TWO_PI).astype(np.int64)
        return np.asarray(i * self.n_phi + j)


_NO_BINS = _Grid(bins_per_eta=1.0, first_bin=0, n_eta=0, n_phi=1)


def _regular_grid(table: "CellTable", layer: int) -> _Grid:
    rows = np.flatnonzero(table.layer == layer)
    if not len(rows):
        return _NO_BINS
    d_eta, d_phi = table.d_eta[rows], table.d_phi[rows]
    grid = _Grid(float(round(1.0 / d_eta[0])), 0, 1, max(1, round(_TWO_PI / d_phi[0])))
    i = table.eta[rows] * grid.bins_per_eta - 0.5
    j = (table.phi[rows] + math.pi) * grid.n_phi / _TWO_PI - 0.5
    aligned = (
        np.allclose(i, np.round(i), rtol=0, atol=_ALIGNED)
        and np.allclose(j, np.round(j), rtol=0, atol=_ALIGNED)
        and np.allclose(d_eta * grid.bins_per_eta, 1.0, rtol=0, atol=_ALIGNED)
        and np.allclose(d_phi * grid.n_phi, _TWO_PI, rtol=0, atol=_ALIGNED)
    )
    if not aligned:
        raise ValueError(
            f"BarrelLookup: expected cells of layer {layer} on a regular grid, got others in "
            f"'{table.name}': use TableLookup"
        )
    first, last = int(np.round(i.min())), int(np.round(i.max()))
    return _Grid(grid.bins_per_eta, first, last - first + 1, grid.n_phi)


def _covering_grid(table: "CellTable", layer: int) -> _Grid:
    rows = np.flatnonzero(table.layer == layer)
    if not len(rows):
        return _NO_BINS
    eta, d_eta = table.eta[rows], table.d_eta[rows]
    bins_per_eta = float(round(1.0 / d_eta.min()))
    first = math.floor((eta - d_eta).min() * bins_per_eta)
    last = math.floor((eta + d_eta).max() * bins_per_eta)
    n_phi = max(1, round(_TWO_PI / table.d_phi[rows].min()))
    return _Grid(bins_per_eta, first, last - first + 1, n_phi)


def _offsets(sizes: list[int]) -> Int64[Array, " layer+1"]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _parameters(
    grids: list[_Grid],
    offsets: Int64[Array, " layer+1"],
    bins: Int64[Array, " bin"],
    *,
    regular: bool,
) -> LookupParameters:
    return LookupParameters(
        regular=regular,
        bins_per_eta=np.array([grid.bins_per_eta for grid in grids], dtype=np.float64),
        first_bin=np.array([grid.first_bin for grid in grids], dtype=np.int64),
        n_eta=np.array([grid.n_eta for grid in grids], dtype=np.int64),
        n_phi=np.array([grid.n_phi for grid in grids], dtype=np.int64),
        offset=offsets[:-1].copy(),
        bins=bins,
        candidates=np.empty(0, dtype=np.int64),
        boxes=np.empty((0, 4), dtype=np.float64),
    )


def _find(
    parameters: LookupParameters,
    layer: Int[Array, " point"],
    eta: Float[Array, " point"],
    phi: Float[Array, " point"],
) -> Int64[Array, " point"]:
    rows = np.empty(len(layer), dtype=np.int64)
    _find_kernel(layer_position(layer), eta, phi, parameters, rows)
    return rows
