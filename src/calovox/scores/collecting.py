"""What the scores need to know of a sample: the observables of its showers, read once.

Observables of at most `MOST_ROWS` showers, and no more than `MOST_NUMBERS` numbers, are kept in
single precision. Of larger samples, showers are drawn at random. Two samples of the same size give
the same rows, since these may be showers of the same photons.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float32, Float64, Int64
from calovox.samples.batch import SelectedShowers, ShowerBatch
from calovox.samples.comparable import PhotonKeys
from calovox.samples.features import shape_features, shape_names
from calovox.samples.observables.table import Observable, ObservableTable
from calovox.samples.observables.voxels import voxel_observables, voxels_to_observables
from calovox.samples.reading import choose_rows
from calovox.samples.sample import OBSERVABLES

__all__ = ["MOST_NUMBERS", "MOST_ROWS", "ROWS_SEED", "ObservableCollector", "ObservableRows"]

MOST_ROWS: Final = 100_000
"""Showers whose observables are kept."""

MOST_NUMBERS: Final = 2**24
"""Numbers that are kept."""

ROWS_SEED: Final = 2025
"""Seed of the showers that are drawn."""


@dataclass(frozen=True)
class ObservableRows:
    """Observables of some showers, in the order of their photons: by energy, then by abs(eta).

    Attributes:
        observables: What they are, those of voxels first, then those of cells.
        values: One row per observable, one column per shower.
        energy: Incident energies in MeV.
        abs_eta: abs(eta) of the shower centres; None if it is not known.
    """

    observables: tuple[Observable, ...]
    values: Float32[Array, "observable event"]
    energy: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"] | None

    def __len__(self) -> int:
        return len(self.energy)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the observables."""
        return tuple(observable.name for observable in self.observables)

    def column(
        self, name: str, chosen: Bool[Array, " event"] | Int64[Array, " chosen"]
    ) -> Float64[Array, " chosen"]:
        """Return one observable of some showers."""
        return np.asarray(self.values[self.names.index(name)][chosen], dtype=np.float64)

    def columns(
        self, names: Iterable[str], chosen: Int64[Array, " chosen"]
    ) -> Float64[Array, "chosen observable"]:
        """Return some observables of some showers."""
        return np.stack([self.column(name, chosen) for name in names], axis=1)

    def table(self, names: Iterable[str]) -> ObservableTable:
        """Return some observables of all showers."""
        places = [self.names.index(name) for name in names]
        chosen = tuple(self.observables[place] for place in places)
        return ObservableTable(chosen, self.values[places].T.astype(np.float64))

    def has_photons_of(self, other: "ObservableRows") -> bool:
        """Tell whether the energies are those of another sample, shower by shower.

        Args:
            other: Another sample.
        """
        keys = (PhotonKeys(rows.energy, rows.abs_eta) for rows in (self, other))
        return next(keys).same_photons(next(keys))


class ObservableCollector:
    """Keeps the observables of chosen showers.

    Args:
        showers: The showers that they are chosen from.
    """

    def __init__(self, showers: SelectedShowers) -> None:
        self.showers, self._start = showers, 0
        self._of_voxels = voxel_observables(showers.layout)
        n_numbers = len(self._of_voxels) + len(OBSERVABLES)
        most = min(MOST_ROWS, MOST_NUMBERS // n_numbers)
        self._rows = choose_rows(len(showers), most, np.random.default_rng(ROWS_SEED))
        self._of_cells: tuple[Observable, ...] = ()
        self._values = np.empty((n_numbers, len(self._rows)), dtype=np.float32)

    def add(self, batch: ShowerBatch) -> None:
        """Take the next showers."""
        low, high = np.searchsorted(self._rows, (self._start, self._start + len(batch)))
        wanted = np.zeros(len(batch), dtype=bool)
        wanted[self._rows[low:high] - self._start] = True
        self._start += len(batch)
        if not wanted.any():
            return
        chosen = batch if wanted.all() else batch.select(wanted)
        incident = chosen.incident_energy
        energy = chosen.fraction * incident[:, None].astype(np.float32)
        table = voxels_to_observables(energy, incident, self.showers.layout)
        n_voxel = len(self._of_voxels)
        self._values[:n_voxel, low:high] = table.values.T
        if chosen.shapes is not None:
            self._of_cells = tuple(Observable(name, name) for name in shape_names(chosen.shapes))
            of_cells = shape_features(chosen.shapes, incident)
            self._values[n_voxel : n_voxel + len(self._of_cells), low:high] = of_cells.T

    def result(self) -> ObservableRows:
        """Return the observables of the chosen showers, in the order of their photons."""
        energy, abs_eta = self.showers.incident_energy()[self._rows], self.showers.abs_eta()
        if abs_eta is not None:
            abs_eta = abs_eta[self._rows]
        order = PhotonKeys(energy, abs_eta).order()
        observables = (*self._of_voxels, *self._of_cells)
        values = self._values[: len(observables)]
        for row in values:  # one by one, so that there are never two copies of all
            row[:] = row[order]
        return ObservableRows(
            observables, values, energy[order], None if abs_eta is None else abs_eta[order]
        )
