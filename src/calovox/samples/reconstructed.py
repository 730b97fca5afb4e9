"""Showers of a dataset that are evaluated, with their shapes, batch by batch.

Showers of photons outside the range that their model was trained for are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from calovox.dataset import DatasetReader
from calovox.geometry import CellTable
from calovox.reconstruction import Calibration, ShowerShapes, cells_to_shapes
from calovox.voxelization import Voxels

__all__ = ["Reconstructed", "check_cell_table", "read_reconstructed"]


@dataclass(frozen=True)
class Reconstructed:
    """Some showers of a dataset.

    Attributes:
        voxels: The showers that are evaluated.
        shapes: Their shapes; None without cells.
        n_read: Showers that were read, those left out among them.
    """

    voxels: Voxels
    shapes: ShowerShapes | None
    n_read: int

    def __len__(self) -> int:
        return self.n_read


def check_cell_table(reader: DatasetReader, table: CellTable) -> None:
    """Refuse cell energies of other cells.

    Args:
        reader: The dataset.
        table: The cells of the detector.

    Raises:
        ValueError: If its cell energies are those of another table.
    """
    if reader.cell_table not in (None, table.name):
        raise ValueError(
            f"{reader.path}: expected cell energies of the table '{table.name}', "
            f"got those of '{reader.cell_table}'"
        )


def read_reconstructed(
    reader: DatasetReader,
    size: int,
    table: CellTable | None,
    *,
    calibration: Calibration | None = None,
) -> Iterator[Reconstructed]:
    """Read showers and reconstruct their cells.

    Args:
        reader: The dataset.
        size: Showers read at once.
        table: The cells of the detector; None for no shapes.
        calibration: Calibration of the energy; None for none.

    Yields:
        Showers in the order of the file.

    Raises:
        ValueError: If a table is given, and the dataset has no cell energies.
    """
    start = 0
    for voxels in reader.batches(size):
        shapes = None
        if table is not None:
            cells = reader.cells(slice(start, start + len(voxels)))
            if cells is None:
                raise ValueError(
                    f"{reader.path} has no cell energies to evaluate: `calovox voxelize` and "
                    "`calovox simulate` write them"
                )
            shapes = cells_to_shapes(cells, table, calibration=calibration)
        n_read = len(voxels)
        start += n_read
        if voxels.extrapolated is not None:
            trained = np.flatnonzero(~voxels.extrapolated)
            voxels, shapes = voxels[trained], None if shapes is None else shapes[trained]
        yield Reconstructed(voxels, shapes, n_read)
