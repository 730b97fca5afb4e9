"""Datasets with the keys of the note's Table A.1 alone, such as the public one.

They do not say where a shower lies in phi, nor which event of its run it is. The index is then the
row, and the azimuth is drawn uniformly from (seed, index): the detector is the same all round, but
for the cells that the shower covers. They have no cells either; these are made of the voxels,
which are placed by the patterns of the package.
"""

import logging
from dataclasses import replace
from functools import cache

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.dataset.reader import DatasetReader
from calovox.geometry import CellTable
from calovox.geometry.cell_energies import CellEnergies
from calovox.patterns import PatternLibrary, voxels_to_cells
from calovox.patterns.shipped import shipped_patterns
from calovox.photons import Photons
from calovox.random_streams import Stream, event_keys, event_uniforms
from calovox.voxelization import Voxels

__all__ = [
    "BareCells",
    "bare_cells",
    "complete_photons",
    "complete_voxels",
    "say_what_is_drawn",
]


def complete_voxels(voxels: Voxels, start: int, *, seed: int) -> Voxels:
    """Give showers what their file does not say: an index, and an azimuth.

    Args:
        voxels: Consecutive showers of a dataset.
        start: Row of the first one.
        seed: Seed of the run.

    Returns:
        The showers; what the file says stays.
    """
    index = voxels.index
    if index is None:
        index = np.arange(start, start + len(voxels), dtype=np.int64)
    phi = _azimuths(index, seed) if voxels.phi_center is None else voxels.phi_center
    return replace(voxels, index=index, phi_center=phi)


def complete_photons(reader: DatasetReader, *, seed: int, at_impact: bool = False) -> Photons:
    """Read the photons of all events, and draw the azimuths that the file does not say.

    Args:
        reader: A dataset.
        seed: Seed of the run.
        at_impact: Whether photons have their own direction, not that of the centre.

    Returns:
        One photon per event.

    Raises:
        DatasetError: If the file has azimuths of the centres, but not of the photons, and these
            are wanted.
    """
    if reader.has_azimuths:
        return reader.photons(at_impact=at_impact)
    say_what_is_drawn(reader)
    index = np.arange(len(reader), dtype=np.int64)
    phi = _azimuths(index, seed)
    return Photons(reader.incident_energy(), reader.eta_center(), phi, index)


def say_what_is_drawn(reader: DatasetReader) -> None:
    """Say in the log that phi and index of a dataset are not those of its file.

    Args:
        reader: The dataset.
    """
    if not reader.has_azimuths:
        _say(
            f"{reader.path} has no `phi_center`: azimuths are drawn from (seed, index), and the "
            "index is the row if there is none"
        )


class BareCells:
    """Cells of the voxels of a dataset that has neither cells nor azimuths.

    Args:
        reader: The dataset.
        library: Patterns of its grid.
        table: The cells of the detector.
        seed: Seed of the run.
    """

    def __init__(
        self, reader: DatasetReader, library: PatternLibrary, table: CellTable, *, seed: int
    ) -> None:
        self._reader, self._table, self._seed = reader, table, seed
        self._library = library

    def cells(self, events: slice) -> CellEnergies:
        """Place the voxels of consecutive events, and add up their energies in cells."""
        voxels = complete_voxels(self._reader.read(events), events.start, seed=self._seed)
        return voxels_to_cells(voxels, self._library, self._table, seed=self._seed)[0]


def bare_cells(reader: DatasetReader, table: CellTable, *, seed: int = 1) -> BareCells | None:
    """Make the cells of a dataset that has the keys of Table A.1 alone.

    Args:
        reader: The dataset.
        table: The cells of the detector.
        seed: Seed of the run.

    Returns:
        Its cells; None if the file says more, or the package has no patterns for its grid.
    """
    if reader.has_azimuths or reader.cell_table is not None:
        return None
    library = shipped_patterns(reader.grid)
    if library is None:
        return None
    say_what_is_drawn(reader)
    _say(f"{reader.path} has no cell energies: voxels are placed by patterns")
    return BareCells(reader, library, table, seed=seed)


@cache
def _say(text: str) -> None:
    """Log a text once, however often the file is opened."""
    logging.getLogger(__name__).warning("calovox: %s", text)


def _azimuths(index: Int64[Array, " event"], seed: int) -> Float64[Array, " event"]:
    numbers = event_uniforms(event_keys(seed, Stream.PLACEMENT, index), 1)[:, 0]
    return np.asarray(np.pi * (2.0 * numbers - 1.0))
