"""Rows of foreign tables, put together to events.

A row is an event, whose hits are lists, or a row is a hit, and a column says of which event. The
rows of an event follow each other: so that files of any size can be read as a stream, nothing is
sorted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.foreign.description import Description, PhotonColumns
from calovox.foreign.tables import Batch, ForeignFileError, Lists, Table

__all__ = ["EventBatch", "PhotonTable", "read_events", "whole_numbers"]

_LARGEST_EXACT: Final = 2.0**53


@dataclass(frozen=True)
class EventBatch:
    """Some events of a table.

    Attributes:
        keys: What tells the events apart in the file; None if it is their order alone.
        offsets: The hits of event i are the rows ``offsets[i]:offsets[i + 1]``.
        hits: Columns of the hits.
        photons: Columns of the photons; empty if they are in another table.
    """

    keys: Int64[Array, " event"] | None
    offsets: Int64[Array, " offset"]
    hits: Mapping[str, Array]
    photons: Mapping[str, Float64[Array, " event"]]

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.offsets) - 1


def read_events(table: Table, description: Description) -> Iterator[EventBatch]:
    """Read the events of a table.

    Args:
        table: Where the hits are.
        description: What its columns mean.

    Yields:
        Events in the order of the file.

    Raises:
        ForeignFileError: If a column is missing, or the rows do not fit together.
    """
    hits, photons = description.hits, description.photons
    names = list(dict.fromkeys([*hits.names, *(() if photons.is_apart else photons.names)]))
    check_columns(table, names)
    if table.columns[hits.energy] == "list":
        for batch in table.batches(names):
            yield _events_of_lists(table, batch, description)
        return
    if hits.event is None:
        raise ForeignFileError(
            f"{table.path}: one row is one hit: expected `event` in [hits], the column that says "
            "of which event"
        )
    yield from _join_rows(table, description, names)


class PhotonTable:
    """The photons of all events of a file, from a table of their own.

    Args:
        table: Where they are.
        photons: What its columns mean.

    Raises:
        ForeignFileError: If a column is missing, or an event has more than one photon.
    """

    def __init__(self, table: Table, photons: PhotonColumns) -> None:
        self._table, self._event = table, photons.event
        names = [*photons.names, *filter(None, [photons.event])]
        check_columns(table, names)
        parts = [_choose(table, batch, photons) for batch in table.batches(names)]
        self._columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
        self._n_rows = sum(len(part[names[0]]) for part in parts)
        self.keys: Int64[Array, " event"] = np.arange(self._n_rows)
        if photons.event is None:
            return
        keys = whole_numbers(self._columns[photons.event], table, photons.event)
        order = np.argsort(keys, kind="stable")
        self.keys = keys[order]
        self._columns = {name: values[order] for name, values in self._columns.items()}
        twice = np.flatnonzero(np.diff(self.keys) == 0)
        if len(twice):
            raise ForeignFileError(
                f"{table.path}: expected one photon for each event, got more for event "
                f"{self.keys[twice[0]]}: choose them with `where` and `equals` in [photons]"
            )

    def take(self, keys: Int64[Array, " event"]) -> dict[str, Float64[Array, " event"]]:
        """Give the columns of events.

        Args:
            keys: The events; their places in the file if the table has no key.

        Returns:
            The columns.

        Raises:
            ForeignFileError: If an event is not there.
        """
        places = np.minimum(np.searchsorted(self.keys, keys), max(0, len(self.keys) - 1))
        missing = keys if len(self.keys) == 0 else keys[self.keys[places] != keys]
        if len(missing):
            raise ForeignFileError(
                f"{self._table.path}: expected the photon of event {missing[0]}, which has hits"
            )
        return {name: values[places].astype(np.float64) for name, values in self._columns.items()}


def check_columns(table: Table, names: list[str]) -> None:
    """Refuse a table that lacks a column.

    Args:
        table: The table.
        names: Columns that are read.

    Raises:
        ForeignFileError: If one is missing.
    """
    missing = [name for name in names if name not in table.columns]
    if missing:
        where = f"{table.path}, {table.name}" if table.name else f"{table.path}"
        known = ", ".join(table.columns) or "none"
        raise ForeignFileError(
            f"{where}: expected a column of numbers `{missing[0]}`, its columns are {known}"
        )


def whole_numbers(values: Array, table: Table, name: str) -> Int64[Array, " row"]:
    """Convert a column of keys or numbers of layers.

    Args:
        values: Its values.
        table: Where it is, for the message.
        name: Its name, for the message.

    Returns:
        The same numbers.

    Raises:
        ForeignFileError: If one is not whole.
    """
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    good = (np.abs(values) <= _LARGEST_EXACT) & (values == np.floor(values))
    if not np.all(good):
        row = int(np.flatnonzero(~good)[0])
        raise ForeignFileError(
            f"{table.path}: expected whole numbers in `{name}`, got {values[row]}"
        )
    return values.astype(np.int64)


def _events_of_lists(table: Table, batch: Batch, description: Description) -> EventBatch:
    names = [name for name in description.hits.names if name != description.hits.event]
    offsets, hits = _same_lists(table, batch, names)
    photons = description.photons
    keys = None
    if description.hits.event is not None:
        column = batch[description.hits.event]
        if isinstance(column, Lists):
            raise ForeignFileError(
                f"{table.path}: expected one number for each event in `{description.hits.event}`, "
                "got lists"
            )
        keys = whole_numbers(column, table, description.hits.event)
    columns = {} if photons.is_apart else _choose(table, batch, photons)
    return EventBatch(keys, offsets, hits, columns)


def _same_lists(
    table: Table, batch: Batch, names: list[str]
) -> tuple[Int64[Array, " offset"], dict[str, Array]]:
    lists: dict[str, Lists] = {}
    for name in names:
        column = batch[name]
        if not isinstance(column, Lists):
            raise ForeignFileError(
                f"{table.path}: expected lists of hits in `{name}` as in `{names[0]}`, got numbers"
            )
        lists[name] = column
    first = lists[names[0]].offsets
    for name, column in lists.items():
        if not np.array_equal(column.offsets, first):
            raise ForeignFileError(
                f"{table.path}: expected as many entries of `{name}` as of `{names[0]}` in every "
                "event"
            )
    return first, {name: column.values for name, column in lists.items()}


def _choose(table: Table, batch: Batch, photons: PhotonColumns) -> dict[str, Array]:
    """Give one photon per row: of lists, the entry that is asked for; of rows, these rows."""
    names = [*photons.names, *filter(None, [photons.event])]
    columns = {name: batch[name] for name in names}
    chosen = None if photons.where is None else columns[photons.where]
    if chosen is not None and not isinstance(chosen, Lists):
        if not photons.is_apart:
            raise ForeignFileError(
                f"{table.path}: `where` in [photons] takes entries of lists, or rows of a table "
                f"of photons: `{photons.where}` is neither"
            )
        rows = chosen == photons.equals
        return {name: _numbers(table, name, column)[rows] for name, column in columns.items()}
    return {
        name: _entry(table, name, column, chosen, photons) if isinstance(column, Lists) else column
        for name, column in columns.items()
    }


def _numbers(table: Table, name: str, column: Array | Lists) -> Array:
    if isinstance(column, Lists):
        raise ForeignFileError(f"{table.path}: expected numbers in `{name}`, got lists")
    return column


def _entry(
    table: Table, name: str, column: Lists, chosen: Lists | None, photons: PhotonColumns
) -> Array:
    """Take the only entry of each list, or the only one that is asked for."""
    wanted = np.ones(len(column.values), dtype=bool)
    if chosen is not None:
        if not np.array_equal(column.offsets, chosen.offsets):
            raise ForeignFileError(
                f"{table.path}: expected as many entries of `{name}` as of `{photons.where}` in "
                "every event"
            )
        wanted = chosen.values == photons.equals
    counts = np.diff(np.concatenate([[0], np.cumsum(wanted)])[column.offsets])
    if not np.all(counts == 1):
        row = int(np.flatnonzero(counts != 1)[0])
        hint = "choose one with" if chosen is None else "change"
        raise ForeignFileError(
            f"{table.path}: expected one photon for each event, got {counts[row]} entries of "
            f"`{name}` in row {row}: {hint} `where` and `equals` in [photons]"
        )
    return column.values[wanted]


def _join_rows(table: Table, description: Description, names: list[str]) -> Iterator[EventBatch]:
    """Put rows of hits together to events; the last event of a batch may go on in the next."""
    key = description.hits.event
    assert key is not None  # checked
    rest: dict[str, Array] = {}
    for batch in table.batches(names):
        columns = {name: _numbers(table, name, batch[name]) for name in names}
        if rest:
            columns = {name: np.concatenate([rest[name], columns[name]]) for name in names}
        keys = whole_numbers(columns[key], table, key)
        starts = np.flatnonzero(np.diff(keys)) + 1
        last = int(starts[-1]) if len(starts) else 0
        if last:
            whole = {name: values[:last] for name, values in columns.items()}
            yield _events_of_rows(table, description, whole)
        rest = {name: values[last:] for name, values in columns.items()}
    if rest and len(rest[key]):
        yield _events_of_rows(table, description, rest)


def _events_of_rows(
    table: Table, description: Description, columns: Mapping[str, Array]
) -> EventBatch:
    key = description.hits.event
    assert key is not None  # checked
    keys = whole_numbers(columns[key], table, key)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(keys)) + 1]).astype(np.int64)
    offsets = np.append(starts, len(keys))
    photons = {}
    for name in () if description.photons.is_apart else description.photons.names:
        values = columns[name]
        photons[name] = values[starts].astype(np.float64)
        wrong = np.flatnonzero(values != np.repeat(values[starts], np.diff(offsets)))
        if len(wrong):
            raise ForeignFileError(
                f"{table.path}: expected the same `{name}` in all rows of event "
                f"{keys[wrong[0]]}, as it says which photon it was"
            )
    hits = {name: columns[name] for name in description.hits.names if name != key}
    return EventBatch(keys[starts], offsets, hits, photons)
