"""From hits of another program to a hits file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from calovox.arrays import Array, Int64
from calovox.files.hdf5 import Compression
from calovox.files.whole import check_writable, file_hash
from calovox.foreign.description import Description
from calovox.foreign.events import EventBatch, PhotonTable, read_events
from calovox.foreign.hits import (
    LeftOut,
    columns_to_hits,
    columns_to_particle,
    columns_to_photons,
    mixed_particles,
)
from calovox.foreign.tables import ForeignFileError, Table, choose_table
from calovox.geometry import Detector, atlas_barrel
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits import Hits, HitsWriter
from calovox.hits.shares import EnergyShares, ShareCounter
from calovox.photons import Particle
from calovox.tracking import Track, silently
from calovox.voxelization import shower_centers

__all__ = ["ForeignHits", "HitsContent", "import_hits"]

_MOST_OUTSIDE = 0.5


@dataclass(frozen=True)
class HitsContent:
    """What was written.

    Attributes:
        n_events: Showers.
        n_hits: Their hits.
        n_empty: Showers without a hit.
        particle: What made them.
        left_out: Hits that were left out.
        shares: Mean shares of the kinetic energy.
    """

    n_events: int
    n_hits: int
    n_empty: int
    particle: Particle
    left_out: LeftOut
    shares: EnergyShares

    def __str__(self) -> str:
        of = "" if self.particle == "photon" else f" of {self.particle}s"
        text = f"{self.n_events} showers{of}, {self.n_hits} hits"
        if self.n_empty:
            text += f", {self.n_empty} showers without hits"
        if self.left_out.n_without_energy:
            text += f", {self.left_out.n_without_energy} hits without energy left out"
        if self.left_out.n_outside:
            share = 100.0 * self.left_out.energy_outside / (self.left_out.energy or 1.0)
            text += f", {self.left_out.n_outside} hits in no layer left out ({share:.2g} % of E)"
        return f"{text}; mean E_tot/E_kin {self.shares}"


@dataclass
class ForeignHits:
    """Hits of other programs, read as a stream.

    Attributes:
        paths: The files, in order.
        description: What their columns mean.
        photons: Files with the photons, one for all or one for each; empty for none.
        detector: The layers that the hits are in.
        left_out: What was left out so far.
        particle: What made the showers that were read; None before the first.
    """

    paths: Sequence[Path]
    description: Description
    photons: Sequence[Path] = ()
    detector: Detector = field(default_factory=atlas_barrel)
    left_out: LeftOut = field(default_factory=LeftOut)
    particle: Particle | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if len(self.photons) not in (0, 1, len(self.paths)):
            raise ForeignFileError(
                f"expected one file of photons, or one for each of the {len(self.paths)} files of "
                f"hits, got {len(self.photons)}"
            )
        if self.photons and not self.description.photons.is_apart:
            raise ForeignFileError(
                f"{self.photons[0]}: the description takes photons from the file of the hits: "
                "name `event` or `file` in [photons]"
            )

    def batches(self) -> Iterator[Hits]:
        """Read all events.

        Yields:
            Hits in the order of the files; events without hits come last in their file.

        Raises:
            ForeignFileError: If something does not fit together, or two events are the same.
        """
        columns, first = self.description.hits, 0
        seen: list[Array] = [np.empty(0, dtype=np.int64)]
        for paths, source in self._groups():
            photons = None if source is None else self._photon_table(source)
            found: list[Array] = []
            for path in paths:
                table = choose_table(path, columns.table, offsets=columns.offsets)
                for hits in self._read(table, photons, first, found):
                    seen.append(hits.photons.index)
                    first += len(hits)
                    yield hits
            if photons is not None:
                for hits in self._without_hits(table, photons, first, found):
                    seen.append(hits.photons.index)
                    first += len(hits)
                    yield hits
        self._check_indices(np.concatenate(seen))

    def _groups(self) -> list[tuple[Sequence[Path], Path | None]]:
        """Give the files that have their photons in the same file, with that file."""
        columns = self.description.photons
        if not columns.is_apart:
            return [(self.paths, None)]
        if len(self.photons) == 1:
            return [(self.paths, self.photons[0])]
        if not self.photons and columns.file is not None:
            return [(self.paths, Path(columns.file))]
        own = self.photons or self.paths
        return [([path], source) for path, source in zip(self.paths, own, strict=True)]

    def _photon_table(self, path: Path) -> PhotonTable:
        columns = self.description.photons
        return PhotonTable(choose_table(path, columns.table), columns)

    def _read(
        self,
        table: Table,
        photons: PhotonTable | None,
        first: int,
        found: list[Array],
    ) -> Iterator[Hits]:
        """Read the events of one file; the first index is for those that have no key."""
        row = 0
        for batch in filter(len, read_events(table, self.description)):
            rows = np.arange(row, row + len(batch))
            keys = rows if batch.keys is None else batch.keys
            row += len(batch)
            found.append(keys)
            yield self._convert(table, batch, photons, keys, first + rows)

    def _without_hits(
        self,
        table: Table,
        photons: PhotonTable,
        first: int,
        found: list[Array],
    ) -> Iterator[Hits]:
        """Give the events of photons that have no hits."""
        empty = np.setdiff1d(photons.keys, np.concatenate([*found, photons.keys[:0]]))
        if len(empty) == 0:
            return
        if self.description.hits.event is None:
            raise ForeignFileError(
                f"{table.path}: expected as many events as photons, "
                f"{len(photons.keys)}, got {len(photons.keys) - len(empty)}"
            )
        nothing = {name: np.empty(0) for name in self.description.hits.names}
        offsets = np.zeros(len(empty) + 1, dtype=np.int64)
        batch = EventBatch(empty, offsets, nothing, {})
        yield self._convert(table, batch, photons, empty, first + np.arange(len(empty)))

    def _convert(
        self,
        table: Table,
        batch: EventBatch,
        photons: PhotonTable | None,
        keys: Int64[Array, " event"],
        running: Int64[Array, " event"],
    ) -> Hits:
        has_key = batch.keys is not None and not self.description.hits.number_anew
        values = batch.photons if photons is None else photons.take(keys)
        index = keys if has_key else running
        converted = columns_to_photons(table, values, index, self.description)
        particle = columns_to_particle(table, values, index, self.description)
        if self.particle not in (None, particle):
            paths = ", ".join(map(str, self.paths))
            raise mixed_particles(paths, self.particle, particle, int(index[0]))
        self.particle = particle
        return columns_to_hits(
            table, batch, converted, self.description, self.detector, self.left_out
        )

    def _check_indices(self, indices: Int64[Array, " event"]) -> None:
        values, counts = np.unique(indices, return_counts=True)
        if np.any(counts > 1):
            name = self.description.hits.event
            raise ForeignFileError(
                f"{', '.join(map(str, self.paths))}: event {values[counts > 1][0]} comes more "
                f"than once: sort the rows by `{name}`, or, if these are different events, set "
                "`number_anew = true` in [hits]"
            )


def import_hits(
    foreign: ForeignHits,
    output: Path,
    *,
    precision_bits: int | None = None,
    compression: Compression = "blosc2",
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> HitsContent:
    """Write hits of another program as a hits file.

    Args:
        foreign: The hits.
        output: The hits file.
        precision_bits: How many bits of energies to keep; None for all.
        compression: How to compress the file.
        provenance: How the file is made, but for the hits.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Returns:
        What was written.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ForeignFileError: If the hits cannot be read.
        ValueError: If energies of an event cancel, so that its centre is nowhere.
    """
    check_writable(output, overwrite=overwrite)
    detector, batches = foreign.detector, foreign.batches()
    first = list(islice(batches, 1))  # says what the particle is
    particle = foreign.particle or "photon"
    counter = ShareCounter(detector, detector.cells)
    n_events = n_hits = n_empty = 0
    made_from = {
        "description": foreign.description.to_dict(),
        "files": {path.name: file_hash(path) for path in (*foreign.paths, *foreign.photons)},
    }
    with HitsWriter(
        output,
        overwrite=overwrite,
        provenance={**(provenance or {}), **made_from},
        detector=DetectorMark.of(detector),
        particle=particle,
        precision_bits=precision_bits,
        compression=compression,
    ) as writer:
        for hits in track(chain(first, batches), "showers", 0):
            shower_centers(hits)  # refuses energies that cancel
            writer.append(hits)
            counter.add(hits)
            n_events += len(hits)
            n_hits += hits.n_hits
            n_empty += int((np.diff(hits.event_offsets) == 0).sum())
        _check_content(foreign, n_events, n_hits)
    return HitsContent(n_events, n_hits, n_empty, particle, foreign.left_out, counter.shares())


def _check_content(foreign: ForeignHits, n_events: int, n_hits: int) -> None:
    left_out, paths = foreign.left_out, ", ".join(map(str, foreign.paths))
    if n_events == 0:
        raise ForeignFileError(f"{paths}: expected showers, got none")
    if n_hits == 0 or left_out.energy_outside > _MOST_OUTSIDE * left_out.energy:
        share = 100.0 * left_out.n_outside / max(1, left_out.n_hits)
        raise ForeignFileError(
            f"{paths}: {share:.3g} % of the hits are in no layer of the detector: is "
            "`length_unit` right, and are positions those in the detector? `layer` can name a "
            "column of layers"
        )
