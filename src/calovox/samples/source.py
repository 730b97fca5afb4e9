"""Files of showers, of whatever format, as sources of batches.

The format is told by the content: a dataset of ours, or a file of the CaloChallenge, which needs a
binning file as well. Sources with cells reconstruct them; the calibration of the energy is that
of the reference, where one is stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from calovox.arrays import Array, Float64
from calovox.dataset import DatasetReader
from calovox.geometry.barrel import barrel_cells
from calovox.geometry.cells import CellTable
from calovox.reconstruction import Calibration
from calovox.samples.batch import ShowerBatch, ShowerSource
from calovox.samples.calochallenge import CaloChallengeReader, is_calochallenge
from calovox.samples.layout import VoxelLayout
from calovox.samples.reconstructed import check_cell_table, read_reconstructed
from calovox.samples.sample import check_files_once

__all__ = [
    "DatasetSource",
    "SourceChain",
    "has_cells",
    "open_sample",
    "open_showers",
]


class DatasetSource:
    """A dataset of ours, without showers of photons that its model was not trained for.

    Args:
        path: The file.
        cells: Whether its cells are reconstructed, if it has any.
        calibration: Calibration of the energy; that of the file if none is given.
        table: The cells of the detector; the built-in barrel if none is given.

    Raises:
        DatasetError: If it is no usable dataset.
        ValueError: If its cells are those of another table.
    """

    def __init__(
        self,
        path: Path,
        *,
        cells: bool = True,
        calibration: Calibration | None = None,
        table: CellTable | None = None,
    ) -> None:
        self._reader = DatasetReader(path)
        self._trained = ~self._reader.extrapolated()
        self.path = path
        self.layout = VoxelLayout.from_grid(self._reader.grid)
        self._table = None
        if cells and has_cells(path):
            self._table = barrel_cells() if table is None else table
            check_cell_table(self._reader, self._table)
        stored = self._reader.attached("calibration")
        if calibration is None and stored is not None:
            calibration = Calibration.from_arrays(stored)
        self.calibration = calibration

    @property
    def has_shapes(self) -> bool:
        """Whether its showers are reconstructed."""
        return self._table is not None

    def __len__(self) -> int:
        """Return the number of showers."""
        return int(np.count_nonzero(self._trained))

    def incident_energy(self) -> Float64[Array, " event"]:
        """Return the energies of all photons in MeV."""
        return np.asarray(self._reader.incident_energy()[self._trained])

    def abs_eta(self) -> Float64[Array, " event"]:
        """Return abs(eta) of all shower centres."""
        return np.asarray(np.abs(self._reader.eta_center()[self._trained]))

    def batches(self, size: int) -> Iterator[ShowerBatch]:
        """Read all showers, so many at a time.

        Args:
            size: Showers per batch, the last may have fewer.

        Yields:
            Showers in the order of the file, with shapes if the file has cells.
        """
        showers = read_reconstructed(self._reader, size, self._table, calibration=self.calibration)
        for entry in showers:
            voxels = entry.voxels
            if len(voxels) == 0:
                continue
            yield ShowerBatch(
                voxels.energy, voxels.incident_energy, np.abs(voxels.eta_center), entry.shapes
            )


def has_cells(path: Path) -> bool:
    """Tell whether a file of showers holds cell energies.

    Args:
        path: A dataset, or a file of the CaloChallenge.

    Returns:
        Whether it does.
    """
    return not is_calochallenge(path) and DatasetReader(path).cells(slice(0, 0)) is not None


class SourceChain:
    """Files of one sample, one after the other.

    Args:
        sources: One or more, all with the same voxels.
        min_energy: Energy in MeV below which a voxel counts as empty; cells stay as they are.

    Raises:
        ValueError: If a file is given twice, or the voxels differ.
    """

    def __init__(self, sources: Sequence[ShowerSource], *, min_energy: float = 0.0) -> None:
        first = sources[0]
        self._sources, self._min_energy = tuple(sources), min_energy
        self.path, self.layout = first.path, first.layout
        check_files_once([source.path for source in sources])
        for source in sources[1:]:
            if source.layout != first.layout:
                raise ValueError(
                    f"{source.path}: expected the voxels of {first.path}, with which it forms one "
                    f"sample ({first.layout.name}), got others ({source.layout.name})"
                )

    @property
    def has_shapes(self) -> bool:
        """Whether the showers of all files are reconstructed."""
        return all(source.has_shapes for source in self._sources)

    @property
    def calibration(self) -> Calibration | None:
        """Calibration of the first file, if it has one."""
        first = self._sources[0]
        return first.calibration if isinstance(first, DatasetSource) else None

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
    calibration: Calibration | None = None,
    table: CellTable | None = None,
) -> SourceChain:
    """Open the files of a sample.

    Args:
        paths: One or more datasets, or files of the CaloChallenge.
        binning: Where the voxels of files of the CaloChallenge lie.
        min_energy: Energy in MeV below which a voxel counts as empty; cells stay as they are.
        cells: Whether cells are reconstructed, if all files have some.
        calibration: Calibration of the energy; that of the first file if none is given.
        table: The cells of the detector; the built-in barrel if none is given.

    Returns:
        A source of their showers.

    Raises:
        ValueError: If a file is not usable, or has no showers, or a binning is missing.
    """
    with_cells = cells and all(has_cells(path) for path in paths)
    sources: list[ShowerSource] = []
    for path in paths:
        source = open_showers(
            path, binning=binning, cells=with_cells, calibration=calibration, table=table
        )
        if calibration is None and isinstance(source, DatasetSource):
            calibration = source.calibration
        sources.append(source)
    return SourceChain(sources, min_energy=min_energy)


def open_showers(
    path: Path,
    *,
    binning: Path | None = None,
    cells: bool = True,
    calibration: Calibration | None = None,
    table: CellTable | None = None,
) -> ShowerSource:
    """Open a file of showers.

    Args:
        path: A dataset, or a file of the CaloChallenge.
        binning: Where the voxels of a file of the CaloChallenge lie.
        cells: Whether cells are reconstructed, if there are any.
        calibration: Calibration of the energy; that of the file if none is given.
        table: The cells of the detector; the built-in barrel if none is given.

    Returns:
        A source of its showers.

    Raises:
        ValueError: If it is no usable file of showers, or has none, or its binning is missing.
    """
    source: ShowerSource
    if is_calochallenge(path):
        if binning is None:
            raise ValueError(
                f"{path} is a file of the CaloChallenge: give the XML file of its voxels "
                "with --binning"
            )
        source = CaloChallengeReader(path, binning)
    else:
        source = DatasetSource(path, cells=cells, calibration=calibration, table=table)
    if len(source) == 0:
        raise ValueError(f"{path}: expected showers to evaluate, got none")
    return source
