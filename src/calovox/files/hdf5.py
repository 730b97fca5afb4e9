"""What our HDF5 files share: opening them, growing columns, compression, rounding, JSON.

Columns are compressed with Blosc2 (zstd behind a byte shuffle), through the HDF5 filters of
hdf5plugin: fastest and smallest for our columns, but a program must load those filters to read
them. The alternative, gzip behind a byte shuffle, is read by every HDF5 library.

Rounding before writing is an option of the writers, off by default: floats keep a given number of
mantissa bits, which costs a relative error of at most 2^-(bits + 1) and makes the zeroed bits
nearly free of charge in the file.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import h5py
import hdf5plugin
import numpy as np

from calovox.arrays import Array, Float32
from calovox.files.damage import reading
from calovox.files.gate import file_problem

__all__ = [
    "FLOAT32_MANTISSA_BITS",
    "Compression",
    "append_rows",
    "check_version",
    "compression_of",
    "create_column",
    "has_format",
    "open_for_reading",
    "read_json",
    "read_numbers_of_type",
    "read_table",
    "round_mantissa",
    "write_json",
]

FLOAT32_MANTISSA_BITS = 23

Compression = Literal["blosc2", "gzip", "none"]

_CHUNK_BYTES = 512 * 1024
_FILTERS: dict[str, Mapping[str, Any]] = {
    "blosc2": hdf5plugin.Blosc2(cname="zstd", clevel=1, filters=hdf5plugin.Blosc2.SHUFFLE),
    "gzip": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
    "none": {},
}


@contextmanager
def open_for_reading(path: Path, error: type[ValueError]) -> Iterator[h5py.File]:
    """Open an HDF5 file, and turn what goes wrong inside into one clear line.

    A file from elsewhere is hostile until read: it is opened after it has passed
    `calovox.files.gate`.

    Args:
        path: The file.
        error: The exception of the file's format; a type of its own, not `ValueError` itself.

    Yields:
        The open file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: Of the given type, if it is no HDF5 file, a truncated or damaged one, or one
            with objects that are not plainly part of it.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if not h5py.is_hdf5(path):
        raise error(f"{path} is no HDF5 file, or its beginning is damaged")
    problem = file_problem(path)
    if problem is not None:
        raise error(problem)
    with reading(path, error), h5py.File(path, "r") as file:
        yield file


def create_column(
    group: h5py.Group,
    name: str,
    dtype: str,
    *,
    width: int | None = None,
    compression: Compression = "blosc2",
) -> h5py.Dataset:
    """Create an empty dataset that can grow.

    Args:
        group: Where to put it.
        name: Its name.
        dtype: Type of its entries, as numpy writes it.
        width: Entries per row; none for a flat column.
        compression: How to compress it.

    Returns:
        The dataset, with no rows.
    """
    tail = () if width is None else (width,)
    row_bytes = np.dtype(dtype).itemsize * max(1, width or 1)
    return group.create_dataset(
        name,
        shape=(0, *tail),
        maxshape=(None, *tail),
        chunks=(max(1, _CHUNK_BYTES // row_bytes), *(max(1, size) for size in tail)),
        dtype=dtype,
        **_FILTERS[compression],
    )


def compression_of(column: h5py.Dataset) -> Compression:
    """Tell how a column from `create_column` is compressed."""
    if column.compression == "gzip":
        return "gzip"
    return "blosc2" if column.id.get_create_plist().get_nfilters() else "none"


def append_rows(column: h5py.Dataset, rows: Array) -> None:
    """Write rows behind the last one of a column.

    Args:
        column: A dataset from `create_column`.
        rows: What to add.
    """
    start = column.shape[0]
    column.resize(start + len(rows), axis=0)
    column[start:] = rows


def round_mantissa(values: Float32[Array, "*shape"], bits: int | None) -> Float32[Array, "*shape"]:
    """Round to the nearest number with a shorter mantissa, ties to even.

    Args:
        values: Finite numbers.
        bits: Explicit mantissa bits to keep, 1 to 23; none to leave the values alone.

    Returns:
        The rounded numbers, relative error at most 2^-(bits + 1).

    Raises:
        ValueError: If the number of bits is out of range.

    Example:
        >>> round_mantissa(np.float32([1.0, 1.3, -1.3]), 2).tolist()
        [1.0, 1.25, -1.25]
    """
    if bits is None or bits == FLOAT32_MANTISSA_BITS:
        return values
    if not 1 <= bits < FLOAT32_MANTISSA_BITS:
        raise ValueError(f"bits: expected 1 to {FLOAT32_MANTISSA_BITS}, got {bits}")
    dropped = FLOAT32_MANTISSA_BITS - bits
    pattern = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    odd = (pattern >> np.uint32(dropped)) & np.uint32(1)
    nearest = pattern + odd + np.uint32((1 << (dropped - 1)) - 1)
    keep = np.uint32(0xFFFFFFFF ^ ((1 << dropped) - 1))
    return (nearest & keep).view(np.float32)


def has_format(path: Path, name: str, error: type[ValueError]) -> bool:
    """Tell whether a file says in its attribute `format` what it is.

    Args:
        path: Any path.
        name: The format.
        error: What to raise if it is a damaged HDF5 file.

    Returns:
        Whether it says so.
    """
    if not (path.is_file() and h5py.is_hdf5(path)):
        return False
    with open_for_reading(path, error) as file:
        return bool(file.attrs.get("format") == name)


def check_version(file: h5py.File, path: Path, version: int, error: type[ValueError]) -> None:
    """Refuse a file of another version of its format.

    Args:
        file: The open file.
        path: Where it is.
        version: The version that is understood.
        error: What to raise.
    """
    found = file.attrs.get("version")
    if found != version:
        raise error(f"{path}: expected version {version} of the format, got {found}")


def read_numbers_of_type(
    file: h5py.File, path: Path, name: str, dtype: str, error: type[ValueError]
) -> Any:
    """Read a whole dataset that must have one type.

    Args:
        file: The open file.
        path: Where it is.
        name: The dataset.
        dtype: Its type.
        error: What to raise if it is missing or of another type.

    Returns:
        The numbers.
    """
    column = file.get(name)
    if not isinstance(column, h5py.Dataset) or column.dtype != np.dtype(dtype):
        raise error(f"{path}: expected numbers of type {dtype} in `{name}`")
    return column[()]


def write_json(group: h5py.Group, name: str, value: Any) -> None:
    """Store a value as JSON text in an attribute.

    Args:
        group: Whose attribute.
        name: Name of the attribute.
        value: Anything that JSON can hold.
    """
    group.attrs[name] = json.dumps(value, sort_keys=True)


def read_json(group: h5py.Group | None, name: str) -> Any:
    """Read a value written by `write_json`.

    Args:
        group: Whose attribute; none if the file lacks the group.
        name: Name of the attribute.

    Returns:
        The value, none if it is absent.
    """
    if group is None or name not in group.attrs:
        return None
    return json.loads(group.attrs[name])


def read_table(group: h5py.Group | None, name: str) -> dict[str, Any] | None:
    """Read a mapping written by `write_json`.

    Args:
        group: Whose attribute; none if the file lacks the group.
        name: Name of the attribute.

    Returns:
        The mapping, none if it is absent.

    Raises:
        TypeError: If it is something else.
    """
    value = read_json(group, name)
    if not isinstance(value, dict | None):
        raise TypeError(f"expected a table in `{name}`, got {type(value).__name__}")
    return value
