"""Cells that tile a regular grid in eta and phi in each layer, symmetric around eta = 0.

Identifiers are layer * 1 000 000 + eta_index * 1000 + phi_index.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array
from calovox.geometry.cells import CellTable
from calovox.geometry.layers import Layer

__all__ = ["LayerGrid", "regular_cells"]


@dataclass(frozen=True)
class LayerGrid:
    """Cells of one layer.

    Attributes:
        cells_per_eta: Cells per unit of eta.
        n_phi: Cells around.
        first: Number of cell widths between eta = 0 and the first cell of each half barrel.
        last: Number of cell widths between eta = 0 and the end of the last cell.
    """

    cells_per_eta: int
    n_phi: int
    first: int
    last: int

    def __post_init__(self) -> None:
        n_eta = 2 * (self.last - self.first)
        if self.cells_per_eta < 1 or not 0 <= self.first < self.last or n_eta > 1000:
            raise ValueError(
                f"LayerGrid: expected 1 or more cells per unit of eta and at most 500 from "
                f"0 <= `first` < `last`, got {self}"
            )
        if not 1 <= self.n_phi <= 1000:
            raise ValueError(f"LayerGrid: expected `n_phi` from 1 to 1000, got {self.n_phi}")


def regular_cells(layers: Sequence[Layer], grids: Sequence[LayerGrid], name: str) -> CellTable:
    """Tile layers with cells.

    Args:
        layers: The layers, by rising number.
        grids: Cells of each layer.
        name: What to call the table.

    Returns:
        Cells of all layers.
    """
    parts = [_layer_cells(*both) for both in zip(layers, grids, strict=True)]
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    numbers = columns["layer"] * 1_000_000 + columns["eta_index"] * 1000 + columns["phi_index"]
    return CellTable(
        id=numbers.astype(np.uint64),
        layer=columns["layer"].astype(np.uint8),
        eta=columns["eta"],
        phi=columns["phi"],
        r=columns["r"],
        z=columns["r"] * np.sinh(columns["eta"]),
        d_eta=columns["d_eta"],
        d_phi=columns["d_phi"],
        d_r=columns["d_r"],
        eta_index=columns["eta_index"].astype(np.int32),
        phi_index=columns["phi_index"].astype(np.int32),
        name=name,
        layers=tuple(layers),
    )


def _layer_cells(layer: Layer, grid: LayerGrid) -> dict[str, Array]:
    half = np.arange(grid.first, grid.last) + 0.5
    centers = np.concatenate([-half[::-1], half]) / grid.cells_per_eta
    d_phi = 2.0 * np.pi / grid.n_phi
    eta_index, phi_index = (part.ravel() for part in np.indices((len(centers), grid.n_phi)))
    eta = centers[eta_index]
    return {
        "layer": np.full(len(eta), layer.number, dtype=np.int64),
        "eta": eta,
        "phi": (phi_index + 0.5) * d_phi - np.pi,
        "r": layer.position.radius(eta),
        "d_eta": np.full(len(eta), 1.0 / grid.cells_per_eta),
        "d_phi": np.full(len(eta), d_phi),
        "d_r": layer.position.thickness(eta),
        "eta_index": eta_index,
        "phi_index": phi_index,
    }
