"""One shower out of a file of any kind, or out of showers in memory."""

from pathlib import Path

from calovox.dataset import DatasetReader
from calovox.dataset.bare import bare_cells
from calovox.dataset.detectors import detector_of
from calovox.drawing.shower import OneShower
from calovox.files.formats import detect_format
from calovox.geometry import CellTable, Detector, atlas_barrel
from calovox.hits import Hits
from calovox.hits.file import HitsReader
from calovox.reconstruction import hits_to_cells
from calovox.text import printable
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels

__all__ = ["read_shower"]


def read_shower(
    showers: Path | str | Voxels | Hits,
    event: int = 0,
    *,
    grid: VoxelGrid | None = None,
    detector: Detector | None = None,
) -> OneShower:
    """Take one shower.

    Args:
        showers: A hits file, a dataset, also of a simulation, or showers in memory.
        event: Its position there, from 0.
        grid: Voxels for hits; None for the optimal grid.
        detector: Layers and cells; None for those of the file, or of the built-in barrel.

    Returns:
        The shower, with its cells if they are known.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no such event, or the file has no showers.
    """
    if isinstance(showers, Voxels):
        _check_event("the showers", event, len(showers))
        return OneShower(showers[event : event + 1], event)
    if isinstance(showers, Hits):
        _check_event("the showers", event, len(showers))
        one = showers[event : event + 1]
        return _of_hits(one, event, "", grid, detector or atlas_barrel())
    path = Path(showers)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    kind = detect_format(path)
    detector = detector_of(path, detector)
    if kind == "hits":
        hits = HitsReader(path, takes_weights=True)
        _check_event(f"{path}", event, len(hits))
        one = hits.read(slice(event, event + 1))
        return _of_hits(one, event, printable(path.name), grid, detector)
    if kind != "dataset":
        hint = ": turn it into a dataset with calovox import" if kind == "CaloChallenge" else ""
        raise ValueError(
            f"{path}: expected a hits file or a dataset, got a file of format {kind}{hint}"
        )
    if grid is not None:
        raise ValueError(f"--grid is for hits, and {path} has voxels: leave it out")
    return _of_dataset(DatasetReader(path, takes_weights=True), event, detector.cells)


def _of_hits(
    hits: Hits, event: int, source: str, grid: VoxelGrid | None, detector: Detector
) -> OneShower:
    voxels = hits_to_voxels(hits, grid or VoxelGrid.optimal(detector.layers), detector=detector)
    table = detector.cells
    return OneShower(voxels, event, source, hits_to_cells(hits, table), table)


def _of_dataset(reader: DatasetReader, event: int, table: CellTable) -> OneShower:
    _check_event(f"{reader.path}", event, len(reader))
    rows = slice(event, event + 1)
    cells = None
    if reader.cell_table == table.name:
        cells = reader.cells(rows)
    elif (bare := bare_cells(reader, table)) is not None:
        cells = bare.cells(rows)
    known = None if cells is None else table
    return OneShower(reader.read(rows), event, printable(reader.path.name), cells, known)


def _check_event(what: str, event: int, number: int) -> None:
    if not 0 <= event < number:
        raise ValueError(f"--event: {what} has {number} showers, 0 to {number - 1}, got {event}")
