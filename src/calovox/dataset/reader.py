"""Reading datasets, as many events at a time as fit into memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from calovox.arrays import Array, Bool, Float32, Float64, Int64
from calovox.dataset import keys
from calovox.dataset.checks import check_events, eta_key, read_grid, read_numbers
from calovox.dataset.keys import DatasetError, LayerKeys
from calovox.files.hdf5 import compression_of, open_for_reading, read_table
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.detector_files.mark import read_mark
from calovox.hits.file import read_particle
from calovox.photons import Photons
from calovox.photons.weights import describe_weights, is_weight, refuse_weights
from calovox.units import format_energy
from calovox.voxelization.grid import VoxelGrid
from calovox.voxelization.voxels import Voxels

__all__ = ["DatasetReader", "read_dataset"]


class DatasetReader:
    """Reads a dataset; checks its structure at once, and its values as they are read.

    The file is open only while something is read, and memory does not grow with its size.

    Args:
        path: The file.
        takes_weights: Whether the caller knows what to do with showers that have weights; a file
            with such showers is refused otherwise.

    Attributes:
        path: The file.
        grid: Its voxels, in the order of the file.
        provenance: How the showers were made; empty if the file does not say.
        attributes: Attributes of the file, by name.
        cell_table: Name of the cell table that the cell energies refer to, if there are any.
        detector: What it says of its detector; None for the layers of the built-in barrel.
        particle: What made the showers.
        has_azimuths: Whether the file says where its showers lie in phi.
        weighted: Whether the showers have weights.
    """

    def __init__(self, path: Path, *, takes_weights: bool = False) -> None:
        self.path = path
        with open_for_reading(path, DatasetError) as file:
            meta = file.get("meta")
            _check_version(meta, path)
            self.detector = read_mark(meta, path, DatasetError)
            self.particle = read_particle(meta, path, DatasetError)
            names = () if self.detector is None else self.detector.names
            self.grid: VoxelGrid = read_grid(file, path, names)
            self._n_events = check_events(file, path, self.grid)
            self.provenance: dict[str, Any] = read_table(meta, "provenance") or {}
            self.attributes: dict[str, Any] = dict(file.attrs) | dict(
                {} if meta is None else meta.attrs
            )
            table = self.attributes.get("cell_table")
            self._has_cells = "cells" in file
            has_table = self._has_cells and table is not None
            self.cell_table: str | None = f"{table}" if has_table else None
            self.has_azimuths: bool = "event/phi_center" in file
            self.weighted: bool = "event/weight" in file
            if self.weighted and not takes_weights:
                raise DatasetError(refuse_weights(path))

    def __len__(self) -> int:
        """Return the number of events."""
        return self._n_events

    def __repr__(self) -> str:
        return f"DatasetReader({self.path}: {len(self)} events on {self.grid!r})"

    def read(self, events: slice = slice(None)) -> Voxels:
        """Read consecutive events.

        Args:
            events: Which ones, all by default.

        Returns:
            Their voxels.

        Raises:
            DatasetError: If a number is not finite, or an energy is negative.
        """
        with open_for_reading(self.path, DatasetError) as file:
            return self._read(file, self._rows(events))

    def batches(self, size: int = 4096) -> Iterator[Voxels]:
        """Read all events, so many at a time.

        Args:
            size: Events per batch, the last may have fewer.

        Yields:
            Voxels in the order of the file.
        """
        if size < 1:
            raise ValueError(f"DatasetReader: expected a batch size of 1 or more, got {size}")
        with open_for_reading(self.path, DatasetError) as file:
            for start in range(0, len(self), size):
                yield self._read(file, slice(start, min(start + size, len(self))))

    def cells(self, events: slice = slice(None)) -> CellEnergies | None:
        """Read the cell energies of consecutive events.

        Args:
            events: Which ones, all by default.

        Returns:
            Their cell energies; none if the file has none.

        Raises:
            DatasetError: If a number is not finite, or the offsets of the events do not rise.
        """
        if not self._has_cells:
            return None
        rows = self._rows(events)
        with open_for_reading(self.path, DatasetError) as file:
            offsets = file["cells/event_offsets"][rows.start : rows.stop + 1].astype(np.int64)
            start, stop = int(offsets[0]), int(offsets[-1])
            energy = read_numbers(file, self.path, "cells/energy", slice(start, stop))
            cell = file["cells/cell"][start:stop]
            outside = read_numbers(file, self.path, "cells/outside", rows)
        try:
            return CellEnergies(
                cell=cell.astype(np.int32),
                energy=energy.astype(np.float32),
                event_offsets=offsets - start,
                outside=outside.astype(np.float64),
            )
        except ValueError as problem:
            raise DatasetError(f"{self.path}: {problem}") from problem

    def photons(self, *, at_impact: bool = False) -> Photons:
        """Read the photons of all events, directed at their shower centres, or as they were.

        Args:
            at_impact: Whether photons have their own direction, not that of the centre.

        Returns:
            One photon per event, with the index of the file, or its row if there is none.

        Raises:
            DatasetError: If the file lacks their directions, or an energy is not above 0.
        """
        with open_for_reading(self.path, DatasetError) as file:
            phi_key = "event/photon_phi" if at_impact else "event/phi_center"
            if phi_key not in file:
                name = phi_key.partition("/")[2]
                raise DatasetError(f"{self.path} has no `{name}`: it cannot give photons")
            eta_name = "event/photon_eta" if at_impact else eta_key(file)
            has_index = "event/index" in file
            energy, eta, phi = (
                read_numbers(file, self.path, key).astype(np.float64)
                for key in (keys.INCIDENT_ENERGY, eta_name, phi_key)
            )
            index = (
                read_numbers(file, self.path, "event/index") if has_index else np.arange(len(self))
            )
        try:
            return Photons(energy=energy, eta=eta, phi=phi, index=index.astype(np.int64))
        except ValueError as problem:
            raise DatasetError(f"{self.path}: {problem}") from problem

    def incident_energy(self) -> Float64[Array, " event"]:
        """Read the kinetic energies of all photons, in MeV."""
        with open_for_reading(self.path, DatasetError) as file:
            return read_numbers(file, self.path, keys.INCIDENT_ENERGY).astype(np.float64)

    def eta_center(self) -> Float64[Array, " event"]:
        """Read the pseudorapidities of all shower centres."""
        with open_for_reading(self.path, DatasetError) as file:
            return read_numbers(file, self.path, eta_key(file)).astype(np.float64)

    def photon_eta(self) -> Float64[Array, " event"] | None:
        """Read the pseudorapidities of all photons themselves; None if the file does not say."""
        with open_for_reading(self.path, DatasetError) as file:
            if "event/photon_eta" not in file:
                return None
            return read_numbers(file, self.path, "event/photon_eta").astype(np.float64)

    def extrapolated(self) -> Bool[Array, " event"]:
        """Tell which photons lie outside the range that their model was trained for."""
        with open_for_reading(self.path, DatasetError) as file:
            if "event/extrapolated" not in file:
                return np.zeros(len(self), dtype=bool)
            return read_numbers(file, self.path, "event/extrapolated").astype(bool)

    def index(self) -> Int64[Array, " event"] | None:
        """Read the index of each event in its run; None if the file does not say."""
        with open_for_reading(self.path, DatasetError) as file:
            if "event/index" not in file:
                return None
            return np.asarray(read_numbers(file, self.path, "event/index"), dtype=np.int64)

    def weights(self) -> Float64[Array, " event"]:
        """Read how many ordinary showers each one stands for, 1 if the file does not say.

        Raises:
            DatasetError: If a weight is not above 0, or not finite.
        """
        with open_for_reading(self.path, DatasetError) as file:
            if "event/weight" not in file:
                return np.ones(len(self))
            values = read_numbers(file, self.path, "event/weight").astype(np.float64)
        if not is_weight(values).all():
            row = int(np.flatnonzero(~is_weight(values))[0])
            raise DatasetError(
                f"{self.path}: expected weights above 0, got {values[row]} in row {row}"
            )
        return values

    def writer_options(self) -> dict[str, Any]:
        """Give the options with which `DatasetWriter` writes such a file."""
        with open_for_reading(self.path, DatasetError) as file:
            rounding = read_table(file.get("meta"), "rounding") or {}
            compression = compression_of(file[LayerKeys.of(self.grid.numbers[0]).energy])
        return {
            "cell_table": self.cell_table,
            "detector": self.detector,
            "particle": self.particle,
            "precision_bits": rounding.get("precision_bits"),
            "compression": compression,
        }

    @property
    def attached_names(self) -> tuple[str, ...]:
        """Names of the arrays that were attached to the file."""
        with open_for_reading(self.path, DatasetError) as file:
            return tuple(file.get("meta", {}))

    def phi_mod(self, events: slice = slice(None)) -> Float64[Array, " event"] | None:
        """Read the positions of the shower centres in their cells in phi.

        Args:
            events: Which ones, all by default.

        Returns:
            Positions in rad; none unless the file is an event library.
        """
        with open_for_reading(self.path, DatasetError) as file:
            if keys.PHI_MOD not in file:
                return None
            values = read_numbers(file, self.path, keys.PHI_MOD, self._rows(events))
        return values.astype(np.float64)

    def attached(self, name: str) -> dict[str, Array] | None:
        """Read arrays that were attached to the file.

        Args:
            name: What they are, for example ``calibration``.

        Returns:
            The arrays by name; none if there are none of this name.
        """
        with open_for_reading(self.path, DatasetError) as file:
            group = file.get(f"meta/{name}")
            if group is None:
                return None
            return {key: _numbers(self.path, values) for key, values in group.items()}

    def summary(self) -> dict[str, str]:
        """Describe the file.

        Returns:
            Lines for a reader, by their titles.
        """
        counts = np.diff(self.grid.layer_boundaries)
        voxels = ", ".join(
            f"{n} in layer {j}" for j, n in zip(self.grid.numbers, counts, strict=True)
        )
        lines = {"format": "dataset", "events": f"{len(self)}", "grid": self.grid.name}
        lines["voxels"] = f"{self.grid.n_voxels} ({voxels})"
        with open_for_reading(self.path, DatasetError) as file:
            energy = read_numbers(file, self.path, keys.INCIDENT_ENERGY)
            eta = read_numbers(file, self.path, eta_key(file))
            meta = file.get("meta", {})
            attached = ", ".join(meta)
        if len(self):
            lines["energy"] = f"{format_energy(energy.min())} to {format_energy(energy.max())}"
            lines["eta"] = f"{eta.min():.4f} to {eta.max():.4f}"
        if self.particle != "photon":
            lines["particle"] = self.particle
        if self.detector is not None:
            lines["detector"] = self.detector.name
        if self.weighted and len(self):
            lines["weights"] = describe_weights(self.weights())
        lines["cells"] = (self.cell_table or "of an unnamed table") if self._has_cells else "none"
        if attached:
            lines["attached"] = attached
        return lines | {f"made with {key}": f"{value}" for key, value in self.provenance.items()}

    def _rows(self, events: slice) -> slice:
        start, stop, step = events.indices(len(self))
        if step != 1:
            raise IndexError(f"DatasetReader: expected a slice of step 1, got {step}")
        return slice(start, max(start, stop))

    def _read(self, file: h5py.File, rows: slice) -> Voxels:
        optional: dict[str, Any] = {
            name: read_numbers(file, self.path, f"event/{name}", rows).astype(dtype)
            for name, dtype in keys.EVENT_COLUMNS.items()
            if f"event/{name}" in file
        }
        incident_energy = read_numbers(file, self.path, keys.INCIDENT_ENERGY, rows)
        try:
            return Voxels(
                grid=self.grid,
                energy=self._read_energy(file, rows),
                incident_energy=incident_energy.astype(np.float64),
                eta_center=read_numbers(file, self.path, eta_key(file), rows).astype(np.float64),
                **optional,
            )
        except ValueError as problem:
            if isinstance(problem, DatasetError):
                raise
            raise DatasetError(f"{self.path}: {problem}") from problem

    def _read_energy(self, file: h5py.File, rows: slice) -> Float32[Array, "event voxel"]:
        energy = np.empty((rows.stop - rows.start, self.grid.n_voxels), dtype=np.float32)
        for layer in self.grid.numbers:
            key = LayerKeys.of(layer).energy
            values = file[key][rows]
            # a NaN fails the first comparison: minima pass it on
            if not (values.min(initial=0.0) >= 0.0 and values.max(initial=0.0) < np.inf):
                wrong = ~((values >= 0.0) & (values < np.inf))
                event, voxel = np.argwhere(wrong)[0]
                raise DatasetError(
                    f"{self.path}: expected `{key}` finite and not negative, got "
                    f"{values[event, voxel]} in event {rows.start + event}, voxel {voxel}"
                )
            energy[:, self.grid.layer_slice(layer)] = values
        return energy


def _numbers(path: Path, column: Any) -> Array:
    if not isinstance(column, h5py.Dataset) or column.dtype.kind not in "fiub":
        raise DatasetError(f"{path}: expected numbers in `{column.name}`")
    return np.asarray(column)


def read_dataset(path: Path) -> Voxels:
    """Read all voxels of a dataset.

    Args:
        path: The file.

    Returns:
        All its events.

    Raises:
        DatasetError: If it is no usable dataset.
    """
    return DatasetReader(path).read()


def _check_version(meta: h5py.Group | None, path: Path) -> None:
    version = keys.VERSION if meta is None else meta.attrs.get("version", keys.VERSION)
    if version != keys.VERSION:
        raise DatasetError(
            f"{path}: expected version {keys.VERSION} of the dataset format, got {version}"
        )
