r"""Cells around the shower centre, in every layer of any detector.

The window of a layer has the cell nearest to the shower centre in its middle, and on either side
as many as `REACH` holds, at least one. It is that of the referee (`samples.observables.windows`)
but for its middle, which no placement of energy can move: so the cells of a layer are the sum of
what each of its radial bins leaves in them. Cells below `EMPTY_BELOW` count as empty.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.geometry import CellTable, Detector, wrap_phi
from calovox.geometry.cell_energies import CellEnergies
from calovox.photons import Photons

__all__ = ["REACH", "LayerWindow"]

REACH: Final = 125.0
"""Distance in mm from the middle cell that a window reaches."""

_MOST_CELLS: Final = 24
"""Cells on either side."""


@dataclass(frozen=True)
class LayerWindow:
    """The window of one layer, for some showers.

    Attributes:
        layer: Layer number.
        table: The cells of the detector.
        shape: Cells along eta and phi, odd numbers.
        eta_index: Position along eta of each shower's middle cell.
        phi_index: The same along phi.
        offset: Eta and phi of the shower centre less those of the middle cell, in cells.
    """

    layer: int
    table: CellTable
    shape: tuple[int, int]
    eta_index: Int64[Array, " event"]
    phi_index: Int64[Array, " event"]
    offset: Float64[Array, "event 2"]

    @classmethod
    def around(cls, centers: Photons, layer: int, detector: Detector) -> "LayerWindow":
        """Lay a window around shower centres.

        Args:
            centers: Directions of the shower centres.
            layer: Layer number.
            detector: Its layers and cells.

        Returns:
            The window.

        Raises:
            ValueError: If the layer has no cells.
        """
        table = detector.cells
        sides = detector.cell_sides((layer,))[layer]
        grid = table.index_grid(layer)
        eta, phi = table.eta[grid[:, 0]], table.phi[grid[0]]
        eta_index = np.argmin(np.abs(eta - centers.eta[:, None]), axis=1)
        phi_index = np.argmin(np.abs(wrap_phi(phi - centers.phi[:, None])), axis=1)
        row = grid[eta_index, phi_index]
        away = centers.eta - table.eta[row], wrap_phi(centers.phi - table.phi[row])
        offset = np.stack([away[0] / table.d_eta[row], away[1] / table.d_phi[row]], axis=1)
        n_eta, n_phi = (
            2 * int(np.clip(round(REACH / side), 1, min(_MOST_CELLS, (most - 1) // 2))) + 1
            for side, most in zip(sides, (2 * _MOST_CELLS + 1, grid.shape[1]), strict=True)
        )
        return cls(layer, table, (n_eta, n_phi), eta_index, phi_index, offset)

    def energies(self, cells: CellEnergies) -> Float32[Array, "event eta phi"]:
        """Collect the cells of the window.

        Args:
            cells: Cells of the showers.

        Returns:
            Energies in MeV; 0 where there is no cell.
        """
        n_eta, n_phi = self.shape
        n_around = self.table.grid_shape(self.layer)[1]
        rows = np.flatnonzero(self.table.layer[cells.cell] == self.layer)
        cell, event = cells.cell[rows], cells.event[rows]
        along_eta = self.table.eta_index[cell] - self.eta_index[event] + n_eta // 2
        along_phi = (self.table.phi_index[cell] - self.phi_index[event] + n_phi // 2) % n_around
        inside = (along_eta >= 0) & (along_eta < n_eta) & (along_phi < n_phi)
        energy = np.zeros((len(cells), n_eta, n_phi), dtype=np.float32)
        place = event[inside], along_eta[inside], along_phi[inside]
        energy[place] = cells.energy[rows[inside]]
        return energy
