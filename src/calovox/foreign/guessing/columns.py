"""Columns of a file that go together, and what they may be by their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calovox.foreign.description import POSITIONS
from calovox.foreign.names import ColumnName, take_apart
from calovox.foreign.tables import Table, open_tables
from calovox.foreign.tables.hdf5 import Hdf5Table

__all__ = ["ColumnGroup", "groups_of_hits", "read_columns"]


@dataclass(frozen=True)
class ColumnGroup:
    """Columns of a table that go together: of as many rows, and of one kind.

    Attributes:
        table: The table.
        names: What each column may be.
    """

    table: Table
    names: tuple[ColumnName, ...]

    @property
    def length(self) -> int:
        """Rows of an HDF5 file; 0 for tables whose columns all have as many."""
        if not isinstance(self.table, Hdf5Table):
            return 0
        return self.table.rows(self.names[0].name)

    def of(self, quantity: str) -> list[ColumnName]:
        """Give the columns that may be a quantity."""
        return [name for name in self.names if name.quantity == quantity]

    def complete(self, sets: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
        """Give the first set of quantities that is there."""
        return next((keys for keys in sets if all(self.of(key) for key in keys)), None)


def read_columns(path: Path) -> list[ColumnGroup]:
    """Give the columns of all tables of a file, apart by the number of rows and the kind.

    Args:
        path: The file.

    Returns:
        The groups.

    Raises:
        ForeignFileError: If it is no table.
    """
    parts = []
    for table in _with_offsets(open_tables(path)):
        rows: dict[tuple[str, int], list[ColumnName]] = {}
        for name, kind in table.columns.items():
            length = table.rows(name) if isinstance(table, Hdf5Table) else 0
            rows.setdefault((kind, length), []).append(take_apart(name))
        parts += [ColumnGroup(table, tuple(names)) for names in rows.values()]
    return parts


def _with_offsets(tables: Sequence[Table]) -> Sequence[Table]:
    """Open an HDF5 file anew if one of its columns has the offsets of the events."""
    (table, *others) = tables
    if others or not isinstance(table, Hdf5Table):
        return tables
    named = [name for name in table.columns if "offset" in name.lower()]
    return [Hdf5Table(table.path, named[0])] if len(named) == 1 else tables


def groups_of_hits(parts: Sequence[ColumnGroup]) -> list[ColumnGroup]:
    """Give the groups that can be hits: collections, or else all columns that are no photon's.

    Args:
        parts: All columns of a file.

    Returns:
        Groups with positions and energies.
    """
    groups = [group for part in parts for group in _collections(part)]
    groups = groups or [_of_hits(part) for part in parts]
    return [group for group in groups if group.complete(POSITIONS) and group.of("energy")]


def _collections(part: ColumnGroup) -> list[ColumnGroup]:
    """Give the columns of each collection that can be hits."""
    groups: dict[tuple[str, ...], list[ColumnName]] = {}
    for name in part.names:
        if not name.of_photon:
            groups.setdefault(name.group, []).append(name)
    found = [ColumnGroup(part.table, tuple(names)) for names in groups.values()]
    return [g for g in found if g.complete(POSITIONS) and g.of("energy")]


def _of_hits(part: ColumnGroup) -> ColumnGroup:
    return ColumnGroup(part.table, tuple(name for name in part.names if not name.of_photon))
