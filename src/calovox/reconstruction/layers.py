r"""Shapes of showers in the layers of any detector: shares, barycentres, widths, occupancies.

With the cells of positive energy $E_i$ of a layer, at $(\eta_i, \phi_i)$, the barycentre is
$\langle \eta \rangle = \sum E_i \eta_i / \sum E_i$, the width
$\sqrt{\langle (\eta - \langle \eta \rangle)^2 \rangle}$, and likewise in phi, counted from the
brightest cell of the shower. The share of a layer is of the energy of all cells, negative ones
as well. A layer without a cell of positive energy has the barycentre and the width 0; its
occupancy, the number of such cells, says so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.cells import CellTable
from calovox.geometry.coordinates import wrap_phi

__all__ = ["LayerShapes", "cells_to_layer_shapes", "concatenate_layer_shapes"]


@dataclass(frozen=True)
class LayerShapes:
    """What showers are like in each layer.

    Attributes:
        energy: Sum of the cells in MeV.
        fraction: Share in the sum of all cells; 0 where that is not positive.
        center_eta: Barycentre in pseudorapidity.
        center_phi: Barycentre in azimuth, rad.
        width_eta: Width in pseudorapidity.
        width_phi: Width in azimuth, rad.
        n_cells: Number of cells of positive energy.
        numbers: Numbers of the layers.
    """

    energy: Float64[Array, "event layer"]
    fraction: Float64[Array, "event layer"]
    center_eta: Float64[Array, "event layer"]
    center_phi: Float64[Array, "event layer"]
    width_eta: Float64[Array, "event layer"]
    width_phi: Float64[Array, "event layer"]
    n_cells: Int64[Array, "event layer"]
    numbers: tuple[int, ...]

    def __post_init__(self) -> None:
        expected = (len(self.energy), len(self.numbers))
        for field in fields(self)[:-1]:
            shape = getattr(self, field.name).shape
            if shape != expected:
                raise ValueError(
                    f"LayerShapes: expected `{field.name}` of shape {expected}, got {shape}"
                )

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.energy)


def cells_to_layer_shapes(cells: CellEnergies, table: CellTable) -> LayerShapes:
    """Compute what showers are like in each layer.

    Args:
        cells: Cell energies.
        table: The cells of the detector.

    Returns:
        One row per event.

    Raises:
        ValueError: If the cells are not rows of the table.
    """
    if len(cells.cell) and cells.cell.max() >= len(table):
        raise ValueError(
            f"cells: expected rows of the cell table, 0 to {len(table) - 1}, "
            f"got {cells.cell.max()}: is it the table they were made with?"
        )
    event, row = cells.event, cells.cell
    place = event * len(table.layers) + table.positions[table.layer[row]]
    energy = np.asarray(cells.energy, dtype=np.float64)
    weight = np.maximum(energy, 0.0)
    shape = (len(cells), len(table.layers))

    def summed(values: Array) -> Array:
        sums = np.bincount(place, weights=values, minlength=shape[0] * shape[1])
        return sums.reshape(shape).astype(np.float64)  # without cells, they are integers

    total = summed(weight)
    sums = summed(energy)
    reference = _brightest_phi(cells, table)
    eta, phi = table.eta[row], wrap_phi(table.phi[row] - reference[event])
    center_eta, width_eta = _moments(summed, weight, total, eta, place)
    center_phi, width_phi = _moments(summed, weight, total, phi, place)
    return LayerShapes(
        energy=sums,
        fraction=_over(sums, np.broadcast_to(sums.sum(axis=1, keepdims=True), shape)),
        center_eta=center_eta,
        center_phi=np.where(total > 0, wrap_phi(center_phi + reference[:, None]), 0.0),
        width_eta=width_eta,
        width_phi=width_phi,
        n_cells=summed(weight > 0).astype(np.int64),
        numbers=table.numbers,
    )


def concatenate_layer_shapes(parts: Sequence[LayerShapes]) -> LayerShapes:
    """Join batches of events, in order.

    Args:
        parts: At least one batch, all of the same layers.

    Returns:
        All events as one batch.
    """
    joined: dict[str, Any] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(LayerShapes)[:-1]
    }
    return replace(parts[0], **joined)


def _brightest_phi(cells: CellEnergies, table: CellTable) -> Float64[Array, " event"]:
    """Give the azimuth of the brightest cell of each event; 0 without cells."""
    phi = np.zeros(len(cells))
    order = np.lexsort((cells.energy, cells.event))
    filled = np.diff(cells.event_offsets) > 0
    last = cells.event_offsets[1:][filled] - 1
    phi[filled] = table.phi[cells.cell[order[last]]]
    return phi


def _moments(
    summed: Callable[[Array], Array], weight: Array, total: Array, along: Array, place: Array
) -> tuple[Float64[Array, "event layer"], Float64[Array, "event layer"]]:
    """Compute mean and width along an axis."""
    mean = _over(summed(weight * along), total)
    away = along - mean.ravel()[place]
    return mean, np.sqrt(_over(summed(weight * away**2), total))


def _over(numerator: Array, denominator: Array) -> Float64[Array, "event layer"]:
    positive = denominator > 0
    return np.where(positive, numerator / np.where(positive, denominator, 1.0), 0.0)
