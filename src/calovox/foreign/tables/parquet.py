"""Tables in Parquet files, with numbers or lists of numbers in their columns."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from calovox.arrays import Array
from calovox.files.damage import reading
from calovox.foreign.tables.table import Batch, ForeignFileError, Kind, Lists, as_numbers

__all__ = ["ParquetTable"]

_ROWS: Final = 500_000
_ROWS_OF_LISTS: Final = 500


class ParquetTable:
    """A Parquet file.

    Args:
        path: The file.

    Attributes:
        path: The file.
        name: Empty.
        columns: The columns of numbers and of lists of numbers.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, ""
        with reading(path, ForeignFileError):
            schema = pyarrow.parquet.read_schema(path)
        kinds = {field.name: _kind(field.type) for field in schema}
        self.columns: Mapping[str, Kind] = {
            name: kind for name, kind in kinds.items() if kind is not None
        }

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read columns, fewer rows at a time if they are lists."""
        lists = any(self.columns[name] == "list" for name in names)
        with reading(self.path, ForeignFileError), pyarrow.parquet.ParquetFile(self.path) as file:
            rows = _ROWS_OF_LISTS if lists else _ROWS
            for batch in file.iter_batches(batch_size=rows, columns=list(names)):
                yield {name: _column(batch.column(name)) for name in names}


def _kind(kind: Any) -> Kind | None:
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return "number"
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if any(is_list(kind) for is_list in lists) and _kind(kind.value_type) == "number":
        return "list"
    return None


def _column(column: Any) -> Array | Lists:
    if _kind(column.type) == "number":
        return as_numbers(column.to_numpy(zero_copy_only=False))
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Lists(offsets, as_numbers(column.flatten().to_numpy(zero_copy_only=False)))
