"""Cells of the showers of a file, whether it holds hits or a dataset."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calovox.dataset.bare import bare_cells
from calovox.dataset.reader import DatasetReader
from calovox.files.formats import detect_format
from calovox.geometry import CellTable
from calovox.geometry.cell_energies import CellEnergies
from calovox.hits.file import HitsReader
from calovox.photons import Photons
from calovox.reconstruction import Calibration
from calovox.reconstruction.file import CellsOfHits, CellSource
from calovox.voxelization import Voxels

__all__ = ["CellsOfDataset", "open_cells", "read_calibration"]

_BATCH = 2000


class CellsOfDataset:
    """Cells stored in a dataset, or made of its voxels if it has the keys of Table A.1 alone.

    Args:
        path: The dataset.
        table: The cells of the detector.
        seed: Seed of what is drawn for a dataset without azimuths and cells.

    Raises:
        ValueError: If the dataset has no cells, or those of another table.
    """

    def __init__(self, path: Path, table: CellTable, *, seed: int = 1) -> None:
        self._reader = DatasetReader(path)
        self.table = table
        self._bare = bare_cells(self._reader, table, seed=seed)
        if self._bare is not None:
            return
        if self._reader.cell_table is None:
            raise ValueError(
                f"{path} has no cell energies: make it with `calovox voxelize`, or with "
                "`calovox simulate --cells`"
            )
        if self._reader.cell_table != table.name:
            raise ValueError(
                f"{path} has energies in cells of '{self._reader.cell_table}', not of "
                f"'{table.name}': for other cells, reconstruct the hits file"
            )

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self._reader)

    @property
    def provenance(self) -> dict[str, Any]:
        """How the showers were made."""
        return self._reader.provenance

    def batches(self) -> Iterator[tuple[CellEnergies, Photons | None]]:
        """Read the cells of all showers, and their photons if they are known."""
        for start in range(0, len(self), _BATCH):
            events = slice(start, min(start + _BATCH, len(self)))
            cells = (self._bare or self._reader).cells(events)
            assert cells is not None
            yield cells, _photons_of(self._reader.read(events))


def open_cells(path: Path, table: CellTable, *, seed: int = 1) -> CellSource:
    """Open the showers of a file for reconstruction.

    Args:
        path: A hits file, or a dataset with cells or with the keys of Table A.1 alone.
        table: The cells of the detector.
        seed: Seed of what is drawn for a dataset without azimuths and cells.

    Returns:
        Its cells.

    Raises:
        ValueError: If it is another file, or has no cells of this table.
    """
    kind = detect_format(path)
    if kind == "hits":
        return CellsOfHits(HitsReader(path), table)
    if kind == "dataset":
        return CellsOfDataset(path, table, seed=seed)
    raise ValueError(f"{path}: expected a hits file or a dataset, got a file of format {kind}")


def read_calibration(path: Path) -> Calibration | None:
    """Read the calibration stored with a dataset.

    Args:
        path: A dataset, or any other file of ours.

    Returns:
        The calibration; None if there is none, as in a hits file.
    """
    if detect_format(path) != "dataset":
        return None
    arrays = DatasetReader(path).attached("calibration")
    return None if arrays is None else Calibration.from_arrays(arrays)


def _photons_of(voxels: Voxels) -> Photons | None:
    if voxels.photon_eta is None or voxels.photon_phi is None or voxels.index is None:
        return None
    return Photons(voxels.incident_energy, voxels.photon_eta, voxels.photon_phi, voxels.index)
