"""Tables in text: csv, other separators, and the csv files of Geant4's analysis manager.

The first row names the columns. Geant4 writes a head of lines ``#class``, ``#title``,
``#separator 44`` and ``#column double x`` instead; other heads of lines with ``#`` may end with
the names, as numpy writes them. Compressed files are read as they are.

References:
    Geant4 Collaboration, *Book For Application Developers*, section "Analysis", file formats.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

from calovox.files.damage import reading
from calovox.foreign.tables.table import Batch, ForeignFileError, Kind

__all__ = ["TextTable"]

_BLOCK: Final = 16 * 2**20
_HEAD: Final = 2**16
_SEPARATORS: Final = (",", ";", "\t", " ")
_FAULT: Final = "is no table of text"


@dataclass(frozen=True)
class _Head:
    """What the first lines say: lines to skip, separator, and names if they are not in a row."""

    skipped: int
    separator: str
    names: tuple[str, ...]


class TextTable:
    """A text file with one row per line.

    Args:
        path: The file.

    Attributes:
        path: The file.
        name: Empty.
        columns: The columns that are numbers in the first rows.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, ""
        with reading(path, ForeignFileError, _FAULT):
            self._head = _read_head(path)
            schema = self._open(None).schema
        self.columns: Mapping[str, Kind] = {
            field.name: "number"
            for field in schema
            if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
        }

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read columns, a block of the file at a time."""
        with reading(self.path, ForeignFileError, _FAULT):
            for batch in self._open(list(names)):
                yield {
                    name: np.asarray(batch.column(name).to_numpy(zero_copy_only=False))
                    for name in names
                }

    def _open(self, names: list[str] | None) -> Any:
        head = self._head
        read = pyarrow.csv.ReadOptions(
            block_size=_BLOCK,
            skip_rows=head.skipped,
            column_names=list(head.names) or None,
        )
        # all as floating-point numbers: what is whole in the first rows may not be later
        types = {name: pa.float64() for name in names or ()}
        return pyarrow.csv.open_csv(
            pa.input_stream(str(self.path), compression="detect"),
            read_options=read,
            parse_options=pyarrow.csv.ParseOptions(delimiter=head.separator),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types, include_columns=names),
        )


def _read_head(path: Path) -> _Head:
    with pa.input_stream(str(path), compression="detect") as stream:
        text = stream.read(_HEAD).decode("utf-8")
    lines = text.splitlines()
    comments: list[str] = []
    for line in lines:
        if not line.startswith("#"):
            break
        comments.append(line[1:].strip())
    if len(comments) == len(lines):
        raise ForeignFileError(f"{path}: expected a table of text, got no row")
    words = [line.split() for line in comments]
    separators = [entry[1] for entry in words if entry[:1] == ["separator"] and len(entry) > 1]
    first = lines[len(comments)]
    separator = chr(int(separators[0])) if separators else _separator_of(first)
    names = [entry[-1] for entry in words if entry[:1] == ["column"]]
    if not names and _is_numbers(first, separator):
        names = comments[-1].split(separator) if comments else []
        if len(names) != len(first.split(separator)):
            raise ForeignFileError(f"{path}: expected names of the columns in the first row")
    return _Head(len(comments), separator, tuple(name.strip() for name in names))


def _separator_of(line: str) -> str:
    return next((separator for separator in _SEPARATORS if separator in line), ",")


def _is_numbers(line: str, separator: str) -> bool:
    try:
        [float(word) for word in line.split(separator)]
    except ValueError:
        return False
    return True
