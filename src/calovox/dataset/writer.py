"""Writing datasets, batch by batch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from calovox.arrays import Array, Float32, Float64
from calovox.dataset import keys
from calovox.dataset.keys import LayerKeys
from calovox.files.hdf5 import Compression, append_rows, create_column, round_mantissa, write_json
from calovox.files.writer import BatchWriter
from calovox.geometry.cell_energies import CellEnergies, concatenate_cells
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.photons import Particle
from calovox.voxelization.grid import VoxelGrid
from calovox.voxelization.voxels import Voxels

__all__ = ["DatasetWriter"]

_BUFFERED_EVENTS = 4096


class DatasetWriter(BatchWriter):
    """Writes a dataset; the file appears when the ``with`` block ends well.

    Args:
        path: The file.
        grid: The voxels.
        provenance: How the showers were made: anything that JSON can hold.
        cell_table: Name of the cell table that cell energies refer to.
        detector: What the file says of its detector; None for the layers of the built-in barrel.
        particle: What made the showers.
        overwrite: Whether an existing file may be replaced.
        precision_bits: Mantissa bits that voxel and cell energies keep, all 23 by default; 12
            cost a relative error of at most 1.3e-4 per energy.
        compression: "gzip" for programs without the filters of hdf5plugin, such as FastCaloSim.
        least_fraction: Voxels below this fraction of the kinetic energy are written as 0.

    Example::

        with DatasetWriter(path, grid, provenance={"seed": 1}) as writer:
            writer.append(hits_to_voxels(hits, grid))
    """

    def __init__(
        self,
        path: Path,
        grid: VoxelGrid,
        *,
        provenance: Mapping[str, Any],
        cell_table: str | None = None,
        detector: DetectorMark | None = None,
        particle: Particle = "photon",
        overwrite: bool = False,
        precision_bits: int | None = None,
        compression: Compression = "blosc2",
        least_fraction: float = 0.0,
    ) -> None:
        round_mantissa(np.ones(1, dtype=np.float32), precision_bits)
        super().__init__(path, overwrite=overwrite)
        self._grid = grid
        self._provenance = dict(provenance)
        self._cell_table = cell_table
        self._detector = detector
        self._particle = particle
        self._precision_bits = precision_bits
        self._compression: Compression = compression
        self._least_fraction = np.float32(least_fraction)
        self._columns: frozenset[str] | None = None
        self._pending: list[tuple[Voxels, CellEnergies | None, Array | None]] = []
        self._n_pending = 0

    def _create(self) -> None:
        self._create_voxels()
        self._create_meta()

    def append(
        self,
        voxels: Voxels,
        cells: CellEnergies | None = None,
        *,
        phi_mod: Float64[Array, " event"] | None = None,
    ) -> None:
        """Add events behind those written before.

        Args:
            voxels: Any number of events on the writer's grid.
            cells: Their cell energies; for all batches or for none.
            phi_mod: Position of the shower centre in its cell in phi, rad, for an event library.

        Raises:
            ValueError: If the grid or the number of events differs, the columns are not those of
                the batches before, or an energy is negative or not finite.
        """
        if voxels.grid != self._grid:
            raise ValueError(
                f"DatasetWriter: expected voxels of {self._grid!r}, got those of {voxels.grid!r}"
            )
        for name, values in (("cells", cells), ("phi_mod", phi_mod)):
            if values is not None and len(values) != len(voxels):
                raise ValueError(
                    f"DatasetWriter: expected `{name}` of {len(voxels)} events, got {len(values)}"
                )
        lowest = voxels.energy.min(initial=0.0)
        highest = voxels.energy.max(initial=0.0)
        if not (lowest >= 0.0 and highest < np.inf):
            raise ValueError("DatasetWriter: expected finite voxel energies, none negative")
        self._check_columns(voxels, cells, phi_mod)
        # cut where the buffer is full: the file does not depend on how events came in batches
        start = 0
        while start < len(voxels):
            rows = slice(start, min(len(voxels), start + _BUFFERED_EVENTS - self._n_pending))
            self._pending.append(
                (
                    voxels[rows],
                    None if cells is None else cells[rows],
                    None if phi_mod is None else phi_mod[rows],
                )
            )
            self._n_pending += rows.stop - start
            start = rows.stop
            if self._n_pending == _BUFFERED_EVENTS:
                self._flush()

    def attach(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Store named arrays beside the events, as the group ``meta/name``.

        Args:
            name: What they are, for example ``calibration``.
            arrays: Arrays or numbers by name.
        """
        group = self._file["meta"].create_group(name)
        for key, values in sorted(arrays.items()):
            group.create_dataset(key, data=np.asarray(values))

    def _create_voxels(self) -> None:
        grid, file = self._grid, self._file
        self._new(file, keys.INCIDENT_ENERGY, "f8")
        self._new(file, keys.ETA_CENTER, "f8")
        file[keys.ETA_CENTER_ALIAS] = file[keys.ETA_CENTER]
        for layer in grid.numbers:
            voxels = grid.layer_slice(layer)
            width = voxels.stop - voxels.start
            named = LayerKeys.of(layer)
            self._new(file, named.energy, "f4", width=width)
            edges = {
                named.alpha_start: grid.alpha_min,
                named.alpha_size: grid.alpha_max - grid.alpha_min,
                named.r_start: grid.r_min,
                named.r_size: grid.r_max - grid.r_min,
            }
            for name, values in edges.items():
                file.create_dataset(name, data=values[voxels].astype(np.float32))

    def _create_meta(self) -> None:
        meta = self._file.create_group("meta")
        meta.attrs["format"] = keys.FORMAT
        meta.attrs["version"] = keys.VERSION
        meta.attrs["grid"] = self._grid.name
        if self._cell_table is not None:
            meta.attrs["cell_table"] = self._cell_table
        if self._detector is not None:
            write_json(meta, "detector", self._detector.to_dict())
        if self._particle != "photon":
            write_json(meta, "particle", self._particle)
        write_json(meta, "provenance", self._provenance)
        write_json(meta, "rounding", {"precision_bits": self._precision_bits})

    def _new(self, group: h5py.Group, name: str, dtype: str, *, width: int | None = None) -> None:
        create_column(group, name, dtype, width=width, compression=self._compression)

    def _check_columns(
        self, voxels: Voxels, cells: CellEnergies | None, phi_mod: Array | None
    ) -> None:
        present = {name for name in keys.EVENT_COLUMNS if getattr(voxels, name) is not None}
        present |= {"cells"} if cells is not None else set()
        present |= {keys.PHI_MOD} if phi_mod is not None else set()
        if self._columns is None:
            self._columns = frozenset(present)
            self._create_optional()
        if present != self._columns:
            differing = ", ".join(sorted(present ^ self._columns))
            raise ValueError(
                f"DatasetWriter: expected the columns of the first batch in all batches, "
                f"differing: {differing}"
            )

    def _create_optional(self) -> None:
        columns = self._columns or frozenset()
        if keys.PHI_MOD in columns:
            self._new(self._file, keys.PHI_MOD, "f8")
        events = self._file.create_group("event")
        for name in sorted(columns & set(keys.EVENT_COLUMNS)):
            self._new(events, name, keys.EVENT_COLUMNS[name])
        if "cells" in columns:
            cells = self._file.create_group("cells")
            for name, dtype in keys.CELL_COLUMNS.items():
                self._new(cells, name, dtype)
            append_rows(cells["event_offsets"], np.zeros(1, dtype=np.int64))

    def _flush(self) -> None:
        pending, self._pending, self._n_pending = self._pending, [], 0
        if not pending:
            return
        file = self._file
        batches = [voxels for voxels, _, _ in pending]
        append_rows(file[keys.INCIDENT_ENERGY], _join([v.incident_energy for v in batches]))
        append_rows(file[keys.ETA_CENTER], _join([v.eta_center for v in batches]))
        for layer in self._grid.numbers:
            of_layer = self._grid.layer_slice(layer)
            energy = self._rounded(_join([v.energy[:, of_layer] for v in batches]))
            # behind the rounding, which may bring a voxel below
            energy[energy < self._least_fraction] = 0.0
            append_rows(file[LayerKeys.of(layer).energy], energy)
        for name in file["event"]:
            append_rows(file["event"][name], _join([getattr(v, name) for v in batches]))
        if keys.PHI_MOD in file:
            append_rows(file[keys.PHI_MOD], _join([phi_mod for _, _, phi_mod in pending]))
        cells = [part for _, part, _ in pending if part is not None]
        if cells:
            self._append_cells(file["cells"], concatenate_cells(cells))
        file.check_disk()

    def _append_cells(self, group: h5py.Group, cells: CellEnergies) -> None:
        start = group["cell"].shape[0]
        append_rows(group["cell"], cells.cell)
        append_rows(group["energy"], self._rounded(cells.energy))
        append_rows(group["event_offsets"], cells.event_offsets[1:] + start)
        append_rows(group["outside"], cells.outside)

    def _rounded(self, values: Float32[Array, "..."]) -> Float32[Array, "..."]:
        return round_mantissa(values, self._precision_bits)


def _join(columns: list[Any]) -> Array:
    return np.concatenate(columns)
