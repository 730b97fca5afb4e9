"""All datasets of an HDF5 file as one table, whose columns are named by their paths.

A dataset with one axis is a column of numbers; with two axes, a column of lists, one per row,
filled up to the same length. The fields of a dataset of records, and the entries of a short last
axis (the three of a position), are columns of their own: ``hits.energy``, ``position[0]``. With
the name of a dataset of offsets, columns of as many numbers as the last offset says are lists.

The columns that are read together have the same number of rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from calovox.arrays import Array, Int64
from calovox.files.hdf5 import open_for_reading
from calovox.foreign.tables.table import Batch, ForeignFileError, Kind, Lists, as_numbers

__all__ = ["Hdf5Table"]

_NUMBERS_AT_ONCE: Final = 2_000_000
_LONGEST_VECTOR: Final = 8
"""A last axis up to this length is that of a vector: position, momentum, (x, y, z, energy)."""


@dataclass(frozen=True)
class _Place:
    """Where the numbers of a column are."""

    dataset: str
    field: str | None
    entry: int | None
    rows: int
    width: int | None


class Hdf5Table:
    """An HDF5 file.

    Args:
        path: The file.
        offsets: Dataset with the offsets of the events; None if there is none.

    Attributes:
        path: The file.
        name: Empty.
        columns: The columns of numbers and of lists of numbers.
        offsets: As given.
    """

    def __init__(self, path: Path, offsets: str | None = None) -> None:
        self.path, self.name, self.offsets = path, "", offsets
        self._places: dict[str, _Place] = {}
        self._starts: Int64[Array, " offset"] | None = None
        with open_for_reading(path, ForeignFileError) as file:
            file.visititems(self._note)
            if offsets is not None:
                self._starts = self._read_offsets(file, offsets)
        self.columns: Mapping[str, Kind] = {
            name: "list" if self._is_list(place) else "number"
            for name, place in self._places.items()
        }

    def rows(self, name: str) -> int:
        """Give the number of rows of a column."""
        if self._starts is not None and self.columns[name] == "list":
            return len(self._starts) - 1
        return self._places[name].rows

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read columns, some million numbers at a time."""
        rows = {self.rows(name) for name in names}
        if len(rows) > 1:
            text = ", ".join(f"{self.rows(name)} of `{name}`" for name in names)
            raise ForeignFileError(
                f"{self.path}: expected as many rows of all columns, got {text}"
            )
        with open_for_reading(self.path, ForeignFileError) as file:
            for start, stop in self._steps(names, rows.pop()):
                yield {name: self._read(file, name, start, stop) for name in names}

    def _note(self, name: str, item: Any) -> None:
        """Note the columns of a dataset."""
        if not isinstance(item, h5py.Dataset) or not 1 <= item.ndim <= 3:
            return
        fields = item.dtype.names or (None,)
        for field in fields:
            kind = item.dtype if field is None else item.dtype[field]
            if kind.kind in "iufb" and not kind.shape:
                full = name if field is None else f"{name}.{field}"
                self._note_vectors(full, name, field, item.shape)

    def _note_vectors(
        self, full: str, dataset: str, field: str | None, shape: tuple[int, ...]
    ) -> None:
        if len(shape) == 1 or (len(shape) == 2 and shape[1] > _LONGEST_VECTOR):
            width = shape[1] if len(shape) == 2 else None
            self._places[full] = _Place(dataset, field, None, shape[0], width)
        elif shape[-1] <= _LONGEST_VECTOR:
            width = shape[1] if len(shape) == 3 else None
            for entry in range(shape[-1]):
                self._places[f"{full}[{entry}]"] = _Place(dataset, field, entry, shape[0], width)

    def _is_list(self, place: _Place) -> bool:
        if place.width is not None:
            return True
        return self._starts is not None and place.rows == int(self._starts[-1])

    def _read_offsets(self, file: h5py.File, name: str) -> Int64[Array, " offset"]:
        place = self._places.get(name)
        if place is None or place.width is not None or place.rows == 0:
            raise ForeignFileError(f"{self.path}: expected a column `{name}` of offsets")
        offsets = np.asarray(file[name][:])
        if offsets.dtype.kind not in "iu" or offsets[0] != 0 or np.any(offsets[1:] < offsets[:-1]):
            raise ForeignFileError(f"{self.path}: `{name}` must rise from 0")
        return offsets.astype(np.int64)

    def _steps(self, names: Sequence[str], rows: int) -> Iterator[tuple[int, int]]:
        widths = [self._places[name].width or 1 for name in names]
        step = max(1, _NUMBERS_AT_ONCE // max(widths))
        start = 0
        while start < rows:
            stop = min(rows, start + step)
            if self._starts is not None:
                limit = self._starts[start] + _NUMBERS_AT_ONCE
                inside = int(np.searchsorted(self._starts, limit, side="right")) - 1
                stop = min(stop, max(start + 1, inside))
            yield start, stop
            start = stop

    def _read(self, file: h5py.File, name: str, start: int, stop: int) -> Array | Lists:
        place = self._places[name]
        if self._starts is not None and place.width is None and self.columns[name] == "list":
            offsets = self._starts[start : stop + 1]
            values = _take(file, place, int(offsets[0]), int(offsets[-1]))
            return Lists(offsets - offsets[0], values)
        values = _take(file, place, start, stop)
        if place.width is None:
            return values
        offsets = np.arange(stop - start + 1, dtype=np.int64) * place.width
        return Lists(offsets, values.ravel())


def _take(file: h5py.File, place: _Place, start: int, stop: int) -> Array:
    dataset = file[place.dataset]
    if place.field is not None:
        dataset = dataset.fields(place.field)
    values = dataset[start:stop]
    return as_numbers(np.asarray(values if place.entry is None else values[..., place.entry]))
