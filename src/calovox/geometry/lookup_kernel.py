r"""The compiled search for the cell that holds a point; see `calovox.geometry.lookup`."""

import math
from typing import NamedTuple

import numpy as np

from calovox.arrays import Array, Float64, Int32, Int64
from calovox.geometry.coordinates import wrap_phi_kernel
from calovox.kernels import kernel

__all__ = [
    "GAP_TOLERANCE",
    "GRID_TYPE",
    "UNSURE",
    "LookupParameters",
    "fill_bins",
    "find_all",
    "find_bins",
    "find_cell",
]

GAP_TOLERANCE = 0.05
"""Widest gap between displaced cells that still belongs to one of them, in half-widths."""

UNSURE = -2
"""Bin of a point next to an edge, of which `fill_bins` leaves the search to `find_bins`."""

_TWO_PI = 2.0 * math.pi
_EDGE = 1e-9


class LookupParameters(NamedTuple):
    """What `find_cell` needs: a grid of bins per layer, and the cells of each bin.

    Attributes:
        positions: Position of the layer of each number, -1 for none.
        regular: Whether bins are cells (`BarrelLookup`) or lists of cells (`TableLookup`).
        grids: Fields of `GRID_TYPE` by layer position.
        bins: If regular, the row of the first cell of each eta bin, -1 if it has none. Else where
            the list of each bin, by eta and then phi, starts.
        candidates: Rows that come near each bin, for all bins; empty if regular.
        boxes: Centre in eta and phi, 2 / d_eta and 2 / d_phi of each row; empty if regular.
    """

    positions: Int64[Array, "256"]
    regular: bool
    grids: Array
    bins: Int32[Array, " bin"]
    candidates: Int32[Array, " candidate"]
    boxes: Float64[Array, "cell 4"]


GRID_TYPE = np.dtype(
    [
        ("bins_per_eta", np.float64),
        ("first_bin", np.int64),
        ("n_eta", np.int64),
        ("n_phi", np.int64),
        ("offset", np.int64),
    ]
)
"""Bins of a layer: per unit of eta, number of the lowest (its lower edge is first_bin /
bins_per_eta), how many in eta and in phi, and where its entries in `LookupParameters.bins` start.
"""


@kernel(forceinline=True)
def _eta_bin(eta: float, bins_per_eta: float, first_bin: int, n_eta: int) -> int:
    """Compute the bin of an eta, exactly; -1 outside the layer."""
    scaled = eta * bins_per_eta - first_bin
    if not 0.0 <= scaled <= n_eta:  # also false for NaN; the upper edge is judged below
        return -1
    whole = np.floor(scaled)
    # away from edges the product cannot be in the wrong bin: nearly every point ends here
    if _EDGE < scaled - whole < 1.0 - _EDGE:
        return int(whole)
    place = math.floor(eta * bins_per_eta)  # the product may have rounded across the edge
    if eta < place / bins_per_eta:
        place -= 1
    elif eta >= (place + 1) / bins_per_eta:
        place += 1
    place -= first_bin
    return place if 0 <= place < n_eta else -1


@kernel(forceinline=True)
def _phi_bin(phi: float, n_phi: int) -> int:
    """Compute the bin of a phi in [-pi, pi), exactly."""
    scaled = (phi + math.pi) * (n_phi / _TWO_PI)
    whole = np.floor(scaled)
    # next to an edge, compare with the edge itself: it is computed as the table computes it
    if _EDGE < scaled - whole < 1.0 - _EDGE:
        return int(whole)
    width = _TWO_PI / n_phi
    place = min(int(whole), n_phi - 1)
    if phi < place * width - math.pi:
        place -= 1
    elif place < n_phi - 1 and phi >= (place + 1) * width - math.pi:
        place += 1
    return place


@kernel(forceinline=True)
def find_bins(
    eta: float, phi: float, bins_per_eta: float, first_bin: int, n_eta: int, n_phi: int
) -> tuple[int, int]:
    """Compute the bins of a point in eta and phi; the first is -1 outside the layer."""
    i = _eta_bin(eta, bins_per_eta, first_bin, n_eta)
    phi = wrap_phi_kernel(phi)
    if i < 0 or not -math.pi <= phi < math.pi:  # infinities and NaN stay outside after wrapping
        return -1, -1
    return i, _phi_bin(phi, n_phi)


