"""Showers of cells or points become a hits file."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.files.hdf5 import Compression
from calovox.files.whole import file_hash
from calovox.foreign.layouts import layout_of, unknown_layout
from calovox.foreign.points.calogan import CaloGanShowers
from calovox.foreign.points.hgcal import HgcalShowers, read_places
from calovox.foreign.points.showerdata import ShowerdataShowers
from calovox.foreign.points.source import PointSource
from calovox.foreign.tables.table import ForeignFileError
from calovox.geometry import Detector
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits import HitsWriter
from calovox.hits.shares import EnergyShares, ShareCounter
from calovox.photons import Particle
from calovox.tracking import Track, silently

__all__ = ["ImportedPoints", "PointOptions", "import_points", "open_foreign_points"]

_NUMBERS_OF_A_BATCH: Final = 8_000_000
_MOST_OF_A_BATCH: Final = 2000


@dataclass(frozen=True)
class PointOptions:
    """What files of cells or points do not say.

    Attributes:
        detector: Where the layers of HGCal and showerdata lie.
        places: Table of the places of the cells of HGCal.
    """

    detector: Detector | None = None
    places: Path | None = None


@dataclass(frozen=True)
class ImportedPoints:
    """What was written.

    Attributes:
        layout: The layout of the file.
        particle: What made the showers.
        n_hits: Hits of all showers.
        n_empty: Showers without a hit.
        shares: Mean shares of the kinetic energy.
    """

    layout: str
    particle: Particle
    n_hits: int
    n_empty: int
    shares: EnergyShares

    def __str__(self) -> str:
        empty = f", {self.n_empty} showers without hits" if self.n_empty else ""
        return (
            f"{self.shares.n_events} showers of {self.particle}s from {self.layout}, "
            f"{self.n_hits} hits{empty}; mean E_tot/E_kin {self.shares}"
        )


def open_foreign_points(path: Path, options: PointOptions | None = None) -> PointSource:
    """Open a file of showers of cells or points.

    Args:
        path: The file.
        options: What it does not say.

    Returns:
        Its showers.

    Raises:
        ForeignFileError: If its layout is not one of these, or it is damaged.
        ValueError: If an option is missing.
    """
    given, layout = options or PointOptions(), layout_of(path)
    if layout == "CaloGAN":
        return CaloGanShowers(path)
    if layout not in ("HGCal", "showerdata"):
        raise unknown_layout(path)
    if given.detector is None:
        raise ValueError(
            f"{path} is a file of {layout}: say where its layers lie with --detector FILE"
        )
    if layout == "showerdata":
        return ShowerdataShowers(path, given.detector)
    if given.places is None:
        raise ValueError(
            f"{path} is a file of {layout}: say where its cells lie with --places FILE, a table "
            "with the columns layer, cell, x and y"
        )
    return HgcalShowers(path, read_places(given.places), given.detector)


def import_points(
    source: PointSource,
    output: Path,
    *,
    scale: float = 1.0,
    particle: Particle | None = None,
    precision_bits: int | None = None,
    compression: Compression = "blosc2",
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> ImportedPoints:
    """Write showers of cells or points as a hits file.

    Args:
        source: The showers.
        output: The hits file.
        scale: Every energy is multiplied by it.
        particle: What made the showers, if the file does not say; photons by default.
        precision_bits: How many bits of energies to keep; None for all.
        compression: How to compress the file.
        provenance: How the file is made, but for the showers.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Returns:
        What was written.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ForeignFileError: If the showers cannot be read.
    """
    if len(source) == 0:
        raise ForeignFileError(f"{source.path}: expected showers, got none")
    kind = source.particle or particle or "photon"
    counter = ShareCounter(source.detector, source.detector.cells)
    size = max(1, min(_MOST_OF_A_BATCH, _NUMBERS_OF_A_BATCH // source.n_numbers))
    made_from = {"layout": source.layout, "files": {source.path.name: file_hash(source.path)}}
    n_hits = n_empty = 0
    with HitsWriter(
        output,
        overwrite=overwrite,
        provenance={**(provenance or {}), **made_from, "scale": scale},
        detector=DetectorMark.of(source.detector),
        particle=kind,
        precision_bits=precision_bits,
        compression=compression,
    ) as writer:
        for hits in track(source.batches(size), "showers", len(source)):
            scaled = replace(hits, energy=hits.energy * np.float32(scale))
            writer.append(scaled)
            counter.add(scaled)
            n_hits += hits.n_hits
            n_empty += int((np.diff(hits.event_offsets) == 0).sum())
    return ImportedPoints(source.layout, kind, n_hits, n_empty, counter.shares())
