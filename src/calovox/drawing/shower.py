"""One shower, with all that is known of it."""

from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry import CellTable
from calovox.geometry.cell_energies import CellEnergies
from calovox.units import format_energy
from calovox.voxelization import Voxels

__all__ = ["OneShower"]


@dataclass(frozen=True, eq=False)
class OneShower:
    """One shower.

    Attributes:
        voxels: Its voxels: a batch of one event.
        event: Its position in the file.
        source: What the file is called.
        cells: Its cells: a batch of one event; None if they are not known.
        table: The cells of the detector, if cells are known.
    """

    voxels: Voxels
    event: int = 0
    source: str = ""
    cells: CellEnergies | None = None
    table: CellTable | None = None

    def __post_init__(self) -> None:
        if len(self.voxels) != 1:
            raise ValueError(f"OneShower: expected one event, got {len(self.voxels)}")

    @property
    def energy(self) -> float:
        """Kinetic energy of the photon in MeV."""
        return float(self.voxels.incident_energy[0])

    @property
    def voxel_energy(self) -> Float64[Array, " voxel"]:
        """Energy of each voxel in MeV."""
        return np.asarray(self.voxels.energy[0].astype(np.float64) * self.energy)

    @property
    def layer_energy(self) -> dict[int, float]:
        """Energy of each layer in MeV by its number: that of its cells, or of its voxels."""
        numbers = self.voxels.grid.numbers
        if self.cells is None or self.table is None:
            energies = self.voxels.layer_energy[0] * self.energy
            return dict(zip(numbers, energies.tolist(), strict=True))
        layer, energy = self.table.layer[self.cells.cell], self.cells.energy.astype(np.float64)
        return {number: float(energy[layer == number].sum()) for number in self.table.numbers}

    @property
    def layer_names(self) -> dict[int, str]:
        """Names of the layers by their numbers."""
        grid = self.voxels.grid
        return dict(zip(grid.numbers, grid.layer_names, strict=True))

    @property
    def title(self) -> str:
        """What shower it is, in a line."""
        eta = f"{float(self.voxels.eta_center[0]):.3f}".replace("-", "−")
        where = f"event {self.event}" + (f" of {self.source}" if self.source else "")
        return f"{format_energy(self.energy)} at η = {eta}, {where}"
