"""Merging of hits, datasets and shower shapes of several jobs.

The events of jobs are those of one run, each once: `--first-event` gives every job its own. They
are written in the order of their indices, batch by batch, with the provenance of the whole run.
The result is, byte for byte, what one job with all these events writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Int64
from calovox.dataset import DatasetReader, DatasetWriter
from calovox.files.formats import detect_format
from calovox.files.whole import check_writable
from calovox.geometry.cell_energies import CellEnergies
from calovox.hits import HitsReader, HitsWriter
from calovox.hits.hits import Hits
from calovox.jobs.provenance import NotOneRunError, RunEvents, check_equal, merge_provenance
from calovox.photons import Photons, photons_digest
from calovox.reconstruction.shapes_file import (
    ShapesFile,
    read_shapes_file,
    read_shapes_index,
    write_shapes_parts,
)
from calovox.tracking import Track, silently
from calovox.voxelization import Voxels

__all__ = ["Merged", "merge_files"]

_BATCH: Final = 4096
_LAST: Final = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Merged:
    """What files were merged into.

    Attributes:
        n_events: Events of all of them.
        first: Lowest index.
        last: Highest index.
        warnings: What is unlikely: events that are missing in between.
    """

    n_events: int
    first: int
    last: int
    warnings: tuple[str, ...]


def merge_files(
    paths: Sequence[Path], output: Path, *, overwrite: bool = False, track: Track = silently
) -> Merged:
    """Merge the files of several jobs into that of one.

    Args:
        paths: Hits files, datasets, or files of shower shapes; in any order.
        output: The result.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Returns:
        What was merged.

    Raises:
        NotOneRunError: If an event occurs twice, or the files are not parts of one run.
        ValueError: If they are of another format.
        FileExistsError: If the output exists and may not be replaced.
    """
    check_writable(output, overwrite=overwrite)
    kinds = [detect_format(path) for path in paths]
    check_equal(paths, [{"format": kind} for kind in kinds], "they have the")
    merging: dict[str, type[_HitsOfJobs | _DatasetsOfJobs | _ShapesOfJobs]]
    merging = {"hits": _HitsOfJobs, "dataset": _DatasetsOfJobs, "shapes": _ShapesOfJobs}
    if kinds[0] not in merging:
        raise NotOneRunError(
            f"{paths[0]}: expected hits, a dataset or shower shapes, got a file of format "
            f"{kinds[0]}: there is nothing to merge"
        )
    kind = merging[kinds[0]]
    indices = {path: kind.index_of(path) for path in paths}
    if len(indices) < len(paths):
        raise NotOneRunError("FILE: expected each file once, got one of them twice")
    ordered = sorted(paths, key=lambda path: int(indices[path].min(initial=_LAST)))
    jobs = kind(ordered)
    ranges = _ranges([indices[path] for path in ordered], ordered)
    events = RunEvents(ranges, lambda: photons_digest(jobs))
    jobs.write(output, events, overwrite=overwrite, track=track)
    (first, _), (start, number) = ranges[0], ranges[-1]
    missing = tuple(f"events {low} to {high} are in no file" for low, high in events.gaps)
    return Merged(events.number, first, start + number - 1, missing)


def _ranges(
    indices: Sequence[Int64[Array, "..."]], paths: Sequence[Path]
) -> tuple[tuple[int, int], ...]:
    """Cut the events into blocks of consecutive ones, and refuse doubled ones."""
    events = np.sort(np.concatenate(indices))
    if not len(events):
        raise NotOneRunError(f"{paths[0]}: expected events, got none in any file")
    steps = np.diff(events)
    if np.any(steps == 0):
        event = events[:-1][steps == 0][0]
        holders = [f"{path}" for path, i in zip(paths, indices, strict=True) if event in i]
        raise NotOneRunError(
            f"{', '.join(holders[:2])}: event {event} occurs more than once; make the files with "
            "different --first-event"
        )
    starts = np.concatenate([[0], np.flatnonzero(steps > 1) + 1])
    numbers = np.diff([*starts, len(events)])
    return tuple(
        (int(events[start]), int(number)) for start, number in zip(starts, numbers, strict=True)
    )


class _HitsOfJobs:
    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._readers = [HitsReader(path, takes_weights=True) for path in paths]

    @staticmethod
    def index_of(path: Path) -> Int64[Array, " event"]:
        return HitsReader(path, takes_weights=True).photons().index

    def __iter__(self) -> Iterator[Photons]:
        return (reader.photons() for reader in self._readers)

    def write(self, output: Path, events: RunEvents, *, overwrite: bool, track: Track) -> None:
        options = [reader.writer_options() for reader in self._readers]
        check_equal(self._paths, options, "they have")
        provenance = merge_provenance(
            self._paths, [reader.provenance for reader in self._readers], events
        )
        batches: Iterator[Hits] = (b for reader in self._readers for b in reader.batches())
        with HitsWriter(
            output, provenance=provenance, overwrite=overwrite, **options[0]
        ) as writer:
            for batch in track(batches, "merging", events.number):
                writer.append(batch)


class _DatasetsOfJobs:
    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._readers = [DatasetReader(path, takes_weights=True) for path in paths]

    @staticmethod
    def index_of(path: Path) -> Int64[Array, " event"]:
        index = DatasetReader(path, takes_weights=True).index()
        if index is None:
            raise NotOneRunError(
                f"{path} has no `event/index`: which events of a run are they? Commands that take "
                "datasets take several of them"
            )
        return index

    def __iter__(self) -> Iterator[Photons]:
        return (reader.photons(at_impact=True) for reader in self._readers)

    def write(self, output: Path, events: RunEvents, *, overwrite: bool, track: Track) -> None:
        options = [reader.writer_options() for reader in self._readers]
        check_equal(self._paths, options, "they have")
        attached = self._attached()
        provenance = merge_provenance(
            self._paths, [reader.provenance for reader in self._readers], events
        )
        with DatasetWriter(
            output,
            self._readers[0].grid,
            provenance=provenance,
            overwrite=overwrite,
            **options[0],
        ) as writer:
            for batch in track(self._batches(), "merging", events.number):
                writer.append(batch.voxels, batch.cells, phi_mod=batch.phi_mod)
            for name, arrays in attached.items():
                writer.attach(name, arrays)

    def _batches(self) -> "Iterator[_Showers]":
        for reader in self._readers:
            for start in range(0, len(reader), _BATCH):
                rows = slice(start, start + _BATCH)
                yield _Showers(reader.read(rows), reader.cells(rows), reader.phi_mod(rows))

    def _attached(self) -> dict[str, Mapping[str, Array]]:
        """Read what is stored beside the events: of the run, it must be the same in all jobs."""
        names = self._readers[0].attached_names
        for path, reader in zip(self._paths, self._readers, strict=True):
            for name in {*names, *reader.attached_names}:
                first, own = self._readers[0].attached(name), reader.attached(name)
                if not _same(first, own):
                    raise NotOneRunError(
                        f"{self._paths[0]} and {path} have another `{name}` each, fitted to their "
                        "own showers: give the hits of all jobs to one calovox voxelize"
                    )
        return {name: self._readers[0].attached(name) or {} for name in names}


@dataclass(frozen=True)
class _Showers:
    voxels: Voxels
    cells: CellEnergies | None
    phi_mod: Array | None

    def __len__(self) -> int:
        return len(self.voxels)


def _same(first: Mapping[str, Array] | None, other: Mapping[str, Array] | None) -> bool:
    if first is None or other is None:
        return first is other
    return first.keys() == other.keys() and all(
        np.array_equal(values, other[key]) for key, values in first.items()
    )


class _ShapesOfJobs:
    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    @staticmethod
    def index_of(path: Path) -> Int64[Array, " event"]:
        index = read_shapes_index(path)
        if index is None:
            raise NotOneRunError(f"{path} has no column `event_index`: which events are they?")
        return index

    def __iter__(self) -> Iterator[Photons]:
        for part in self._parts():
            assert part.photons is not None  # index_of has seen them
            yield part.photons

    def _parts(self) -> Iterator[ShapesFile]:
        return (read_shapes_file(path) for path in self._paths)

    def write(self, output: Path, events: RunEvents, *, overwrite: bool, track: Track) -> None:
        provenance: list[dict[str, Any]] = []
        calibrations = []
        for part in self._parts():
            provenance.append(dict(part.provenance))
            calibration = part.calibration
            arrays = {} if calibration is None else calibration.to_arrays()
            calibrations.append({name: values.tolist() for name, values in arrays.items()})
        check_equal(self._paths, calibrations, "the calibrations have")
        write_shapes_parts(
            output,
            track(self._parts(), "merging", events.number),
            provenance=merge_provenance(self._paths, provenance, events),
            overwrite=overwrite,
        )
