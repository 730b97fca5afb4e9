"""A hits file becomes showers of cells or points in the layout of another program."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from calovox.arrays import Array
from calovox.foreign.points.calogan import calogan_columns, calogan_detector, calogan_tails
from calovox.foreign.points.hgcal import CellPlaces, hgcal_columns, read_places
from calovox.foreign.points.showerdata import check_cylinders, showerdata_columns
from calovox.foreign.showers.writing import Column, ShowersWriter
from calovox.foreign.tables.table import ForeignFileError
from calovox.geometry import Detector
from calovox.geometry.detector_files import choose_detector
from calovox.hits import Hits
from calovox.hits.file import HitsReader
from calovox.photons import Particle
from calovox.tracking import Track, silently

__all__ = ["POINT_LAYOUTS", "PointLayout", "export_points"]

PointLayout = Literal["calogan", "hgcal", "showerdata"]
"""Layouts that are written of hits."""

POINT_LAYOUTS: Final = get_args(PointLayout)

_BATCH_HITS: Final = 2_000_000
_BATCH_NUMBERS: Final = 8_000_000
_SHOWERDATA_VERSION: Final = "0.7.0"
_MOST_OUTSIDE: Final = 0.5


def export_points(
    hits: Path,
    output: Path,
    layout: PointLayout,
    *,
    detector: Detector | None = None,
    places: Path | None = None,
    scale: float = 1.0,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> tuple[int, float]:
    """Write the hits of a file in the layout of another program.

    Args:
        hits: The hits file.
        output: The HDF5 file.
        layout: Its layout.
        detector: The detector of the hits; None for the one that the file names.
        places: Table of the places of the cells, for "hgcal".
        scale: Every energy is multiplied by it.
        provenance: How the file is made.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Returns:
        The number of showers, and the share of the energy that the layout has no place for.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        HitsFileError: If it is no usable hits file.
        ValueError: If the layout cannot have these hits.
    """
    reader = HitsReader(hits)
    detector = choose_detector(detector, {hits: reader.detector})
    cells = _check(layout, hits, detector, places)
    total = outside = 0.0
    n_points = 0
    with ShowersWriter(
        output,
        _columns_of(layout, cells),
        provenance or {},
        attributes={"showerdata_version": _SHOWERDATA_VERSION} if layout == "showerdata" else {},
        overwrite=overwrite,
    ) as writer:
        size = _BATCH_NUMBERS if cells is None else max(1, _BATCH_NUMBERS // cells.x.size)
        for batch in track(_batches(reader, size), "showers", len(reader)):
            scaled = replace(batch, energy=batch.energy * np.float32(scale))
            columns, lost = _convert(layout, scaled, detector, cells, reader.particle)
            writer.append(columns)
            total += float(scaled.energy.sum(dtype=np.float64))
            outside += lost
            n_points = max(n_points, int(np.diff(batch.event_offsets).max(initial=0)))
        if layout == "showerdata":
            writer.add("shape", np.array([len(reader), n_points, 4]))
            writer.add("shower_ids", np.arange(len(reader), dtype=np.int32))
        share = outside / (total or 1.0)
        if share > _MOST_OUTSIDE:
            raise ForeignFileError(
                f"{hits}: {100.0 * share:.3g} % of the energy is beside the cells of {layout}: "
                "are these showers where its cells are?"
            )
    return len(reader), share


def _batches(reader: HitsReader, size: int) -> Iterator[Hits]:
    """Read all events, so many at a time at most."""
    for batch in reader.batches(_BATCH_HITS):
        for start in range(0, len(batch), size):
            yield batch[start : start + size]


def _check(
    layout: PointLayout, hits: Path, detector: Detector, places: Path | None
) -> CellPlaces | None:
    """Refuse what does not go together, and read the places of cells."""
    if layout == "hgcal":
        if places is None:
            raise ValueError("--layout hgcal: say where the cells lie with --places FILE")
        return read_places(places)
    if places is not None:
        raise ValueError("--places is for --layout hgcal: leave it out")
    if layout == "showerdata":
        check_cylinders(detector)
    elif detector.layers_digest != calogan_detector().layers_digest:
        raise ValueError(
            f"{hits}: --layout calogan needs hits in its own layers, as `calovox import` gives "
            f"them, got those of '{detector.name}'"
        )
    return None


def _columns_of(layout: PointLayout, cells: CellPlaces | None) -> dict[str, Column]:
    if layout == "calogan":
        return {name: Column(tail, "f4") for name, tail in calogan_tails().items()}
    if layout == "hgcal":
        assert cells is not None  # read
        return {"showers": Column(cells.shape, "f4"), "gen_info": Column((3,), "f4")}
    return {
        "showers": Column(None),
        "energies": Column((1,), "f4"),
        "directions": Column((3,), "f4"),
        "pdg": Column((), "i4"),
        "num_points": Column((), "i4"),
    }


def _convert(
    layout: PointLayout,
    hits: Hits,
    detector: Detector,
    cells: CellPlaces | None,
    particle: Particle,
) -> tuple[Mapping[str, Array], float]:
    """Give the columns of some events, and the energy that they leave out in MeV."""
    if layout == "calogan":
        columns = calogan_columns(detector, hits)
        return columns, float(columns["overflow"].sum())
    if layout == "hgcal":
        assert cells is not None  # read
        return hgcal_columns(detector, cells, hits)
    return showerdata_columns(detector, hits, particle), 0.0
