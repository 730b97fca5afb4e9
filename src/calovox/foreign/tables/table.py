"""What tables of all kinds of files have in common: named columns, and batches of rows.

A column has one number per row, or a list of numbers per row (a jagged branch of ROOT, a list of
Parquet, a matrix of HDF5). Numbers are read in double precision, whole numbers as int64.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Int64

__all__ = ["Batch", "ForeignFileError", "Kind", "Lists", "Table", "as_numbers"]

Kind = Literal["number", "list"]
"""Whether a column has one number per row, or a list of them."""


class ForeignFileError(ValueError):
    """A file of another program that cannot be used, and why."""


@dataclass(frozen=True)
class Lists:
    """One list of numbers per row.

    Attributes:
        offsets: The list of row i is ``values[offsets[i]:offsets[i + 1]]``.
        values: The numbers of all lists.
    """

    offsets: Int64[Array, " offset"]
    values: Array

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.offsets) - 1


Batch = Mapping[str, "Array | Lists"]
"""Columns of some rows, by their names."""


@runtime_checkable
class Table(Protocol):
    """A table in a file."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def name(self) -> str:
        """Name of the table in the file; empty if the file is one table."""
        ...

    @property
    def columns(self) -> Mapping[str, Kind]:
        """All columns of numbers."""
        ...

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read columns, some rows at a time, in the order of the file."""
        ...


def as_numbers(values: Array) -> Array:
    """Convert numbers to double precision, and whole ones to int64.

    Args:
        values: Numbers of any type.

    Returns:
        The same numbers; those above 2^63 as floating-point numbers.
    """
    if values.dtype.kind == "u" and values.dtype.itemsize == 8 and values.max(initial=0) >> 63:
        return values.astype(np.float64)
    with np.errstate(invalid="ignore"):  # a signalling NaN; those who ask for numbers refuse it
        return values.astype(np.int64 if values.dtype.kind in "iub" else np.float64)
