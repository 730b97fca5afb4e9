"""Some showers of a sample, with all that observables are computed from.

Showers are chosen by their photons: of samples of the same photons, the same ones are taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float32, Float64, Int64
from calovox.geometry.cells import CellTable
from calovox.photons import Photons, concatenate_photons
from calovox.random_streams import Stream, event_keys, event_uniforms
from calovox.samples.batch import ShowerSource
from calovox.samples.files import RefereeDepth
from calovox.samples.layout import VoxelLayout
from calovox.samples.observables.cells import cells_to_barycentres, cells_to_observables
from calovox.samples.observables.noise import ELECTRONIC_NOISE, add_noise, cut_cells
from calovox.samples.observables.table import ObservableTable
from calovox.samples.observables.voxels import voxels_to_observables
from calovox.samples.observables.windows import WindowCells, cells_to_window_cells
from calovox.samples.sample import files_of
from calovox.samples.source import DatasetSource
from calovox.tracking import Track, silently

__all__ = [
    "MOST_OBSERVED",
    "ObservedShowers",
    "photons_to_uniforms",
    "read_observed",
]

MOST_OBSERVED: Final[Mapping[RefereeDepth, int]] = {"quick": 4000, "full": 10_000, "none": 4000}
"""About how many showers of a sample are observed at most."""

_SEED: Final = 2030
_BATCH: Final = 2000


@dataclass(frozen=True)
class ObservedShowers:
    """Some showers of a sample.

    Attributes:
        layout: Where the voxels lie.
        fraction: Energy of each voxel as a fraction of the incident energy.
        energy: Incident energies in MeV.
        index: Number of each photon in its run, or of its shower in the sample.
        abs_eta: abs(eta) of the shower centres; None if it is not known.
        photons: The photons, with true directions; None if these are not known.
        windows: Cells in windows, without noise; None without cells.
        table: The cells of the detector; None without cells.
    """

    layout: VoxelLayout
    fraction: Float32[Array, "event voxel"]
    energy: Float64[Array, " event"]
    index: Int64[Array, " event"]
    abs_eta: Float64[Array, " event"] | None = None
    photons: Photons | None = None
    windows: WindowCells | None = None
    table: CellTable | None = None

    def __len__(self) -> int:
        """Return the number of showers."""
        return len(self.energy)

    def __getitem__(self, rows: Int64[Array, " chosen"]) -> "ObservedShowers":
        """Return some of the showers."""
        return replace(
            self,
            fraction=self.fraction[rows],
            energy=self.energy[rows],
            index=self.index[rows],
            abs_eta=None if self.abs_eta is None else self.abs_eta[rows],
            photons=None if self.photons is None else self.photons[rows],
            windows=None if self.windows is None else self.windows[rows],
        )

    @property
    def has_cells(self) -> bool:
        """Whether cells and the directions of the photons are known."""
        return self.windows is not None and self.photons is not None

    @cached_property
    def _cells(self) -> dict[int | None, WindowCells]:
        """Cells by the seed of their noise: it is drawn once for all kinds of inputs."""
        return {}

    @cached_property
    def voxel_energy(self) -> Float32[Array, "event voxel"]:
        """Energy of each voxel in MeV."""
        return self.fraction * self.energy.astype(np.float32)[:, None]

    def voxel_observables(self, threshold: float) -> ObservableTable:
        """Compute the observables of voxels.

        Args:
            threshold: Energy in MeV below which a voxel counts as empty.
        """
        return voxels_to_observables(
            self.voxel_energy, self.energy, self.layout, threshold=threshold
        )

    def cells(self, noise_seed: int | None) -> WindowCells:
        """Give the cells in windows.

        Args:
            noise_seed: Seed of the electronic noise; None for cells above 1 MeV without noise.
        """
        assert self.windows is not None
        if noise_seed not in self._cells:
            self._cells[noise_seed] = (
                cut_cells(self.windows)
                if noise_seed is None
                else add_noise(self.windows, self.index, seed=noise_seed)
            )
        return self._cells[noise_seed]

    def cell_observables(self, noise_seed: int | None) -> ObservableTable:
        """Compute the observables of cells.

        Args:
            noise_seed: Seed of the electronic noise; None for cells above 1 MeV without noise.
        """
        assert self.table is not None
        assert self.photons is not None
        noise = None if noise_seed is None else ELECTRONIC_NOISE
        return cells_to_observables(self.cells(noise_seed), self.table, self.photons, noise=noise)

    def barycentres(self, noise_seed: int | None) -> ObservableTable:
        """Compute the barycentres of EMB1 and EMB2 less the direction of the photon.

        Args:
            noise_seed: Seed of the electronic noise; None for cells above 1 MeV without noise.
        """
        assert self.table is not None
        assert self.photons is not None
        noise = None if noise_seed is None else ELECTRONIC_NOISE
        return cells_to_barycentres(self.cells(noise_seed), self.table, self.photons, noise=noise)


def read_observed(
    source: ShowerSource, most: int, title: str, track: Track = silently
) -> ObservedShowers:
    """Read some showers of a sample.

    Args:
        source: The sample.
        most: About how many showers at most.
        title: What is being done.
        track: Shows the progress.

    Returns:
        The showers, in order; cells if all files have some.
    """
    files, with_cells = files_of(source), _has_windows(source)
    share = most / max(len(source), 1)
    parts = track(
        (part for file in files for part in _read(file, share, with_cells)),
        title,
        min(most, len(source)),
    )
    return _join(list(parts))


def _has_windows(source: ShowerSource) -> bool:
    """Tell whether all files of a sample have cells that can be observed.

    Args:
        source: The sample.
    """
    return all(isinstance(file, DatasetSource) and file.has_windows for file in files_of(source))


def photons_to_uniforms(index: Int64[Array, " event"]) -> Float64[Array, " event"]:
    """Give each photon a number in [0, 1): showers with small ones are chosen first.

    Args:
        index: Numbers of the photons.

    Returns:
        One number each, the same in every sample.
    """
    return np.asarray(event_uniforms(event_keys(_SEED, Stream.CHOICE, index), 1)[:, 0])


def _chosen(index: Int64[Array, " event"], share: float) -> Bool[Array, " event"]:
    """Choose showers by the numbers of their photons."""
    return np.asarray(photons_to_uniforms(index) < share)


def _read(file: ShowerSource, share: float, with_cells: bool) -> Iterator[ObservedShowers]:
    if isinstance(file, DatasetSource):
        yield from _read_dataset(file, share, with_cells)
        return
    start = 0
    for batch in file.batches(_BATCH):
        index = np.arange(start, start + len(batch))
        start += len(batch)
        rows = np.flatnonzero(_chosen(index, share))
        energy = batch.incident_energy
        yield ObservedShowers(file.layout, batch.fraction, energy, index, batch.abs_eta)[rows]


def _read_dataset(
    file: DatasetSource, share: float, with_cells: bool
) -> Iterator[ObservedShowers]:
    start = 0
    for voxels, cells, kept in file.events(_BATCH):
        index = voxels.index
        if index is None:
            index = np.arange(start, start + len(voxels))
        start += len(voxels)
        eta, phi = voxels.photon_eta, voxels.photon_phi
        if eta is None or phi is None:
            eta, phi = voxels.eta_center, voxels.phi_center
        photons = None if phi is None else Photons(voxels.incident_energy, eta, phi, index)
        rows = np.flatnonzero(kept & _chosen(index, share))
        windows = None
        if with_cells and cells is not None and file.table is not None:
            windows = cells_to_window_cells(cells, file.table)
        yield ObservedShowers(
            layout=file.layout,
            fraction=voxels.energy,
            energy=voxels.incident_energy,
            index=index,
            abs_eta=np.abs(voxels.eta_center),
            photons=photons,
            windows=windows,
            table=file.table if with_cells else None,
        )[rows]


def _join(parts: Sequence[ObservedShowers]) -> ObservedShowers:
    first = parts[0]
    known = {name: [getattr(part, name) for part in parts] for name in ("abs_eta", "photons")}
    abs_eta, photons = (
        None if any(part is None for part in column) else column for column in known.values()
    )
    return replace(
        first,
        fraction=np.concatenate([part.fraction for part in parts]),
        energy=np.concatenate([part.energy for part in parts]),
        index=np.concatenate([part.index for part in parts]),
        abs_eta=None if abs_eta is None else np.concatenate(abs_eta),
        photons=None if photons is None else concatenate_photons(photons),
        windows=None if first.windows is None else _join_windows(parts),
    )


def _join_windows(parts: Sequence[ObservedShowers]) -> WindowCells:
    windows = [part.windows for part in parts if part.windows is not None]
    return WindowCells(
        np.concatenate([part.energy for part in windows]),
        np.concatenate([part.row for part in windows]),
    )
