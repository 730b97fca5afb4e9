r"""Azimuths relative to the cell that holds a point: where the phase counts from.

In the ideal barrel every cell centre is a whole number of periods away from phi = 0, and the
azimuth itself has the right phase. Half barrels of the real detector are turned and displaced: the
phase is that of phi - phi_cell, with phi_cell the centre of the cell that holds the point. A point
beyond the last cell of its layer, or in a gap, takes the nearest cell, as FastCaloSim does.
"""

import math
from functools import lru_cache
from typing import Final

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64, UInt8
from calovox.geometry import ABSORBER_PERIOD, BARREL_LAYERS, CellTable, wrap_phi
from calovox.geometry.layers import NO_LAYER

__all__ = ["PERIOD", "center_phases", "has_ideal_centers", "phi_in_cells", "phi_phase"]

PERIOD: Final = ABSORBER_PERIOD
"""Period of the modulation in rad."""

_CENTER_LAYER: Final = next(layer.number for layer in BARREL_LAYERS if layer.role == "middle")
_ALIGNED: Final = 1e-9
_MODULATED: Final = np.isin(
    np.arange(NO_LAYER + 1), [layer.number for layer in BARREL_LAYERS if layer.role != "tile"]
)


def phi_in_cells(
    layer: UInt8[Array, " point"],
    eta: Float[Array, " point"],
    phi: Float[Array, " point"],
    cells: CellTable | None,
) -> Float[Array, " point"]:
    """Give azimuths whose phase is that of phi - phi_cell.

    Args:
        layer: Layer number of each point.
        eta: Pseudorapidity.
        phi: Azimuth in rad.
        cells: The cells of the detector; None for the built-in barrel.

    Returns:
        phi itself if the centres of all cells lie at whole periods; else phi - phi_cell in
        [-pi, pi) in the layers between the absorbers, and phi in the others.

    Raises:
        ValueError: If the table has no cells in the layer of a point.

    Example:
        >>> from calovox.geometry import aligned_barrel_cells
        >>> cells = aligned_barrel_cells()
        >>> phi = cells.phi[cells.layer == 2][:1]
        >>> eta = cells.eta[cells.layer == 2][:1]
        >>> phi_in_cells(np.array([2], dtype=np.uint8), eta, phi, cells)
        array([0.])
    """
    if cells is None or has_ideal_centers(cells):
        return phi
    chosen = np.flatnonzero(_MODULATED[layer])
    in_cells = phi.astype(np.float64)
    layers, etas, phis = layer[chosen], eta[chosen], in_cells[chosen]
    rows = cells.lookup().find(layers, etas, phis)
    for number in np.unique(layers[rows < 0]):
        outside = np.flatnonzero((rows < 0) & (layers == number))
        rows[outside] = _nearest_cells(cells, int(number), etas[outside], phis[outside])
    in_cells[chosen] = wrap_phi(phis - cells.phi[rows])
    return in_cells


def phi_phase(phi: Float[Array, "*shape"]) -> Float64[Array, "*shape"]:
    """Fold phi - phi_cell into one period.

    Args:
        phi: Azimuth in rad, absolute in the ideal barrel, else relative to the centre of the cell.

    Returns:
        The phase in rad, in [0, `PERIOD`): 0 at the centre of a cell.
    """
    phase = np.mod(np.asarray(phi, dtype=np.float64), PERIOD)
    return np.where(phase >= PERIOD, 0.0, phase)


def center_phases(
    eta: Float[Array, " event"], phi: Float[Array, " event"], cells: CellTable | None
) -> Float64[Array, " event"]:
    """Give the phases T of shower centres: in the cells of EMB2 that hold them.

    Args:
        eta: Pseudorapidity of each centre.
        phi: Azimuth in rad.
        cells: The cells of the detector; None for the built-in barrel.

    Returns:
        The phases in rad, in [0, `PERIOD`).
    """
    layer = np.full(len(phi), _CENTER_LAYER, dtype=np.uint8)
    phases: Float64[Array, " event"] = phi_phase(phi_in_cells(layer, eta, phi, cells))
    return phases


@lru_cache(maxsize=8)
def has_ideal_centers(cells: CellTable) -> bool:
    """Tell whether all centres between the absorbers lie at whole periods.

    Args:
        cells: The cells of a detector.

    Returns:
        Whether phi itself has the phase of phi - phi_cell.
    """
    centers = cells.phi[_MODULATED[cells.layer]] / PERIOD
    return bool(np.all(_distance_to_whole(centers) < _ALIGNED))


def _distance_to_whole(numbers: Float64[Array, " number"]) -> Float64[Array, " number"]:
    return np.asarray(np.abs(numbers - np.round(numbers)))


def _nearest_cells(
    cells: CellTable, layer: int, eta: Float[Array, " point"], phi: Float64[Array, " point"]
) -> Int64[Array, " point"]:
    """Find the row of the nearest cell: in eta first, then in phi."""
    grid = cells.index_grid(layer)
    if grid.size == 0:
        raise ValueError(f"cells '{cells.name}': expected some in layer {layer}, got none")
    middles = cells.eta[grid].mean(axis=1)
    columns = np.searchsorted(0.5 * (middles[1:] + middles[:-1]), eta)
    n_phi = grid.shape[1]
    first = np.floor((phi + math.pi) * n_phi / (2.0 * math.pi)).astype(np.int64)
    # a displaced centre may lie beyond the bin that gives a cell its position
    near = grid[columns[:, None], (first[:, None] + np.array([-1, 0, 1])) % n_phi]
    distance = np.abs(wrap_phi(phi[:, None] - cells.phi[near]))
    return np.asarray(near[np.arange(len(near)), distance.argmin(axis=1)])
