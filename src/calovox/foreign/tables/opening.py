"""Which tables a file has, found out from its content."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from calovox.foreign.tables.hdf5 import Hdf5Table
from calovox.foreign.tables.parquet import ParquetTable
from calovox.foreign.tables.root import root_tables
from calovox.foreign.tables.table import ForeignFileError, Table
from calovox.foreign.tables.text import TextTable
from calovox.text import printable

__all__ = ["choose_table", "open_tables"]


def open_tables(path: Path, *, offsets: str | None = None) -> Sequence[Table]:
    """Find the tables of a file.

    Args:
        path: csv, Parquet, ROOT or HDF5.
        offsets: For HDF5, the dataset with the offsets of the events.

    Returns:
        One table, or the trees of a ROOT file.

    Raises:
        FileNotFoundError: If there is no such file.
        ForeignFileError: If it has no tables.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with path.open("rb") as file:
        start = file.read(8)
    if start == b"\x89HDF\r\n\x1a\n":
        return [Hdf5Table(path, offsets)]
    if start.startswith(b"PAR1"):
        return [ParquetTable(path)]
    if start.startswith(b"root"):
        return root_tables(path)
    return [TextTable(path)]


def choose_table(path: Path, name: str | None, *, offsets: str | None = None) -> Table:
    """Open the table of a file that has this name, or the only one.

    Args:
        path: csv, Parquet, ROOT or HDF5.
        name: Name of a tree; None for the only one.
        offsets: For HDF5, the dataset with the offsets of the events.

    Returns:
        The table.

    Raises:
        ForeignFileError: If there is no such table, or more than one.
    """
    tables = open_tables(path, offsets=offsets)
    found = [table for table in tables if name in (None, table.name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(printable(table.name) for table in tables) or "none"
    if name is None:
        raise ForeignFileError(f"{path}: expected a `table` out of its trees: {known}")
    near = difflib.get_close_matches(name, [table.name for table in tables], 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise ForeignFileError(f"{path}: no tree `{name}`: {hint}its trees are {known}")
