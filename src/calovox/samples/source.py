"""Files of showers, of whatever format, as sources of batches.

The content of a file decides its format: a dataset of calovox, or a file of the CaloChallenge,
which needs a binning file as well. Showers of photons that their model was not trained for are
left out, and counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.dataset import DatasetReader
from calovox.dataset.bare import bare_cells
from calovox.dataset.detectors import detector_of
from calovox.geometry.barrel import BARREL_NUMBERS, barrel_cells
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.cells import CellTable
from calovox.photons import Particle
from calovox.reconstruction import Calibration, cells_to_shapes, has_shower_shapes
from calovox.samples.batch import ShowerBatch, choose_among
from calovox.samples.calochallenge import CaloChallengeReader, is_calochallenge
from calovox.samples.files import check_files_once
from calovox.samples.layout import VoxelLayout
from calovox.voxelization import Voxels

_NO_CELLS: Final = "has no cell energies"

__all__ = ["DatasetSource", "ShowerFile", "SourceChain", "open_sample", "open_showers"]


class DatasetSource:
    """A dataset of calovox, without showers of photons that its model was not trained for.

    Args:
        path: The file.
        table: The cells of the detector, to reconstruct those of the file, if it has any, or those
            of its voxels, if it has the keys of Table A.1 alone; None for voxels alone.

    Attributes:
        path: The file.
        particle: What made its showers.
        grid: Its voxels.
        layout: Where they lie.
        table: The cells that its cell energies refer to; None if they are not wanted.
        has_shapes: Whether its showers are reconstructed.
        why_no_shapes: Why they are not; empty if they are.
        has_windows: Whether its cells are in the layers of the barrel, so that they have the
            observables of `calovox.samples.observables.cells`.
        calibration: The calibration of the energy that the file holds, if any.
        n_extrapolated: Showers of the file that are left out.

    Raises:
        DatasetError: If it is no usable dataset.
        ValueError: If its cells are those of another table.
    """

    def __init__(self, path: Path, *, table: CellTable | None = None) -> None:
        self._reader = DatasetReader(path)
        self._kept = ~self._reader.extrapolated()
        self._energy: Float64[Array, " event"] = self._reader.incident_energy()
        self._abs_eta: Float64[Array, " event"] = np.abs(self._reader.eta_center())
        self.path, self.grid = path, self._reader.grid
        self.particle: Particle = self._reader.particle
        self.layout = VoxelLayout.from_grid(self.grid)
        self._bare = None if table is None else bare_cells(self._reader, table)
        has_cells = self._bare is not None or self._reader.cells(slice(0, 0)) is not None
        self.table = table if has_cells else None
        if self.table is not None and self._reader.cell_table not in (None, self.table.name):
            raise ValueError(
                f"{path}: expected cell energies of the table '{self.table.name}', "
                f"got those of '{self._reader.cell_table}'"
            )
        self.why_no_shapes = _why_no_shapes(self.table)
        self.has_shapes = not self.why_no_shapes
        self.table = self.table if self.has_shapes else None
        self.has_windows = self.table is not None and self.table.numbers == BARREL_NUMBERS
        stored = self._reader.attached("calibration")
        self.calibration = None if stored is None else Calibration.from_arrays(stored)
        self.n_extrapolated = int(np.count_nonzero(~self._kept))

    def __len__(self) -> int:
        """Return the number of showers."""
        return int(np.count_nonzero(self._kept))

    def incident_energy(self) -> Float64[Array, " event"]:
        """Return the energies of all photons in MeV."""
        return np.asarray(self._energy[self._kept])

    def abs_eta(self) -> Float64[Array, " event"]:
        """Return abs(eta) of all shower centres."""
        return np.asarray(self._abs_eta[self._kept])

    def index(self) -> Int64[Array, " event"] | None:
        """Read the index of each event in its run; None if the file does not say."""
        index = self._reader.index()
        return None if index is None else index[self._kept]

    def rows(self) -> Int64[Array, " event"]:
        """Return the rows of the showers in the file."""
        return np.flatnonzero(self._kept)

    def photon_eta(self) -> Float64[Array, " event"]:
        """Read the pseudorapidities of all photons; those of shower centres if there are none."""
        eta = self._reader.photon_eta()
        return np.asarray((self._reader.eta_center() if eta is None else eta)[self._kept])

    def select(self, chosen: Bool[Array, " event"]) -> "DatasetSource":
        """Return some of the showers."""
        source = copy(self)
        source._kept = choose_among(self._kept, chosen)
        return source

    def batches(self, size: int) -> Iterator[ShowerBatch]:
        """Read all showers, so many at a time.

        Args:
            size: Showers per batch, the last may have fewer.

        Yields:
            Showers in the order of the file, with shapes if they are reconstructed.
        """
        start = 0
        for voxels in self._reader.batches(size):
            kept = self._kept[start : start + len(voxels)]
            batch = self._batch(voxels, start)
            start += len(voxels)
            if kept.any():
                yield batch if kept.all() else batch.select(kept)

    def voxels_alone(self) -> "DatasetSource":
        """Return the same showers without shapes."""
        source = copy(self)
        source.has_shapes, source.why_no_shapes = False, "is asked for its voxels alone"
        return source

    def events(self, size: int) -> Iterator[tuple[Voxels, CellEnergies | None, Bool[Array, " _"]]]:
        """Read everything that the file holds, so many events at a time.

        Args:
            size: Events per batch, the last may have fewer.

        Yields:
            Voxels, cells if there are any that are wanted, and which events are not left out.
        """
        start = 0
        for voxels in self._reader.batches(size):
            rows = slice(start, start + len(voxels))
            start += len(voxels)
            yield (
                voxels,
                None if self.table is None else (self._bare or self._reader).cells(rows),
                self._kept[rows],
            )

    def _batch(self, voxels: Voxels, start: int) -> ShowerBatch:
        batch = ShowerBatch(
            voxels.energy,
            voxels.incident_energy,
            voxels.eta_center,
            voxels.phi_center,
            voxels.dropped_fraction,
        )
        if self.table is None or not self.has_shapes:
            return batch
        cells = (self._bare or self._reader).cells(slice(start, start + len(voxels)))
        assert cells is not None  # there is no table without cells
        return replace(batch, shapes=cells_to_shapes(cells, self.table))


ShowerFile = DatasetSource | CaloChallengeReader
"""A file of showers, of whatever format."""


class SourceChain:
    """Files of one sample, one after the other.

    Args:
        sources: One or more, all with the same voxels.
        min_energy: Energy in MeV below which a voxel counts as empty; cells stay as they are.

    Attributes:
        path: The first file.
        layout: Where the voxels lie.
        without_shapes: Why the showers of a file are not reconstructed, by its path; if there is
            one, none are.

    Raises:
        ValueError: If a file is given twice, or the voxels differ.
    """

    def __init__(self, sources: Sequence[ShowerFile], *, min_energy: float = 0.0) -> None:
        first = sources[0]
        self._min_energy = min_energy
        self.path, self.layout = first.path, first.layout
        self.without_shapes = {
            entry.path: getattr(entry, "why_no_shapes", _NO_CELLS)
            for entry in sources
            if not entry.has_shapes
        }
        self._sources = tuple(map(_voxels_alone, sources) if self.without_shapes else sources)
        check_files_once([source.path for source in sources])
        for source in sources[1:]:
            if source.layout != first.layout:
                raise ValueError(
                    f"{source.path}: expected the voxels of {first.path}, with which it forms one "
                    f"sample ({first.layout.name}), got others ({source.layout.name})"
                )

    @property
    def sources(self) -> tuple[ShowerFile, ...]:
        """All files."""
        return self._sources

    @property
    def datasets(self) -> tuple[DatasetSource, ...]:
        """The files that are datasets of calovox."""
        return tuple(source for source in self._sources if isinstance(source, DatasetSource))

    @property
    def particle(self) -> Particle:
        """What made the showers of the datasets; a photon if there are none."""
        return self.datasets[0].particle if self.datasets else "photon"

    @property
    def is_challenge(self) -> bool:
        """Whether all files are those of the CaloChallenge."""
        return all(isinstance(source, CaloChallengeReader) for source in self._sources)

    @property
    def has_shapes(self) -> bool:
        """Whether the showers of all files are reconstructed."""
        return not self.without_shapes

    def voxels_alone(self) -> "SourceChain":
        """Return the same showers without shapes."""
        return SourceChain([*map(_voxels_alone, self._sources)], min_energy=self._min_energy)

    def select(self, chosen: Iterable[Bool[Array, " event"]]) -> "SourceChain":
        """Return some of the showers.

        Args:
            chosen: Which of each file.
        """
        chain = copy(self)
        parts = zip(self._sources, chosen, strict=True)
        chain._sources = tuple(source.select(rows) for source, rows in parts)
        return chain

    def __len__(self) -> int:
        """Return the number of showers."""
        return sum(len(source) for source in self._sources)

    def incident_energy(self) -> Float64[Array, " event"]:
        """Return the energies of all incident particles in MeV."""
        return np.concatenate([source.incident_energy() for source in self._sources])

    def abs_eta(self) -> Float64[Array, " event"] | None:
        """Return abs(eta) of all shower centres; None if a file does not tell."""
        columns = [source.abs_eta() for source in self._sources]
        known = [column for column in columns if column is not None]
        return np.concatenate(known) if len(known) == len(columns) else None

    def batches(self, size: int) -> Iterator[ShowerBatch]:
        """Read all showers, file by file, so many at a time."""
        for batch in chain.from_iterable(source.batches(size) for source in self._sources):
            if self._min_energy <= 0.0:
                yield batch
                continue
            empty = batch.fraction < (self._min_energy / batch.incident_energy)[:, None]
            yield replace(batch, fraction=np.where(empty, np.float32(0), batch.fraction))


def open_sample(
    paths: Sequence[Path],
    *,
    binning: Path | None = None,
    min_energy: float = 0.0,
    cells: bool = True,
    table: CellTable | None = None,
) -> SourceChain:
    """Open the files of a sample.

    Args:
        paths: One or more datasets, or files of the CaloChallenge.
        binning: Where the voxels of files of the CaloChallenge lie.
        min_energy: Energy in MeV below which a voxel counts as empty; cells stay as they are.
        cells: Whether cells are reconstructed, if all files have some.
        table: The cells of the detector; those that the files say if none is given.

    Returns:
        A source of their showers.

    Raises:
        ValueError: If a file is not usable, or has no showers, an event is in two files, or a
            binning is missing.
    """
    sources = [open_showers(path, binning=binning, cells=cells, table=table) for path in paths]
    chain = SourceChain(sources, min_energy=min_energy)
    _check_events_once(chain.datasets)
    return chain


def open_showers(
    path: Path,
    *,
    binning: Path | None = None,
    cells: bool = True,
    table: CellTable | None = None,
) -> ShowerFile:
    """Open a file of showers.

    Args:
        path: A dataset, or a file of the CaloChallenge.
        binning: Where the voxels of a file of the CaloChallenge lie.
        cells: Whether cells are reconstructed, if there are any.
        table: The cells of the detector; those that the file says if none is given.

    Returns:
        A source of its showers.

    Raises:
        ValueError: If it is no usable file of showers, or has none, or its binning is missing.
    """
    if is_calochallenge(path):
        if binning is None:
            raise ValueError(
                f"{path} is a file of the CaloChallenge: give the XML file of its voxels "
                "with --binning"
            )
        challenge = CaloChallengeReader(path, binning)
        if len(challenge) == 0:
            raise ValueError(f"{path}: expected showers to evaluate, got none")
        return challenge
    if cells and table is None:
        table = _table_of(path)
    source = DatasetSource(path, table=table if cells else None)
    if len(source) == 0:
        trained = "photons that the model was trained for"
        wanted = trained if source.n_extrapolated else "showers to evaluate"
        raise ValueError(f"{path}: expected {wanted}, got none")
    return source


def _check_events_once(datasets: Sequence[DatasetSource]) -> None:
    """Refuse files of one sample that have the same events: these would count twice."""
    if len(datasets) < 2:
        return
    known = [(source, index) for source in datasets if (index := source.index()) is not None]
    if len(known) < 2:
        return
    indices = np.concatenate([index for _, index in known])
    energies = np.concatenate([source.incident_energy() for source, _ in known])
    etas = np.concatenate([source.abs_eta() for source, _ in known])
    files = np.repeat(np.arange(len(known)), [len(index) for _, index in known])
    order = np.lexsort((files, etas, energies, indices))
    same = np.diff(files[order]) != 0
    for column in (indices, energies, etas):
        same &= np.diff(column[order]) == 0
    if same.any():
        place = int(np.flatnonzero(same)[0])
        first, second = (known[files[row]][0].path for row in order[place : place + 2])
        raise ValueError(
            f"{second}: expected each event once, got event {indices[order[place]]} of {first} "
            "again: simulate each part with its own --first-event"
        )


def _table_of(path: Path) -> CellTable | None:
    """Give the cells of a dataset: those of the built-in barrel unless it says others."""
    reader = DatasetReader(path)
    if reader.detector is None:
        return barrel_cells()
    return None if reader.cell_table is None else detector_of(path).cells


def _why_no_shapes(table: CellTable | None) -> str:
    if table is None:
        return _NO_CELLS
    if has_shower_shapes(table):
        return ""
    return f"has cells of the detector '{table.name}', without strips or without a middle layer"


def _voxels_alone(source: ShowerFile) -> ShowerFile:
    return source.voxels_alone() if isinstance(source, DatasetSource) else source
