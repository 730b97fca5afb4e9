"""TTrees and RNTuples of ROOT files, with flat or jagged branches.

The branches of podio (EDM4hep), which are split into members, have the names of these:
``ECalBarrelHits.position.x``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import awkward as ak
import numpy as np

from calovox.arrays import Array
from calovox.files.root import open_root
from calovox.foreign.tables.table import Batch, ForeignFileError, Kind, Lists, as_numbers

__all__ = ["RootTable", "is_podio", "root_tables"]

_TREES: Final = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")
_STEP: Final = "64 MB"
_NUMBER: Final = re.compile(
    r"(std::)?(u?int(8|16|32|64)?_t|bool|char|(unsigned )?(char|short|int|long)|float|double)"
    r"|(U?(Char|Short|Int|Long64)|Float|Double|Bool)_t"
)
_LIST: Final = re.compile(r"(?:std::)?(?:vector|RVec|ROOT::VecOps::RVec)<(.+?)>|(.+)\[\d*\]")


class RootTable:
    """A TTree or an RNTuple.

    Args:
        path: The file.
        name: Name of the tree.

    Attributes:
        path: The file.
        name: Name of the tree.
        columns: The branches of numbers and of lists of numbers, without lengths of lists.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        with open_root(path, ForeignFileError) as file:
            tree = file[name]
            members = {} if tree.classname == "ROOT::RNTuple" else {"full_paths": False}
            types = tree.typenames(**members)
        kinds = {branch: _kind(kind) for branch, kind in types.items()}
        self.columns: Mapping[str, Kind] = {
            branch: kind
            for branch, kind in kinds.items()
            if kind is not None and not (branch[:1] == "n" and kinds.get(branch[1:]) == "list")
        }

    def batches(self, names: Sequence[str]) -> Iterator[Batch]:
        """Read branches, so many entries at a time as have 64 MB."""
        with open_root(self.path, ForeignFileError) as file:
            tree = file[self.name]
            for batch in tree.iterate(list(names), library="ak", step_size=_STEP):
                yield {name: _column(batch[name]) for name in names}


def root_tables(path: Path) -> list[RootTable]:
    """Find the trees of a file.

    Args:
        path: The file.

    Returns:
        All that have branches of numbers.
    """
    with open_root(path, ForeignFileError) as file:
        classes = file.classnames(cycle=False)
    tables = [RootTable(path, name) for name, kind in classes.items() if kind in _TREES]
    return [table for table in tables if table.columns]


def is_podio(path: Path) -> bool:
    """Tell whether podio wrote a file, as for EDM4hep: in GeV and mm.

    Args:
        path: A ROOT file.

    Returns:
        Whether it has the tree of podio's metadata.
    """
    with open_root(path, ForeignFileError) as file:
        return "podio_metadata" in file.keys(cycle=False)


def _kind(typename: str) -> Kind | None:
    if _NUMBER.fullmatch(typename):
        return "number"
    match = _LIST.fullmatch(typename)
    inner = "" if match is None else match[1] or match[2]
    return "list" if _NUMBER.fullmatch(inner) else None


def _column(array: Any) -> Array | Lists:
    if array.ndim == 1:
        return as_numbers(np.asarray(array))
    offsets = np.concatenate([[0], np.cumsum(np.asarray(ak.num(array)))]).astype(np.int64)
    return Lists(offsets, as_numbers(np.asarray(ak.flatten(array))))
