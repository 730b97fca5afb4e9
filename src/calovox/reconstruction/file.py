"""Reconstruction of a file: the cells of all its showers, and the shower shapes of these."""

from collections.abc import Iterator, Sized
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from calovox.geometry import CellTable
from calovox.geometry.cell_energies import CellEnergies
from calovox.hits.file import HitsReader
from calovox.photons import Photons, concatenate_photons
from calovox.reconstruction.calibration import Calibration
from calovox.reconstruction.cells_file import CellsWriter, write_cells
from calovox.reconstruction.deposit import hits_to_cells
from calovox.reconstruction.layers import (
    LayerShapes,
    cells_to_layer_shapes,
    concatenate_layer_shapes,
)
from calovox.reconstruction.shapes import (
    ShowerShapes,
    cells_to_shapes,
    concatenate_shapes,
    has_shower_shapes,
)
from calovox.reconstruction.shapes_file import write_shapes
from calovox.tracking import Track, silently

__all__ = ["CellSource", "CellsOfHits", "reconstruct", "reconstruct_file"]


@runtime_checkable
class CellSource(Sized, Protocol):
    """Showers whose cells can be read: `calovox.dataset.cells.open_cells` opens any file."""

    table: CellTable

    @property
    def provenance(self) -> dict[str, Any]:
        """How the showers were made."""
        ...

    def batches(self) -> Iterator[tuple[CellEnergies, Photons | None]]:
        """Read the cells of all showers, and their photons if they are known."""
        ...


class CellsOfHits:
    """Cells made of the hits of a file.

    Args:
        reader: The hits.
        table: The cells of the detector.
    """

    def __init__(self, reader: HitsReader, table: CellTable) -> None:
        self._reader = reader
        self.table = table

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self._reader)

    @property
    def provenance(self) -> dict[str, Any]:
        """How the showers were made."""
        return self._reader.provenance

    def batches(self) -> Iterator[tuple[CellEnergies, Photons | None]]:
        """Put the hits of all showers into cells."""
        for hits in self._reader.batches():
            yield hits_to_cells(hits, self.table), hits.photons


def reconstruct(
    source: CellSource,
    *,
    calibration: Calibration | None = None,
    strip_rows: Literal[1, 2] = 1,
    cells_writer: CellsWriter | None = None,
    track: Track = silently,
) -> tuple[ShowerShapes | None, LayerShapes, Photons | None]:
    """Compute the shower shapes of all showers.

    Args:
        source: Their cells.
        calibration: Calibration of the cluster energy; None for no calibrated energies.
        strip_rows: Rows of strips in the profile of EMB1: 1 as the note, 2 as ATLAS.
        cells_writer: Takes the cells of all showers as well; None for none.
        track: Shows the progress.

    Returns:
        The shapes, if the detector has strips and a middle layer, those of all layers, and the
        photons if all of them are known.

    Raises:
        ValueError: If there are no showers, or a calibration for a detector without shapes.
    """
    shapes, layers, photons = [], [], []
    with_shapes = has_shower_shapes(source.table)
    if calibration is not None and not with_shapes:
        raise ValueError(
            f"calibration: detector {source.table.name!r} has no strips or no middle layer: "
            "expected none"
        )
    for batch in track(_batches(source), "shower shapes", len(source)):
        photons.append(batch.photons)
        if cells_writer is not None:
            cells_writer(batch.cells, batch.photons)
        layers.append(cells_to_layer_shapes(batch.cells, source.table))
        if with_shapes:
            shapes.append(
                cells_to_shapes(
                    batch.cells, source.table, calibration=calibration, strip_rows=strip_rows
                )
            )
    if not layers:
        raise ValueError("expected showers to reconstruct, got none")
    found = concatenate_shapes(shapes) if with_shapes else None
    return found, concatenate_layer_shapes(layers), _join(photons)


def reconstruct_file(
    source: CellSource,
    output: Path,
    *,
    calibration: Calibration | None = None,
    strip_rows: Literal[1, 2] = 1,
    cells: Path | None = None,
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> None:
    """Compute the shower shapes of all showers, and write them, one row per shower.

    Args:
        source: Their cells.
        output: The Parquet file.
        calibration: Calibration of the cluster energy; None for no calibrated energies.
        strip_rows: Rows of strips in the profile of EMB1: 1 as the note, 2 as ATLAS.
        cells: Also write the cells, into this file with .root or .parquet; None for no cells.
        provenance: How the shapes are made, but for their source.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ValueError: If there are no showers.
    """
    with ExitStack() as stack:
        writer = None
        if cells is not None:
            writer = stack.enter_context(write_cells(cells, source.table, overwrite=overwrite))
        shapes, layers, photons = reconstruct(
            source,
            calibration=calibration,
            strip_rows=strip_rows,
            cells_writer=writer,
            track=track,
        )
        write_shapes(
            output,
            shapes,
            layers=layers,
            photons=photons,
            calibration=calibration,
            provenance={**(provenance or {}), "source": source.provenance},
            overwrite=overwrite,
        )


class _Batch:
    """Cells and photons of some showers."""

    def __init__(self, cells: CellEnergies, photons: Photons | None) -> None:
        self.cells = cells
        self.photons = photons

    def __len__(self) -> int:
        return len(self.cells)


def _batches(source: CellSource) -> Iterator[_Batch]:
    return (_Batch(cells, photons) for cells, photons in source.batches())


def _join(parts: list[Photons | None]) -> Photons | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return concatenate_photons(known)
