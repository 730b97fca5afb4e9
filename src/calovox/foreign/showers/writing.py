"""Writing HDF5 that every library reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import h5py
import numpy as np

from calovox.arrays import Array
from calovox.files.hdf5 import append_rows, write_json
from calovox.files.writer import BatchWriter

__all__ = ["Column", "ShowersWriter"]

_CHUNK_NUMBERS: Final = 131_072
_LISTS_OF_A_CHUNK: Final = 1024


class Column(NamedTuple):
    """A column with one entry per event.

    Attributes:
        tail: Shape of an entry; none for lists of numbers of single precision.
        dtype: Type of the numbers, as numpy writes it.
    """

    tail: tuple[int, ...] | None
    dtype: str = "f8"


class ShowersWriter(BatchWriter):
    """Writes columns event by event, compressed with gzip; lists as they are.

    Args:
        path: The file.
        columns: What is written.
        provenance: How the file is made: its attribute `calovox`.
        attributes: More attributes.
        overwrite: Whether an existing file may be replaced.
    """

    def __init__(
        self,
        path: Path,
        columns: Mapping[str, Column],
        provenance: Mapping[str, Any],
        *,
        attributes: Mapping[str, str] | None = None,
        overwrite: bool,
    ) -> None:
        super().__init__(path, overwrite=overwrite)
        self._columns, self._provenance = columns, provenance
        self._attributes = attributes or {}

    def _create(self) -> None:
        write_json(self._file, "calovox", dict(self._provenance))
        self._file.attrs.update(self._attributes)
        for name, (tail, dtype) in self._columns.items():
            if tail is None:
                lists = h5py.vlen_dtype(np.dtype("f4"))
                chunks = (_LISTS_OF_A_CHUNK,)
                self._file.create_dataset(name, (0,), lists, maxshape=(None,), chunks=chunks)
                continue
            self._file.create_dataset(
                name,
                shape=(0, *tail),
                maxshape=(None, *tail),
                chunks=(max(1, _CHUNK_NUMBERS // max(1, int(np.prod(tail)))), *tail),
                dtype=dtype,
                compression="gzip",
                compression_opts=1,
                shuffle=True,
            )

    def append(self, columns: Mapping[str, Array]) -> None:
        """Write events behind those written before.

        Args:
            columns: One entry per event of each column.
        """
        for name, values in columns.items():
            column = self._file[name]
            if self._columns[name].tail is not None:
                append_rows(column, values)
                continue
            start = column.shape[0]
            column.resize(start + len(values), axis=0)
            for event, numbers in enumerate(values):  # h5py takes lists of one length for a matrix
                column[start + event] = numbers
        self._file.check_disk()

    def add(self, name: str, values: Array) -> None:
        """Write an array that is not by events.

        Args:
            name: Its name.
            values: Its values.
        """
        self._file[name] = values

    def _flush(self) -> None:
        """Nothing is kept back."""
