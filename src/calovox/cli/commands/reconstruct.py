"""`calovox reconstruct`: cells become shower shapes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from calovox.cli.command import Job
from calovox.cli.progress import progress_of
from calovox.cli.settings import FileIn, Output
from calovox.dataset import DatasetReader
from calovox.files.formats import detect_format
from calovox.geometry import CellTable, barrel_cells, read_barrel
from calovox.geometry.cell_energies import CellEnergies
from calovox.hits.file import HitsReader
from calovox.photons import Photons
from calovox.reconstruction import (
    Calibration,
    ShowerShapes,
    cells_to_shapes,
    concatenate_shapes,
    hits_to_cells,
    write_shapes,
)
from calovox.voxelization import Voxels

__all__ = ["RECONSTRUCT_EXAMPLE", "ReconstructSettings", "reconstruct"]

RECONSTRUCT_EXAMPLE = "calovox reconstruct simulated.h5 -o shapes.parquet"

_BATCH = 2000
_STRIP_ROWS: dict[int, Literal[1, 2]] = {1: 1, 2: 2}


@dataclass(frozen=True, kw_only=True)
class ReconstructSettings:
    """Settings of `calovox reconstruct`."""

    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="Hits file, or dataset with cells."
        ),
        FileIn(),
    ]
    output: Output
    cells_table: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="CaloCells.root, to put hits into the real detector's cells.",
        ),
        FileIn(),
    ] = None
    calibration: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Dataset whose calibration to use; the file's own one if none is given.",
        ),
        FileIn(),
    ] = None
    strip_rows: Annotated[
        int,
        typer.Option(
            min=1, max=2, help="Rows of strips in the profile of EMB1: 1 as the note, 2 as ATLAS."
        ),
    ] = 1


def reconstruct(settings: ReconstructSettings, job: Job) -> str:
    """Compute the shower shapes of reference or simulated showers, one row per shower."""
    table = _choose_table(settings.cells_table)
    source = _open_source(settings.file, table)
    calibration = _read_calibration(settings.calibration or settings.file)
    rows = _STRIP_ROWS[settings.strip_rows]
    shapes, photons = _reconstruct(source, table, calibration, rows)
    write_shapes(
        settings.output,
        shapes,
        photons=photons,
        calibration=calibration,
        provenance=job.provenance | {"source": source.provenance},
        overwrite=job.overwrite,
    )
    return f"{settings.output}: shapes of {len(source)} showers"


class _HitsSource:
    """Cells made of the hits of a file."""

    def __init__(self, path: Path, table: CellTable) -> None:
        self._reader = HitsReader(path)
        self._table = table
        self.provenance = self._reader.provenance

    def __len__(self) -> int:
        return len(self._reader)

    def batches(self) -> Iterator[tuple[CellEnergies, Photons | None]]:
        for hits in self._reader.batches():
            yield hits_to_cells(hits, self._table), hits.photons


class _DatasetSource:
    """Cells stored in a dataset."""

    def __init__(self, path: Path, table: CellTable) -> None:
        self._reader = DatasetReader(path)
        self.provenance = self._reader.provenance
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
        return len(self._reader)

    def batches(self) -> Iterator[tuple[CellEnergies, Photons | None]]:
        for start in range(0, len(self), _BATCH):
            events = slice(start, min(start + _BATCH, len(self)))
            cells = self._reader.cells(events)
            assert cells is not None
            yield cells, _photons_of(self._reader.read(events))


def _reconstruct(
    source: _HitsSource | _DatasetSource,
    table: CellTable,
    calibration: Calibration | None,
    strip_rows: Literal[1, 2],
) -> tuple[ShowerShapes, Photons | None]:
    shapes, photons = [], []
    with progress_of("shower shapes", len(source)) as advance:
        for cells, batch in source.batches():
            photons.append(batch)
            shapes.append(
                cells_to_shapes(cells, table, calibration=calibration, strip_rows=strip_rows)
            )
            advance(len(cells))
    if not shapes:
        raise ValueError("expected showers to reconstruct, got none")
    return concatenate_shapes(shapes), _join(photons)


def _photons_of(voxels: Voxels) -> Photons | None:
    if voxels.photon_eta is None or voxels.photon_phi is None or voxels.index is None:
        return None
    return Photons(voxels.incident_energy, voxels.photon_eta, voxels.photon_phi, voxels.index)


def _join(parts: list[Photons | None]) -> Photons | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    columns = ("energy", "eta", "phi", "index")
    return Photons(*(np.concatenate([getattr(part, name) for part in known]) for name in columns))


def _open_source(path: Path, table: CellTable) -> _HitsSource | _DatasetSource:
    kind = detect_format(path)
    if kind == "hits":
        return _HitsSource(path, table)
    if kind == "dataset":
        return _DatasetSource(path, table)
    raise ValueError(f"{path}: expected a hits file or a dataset, got a file of format {kind}")


def _choose_table(path: Path | None) -> CellTable:
    return barrel_cells() if path is None else read_barrel(path).cells


def _read_calibration(path: Path) -> Calibration | None:
    """Read the calibration stored with a dataset; a hits file has none."""
    if detect_format(path) != "dataset":
        return None
    arrays = DatasetReader(path).attached("calibration")
    return None if arrays is None else Calibration.from_arrays(arrays)