@kernel(error_model="numpy")
def fill_bins(
    eta: Array,
    phi: Array,
    size: int,
    grid: tuple[float, int, int, int],
    eta_bins: Array,
    phi_bins: Array,
) -> None:
    """Fill in the bins of points that are not next to an edge, inside a compiled kernel.

    Args:
        eta: Pseudorapidity of the points.
        phi: Their azimuth in rad, in [-pi, pi).
        size: How many there are.
        grid: Bins per unit of eta, number of the lowest, number of bins in eta, and in phi.
        eta_bins: Filled with bins in eta, -1 outside the layer, `UNSURE` next to an edge.
        phi_bins: Filled with bins in phi.
    """
    bins_per_eta, first_bin, n_eta, n_phi = grid
    per_rad = n_phi / _TWO_PI
    for point in range(size):  # without a branch: the compiler makes vector instructions of it
        along, around = eta[point] * bins_per_eta - first_bin, (phi[point] + math.pi) * per_rad
        eta_bin, phi_bin = np.floor(along), np.floor(around)
        is_outside = (along < -_EDGE) | (along > n_eta + _EDGE)
        is_sure = (
            (along - eta_bin > _EDGE)
            & (along - eta_bin < 1.0 - _EDGE)
            & (around - phi_bin > _EDGE)
            & (around - phi_bin < 1.0 - _EDGE)
        )
        inside = np.int32(eta_bin) if is_sure else np.int32(UNSURE)
        eta_bins[point] = np.int32(-1) if is_outside else inside
        phi_bins[point] = np.int32(phi_bin)


@kernel(forceinline=True)
def _nearest(
    eta: float, phi: float, candidates: Array, start: int, stop: int, boxes: Array
) -> int:
    """Find the nearest of some cells, in units of their half-widths; -1 if all are too far."""
    nearest = -1
    smallest = 1.0 + GAP_TOLERANCE
    for place in range(start, stop):
        row = candidates[place]
        d_phi = abs(phi - boxes[row, 1])
        d_phi = min(d_phi, _TWO_PI - d_phi)  # the short way round
        distance = max(abs(eta - boxes[row, 0]) * boxes[row, 2], d_phi * boxes[row, 3])
        if distance <= smallest:  # rows rise: of two equally near cells the higher row wins
            smallest = distance
            nearest = row
    return nearest


@kernel(forceinline=True)
def find_cell(layer_position: int, eta: float, phi: float, parameters: LookupParameters) -> int:
    """Find the cell of one point, inside a compiled kernel.

    Args:
        layer_position: Position of the layer among those of the cells.
        eta: Pseudorapidity of the point.
        phi: Azimuth of the point in rad.
        parameters: The `parameters` of a `CellLookup`.

    Returns:
        Row of the cell table, -1 if no cell holds the point.
    """
    grid = parameters.grids[layer_position]
    i, j = find_bins(eta, phi, grid.bins_per_eta, grid.first_bin, grid.n_eta, grid.n_phi)
    if i < 0:
        return -1
    if parameters.regular:
        first = parameters.bins[grid.offset + i]
        return int(first + j) if first >= 0 else -1
    place = grid.offset + i * grid.n_phi + j
    start, stop = parameters.bins[place], parameters.bins[place + 1]
    phi = wrap_phi_kernel(phi)
    return _nearest(eta, phi, parameters.candidates, start, stop, parameters.boxes)


@kernel()
def find_all(
    layers: Array, eta: Array, phi: Array, parameters: LookupParameters, rows: Array
) -> bool:
    """Fill in the rows of all points; False if one has a layer number that does not exist.

    Points of a regular grid are found in the loop itself: handing arrays to a function at each
    point would cost more than the search.
    """
    positions, grids, bins = parameters.positions, parameters.grids, parameters.bins
    for point in range(rows.size):
        layer = layers[point]
        position = positions[layer] if 0 <= layer < positions.size else -1
        if position < 0:
            return False
        if not parameters.regular:
            rows[point] = find_cell(position, eta[point], phi[point], parameters)
            continue
        grid = grids[position]
        i, j = find_bins(
            eta[point], phi[point], grid.bins_per_eta, grid.first_bin, grid.n_eta, grid.n_phi
        )
        first = bins[grid.offset + i] if i >= 0 else -1
        rows[point] = first + j if first >= 0 else -1
    return True
