"""Layouts of showers in HDF5 files of other programs, told apart by their keys.

Layouts whose voxels are rings about the shower become datasets (`calovox.foreign.showers`). Those
with cells of another shape, or with points, become hits (`calovox.foreign.points`).
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import h5py

from calovox.files.damage import one_line
from calovox.files.formats import FOREIGN_LAYOUTS
from calovox.files.hdf5 import open_for_reading
from calovox.foreign.tables.table import ForeignFileError

__all__ = ["LAYOUTS", "Layout", "layout_of", "unknown_layout"]

_KEYS_SHOWN: Final = 8


class Layout(NamedTuple):
    """A layout that is read.

    Attributes:
        gives: What its showers become.
        options: Options of `calovox import` that are for it.
    """

    gives: Literal["voxels", "hits"]
    options: frozenset[str]


_COMMON: Final = frozenset({"scale", "particle"})

LAYOUTS: Final[Mapping[str, Layout]] = MappingProxyType(
    {
        "CaloChallenge": Layout("voxels", _COMMON | {"binning", "eta", "detector"}),
        "LEMURS and Par04": Layout("voxels", _COMMON | {"ring", "detector"}),
        "HGCal": Layout("hits", _COMMON | {"places", "detector"}),
        "CaloGAN": Layout("hits", _COMMON),
        "showerdata": Layout("hits", frozenset({"scale", "detector"})),
    }
)
"""All layouts that are read, by their names in `calovox.files.formats.FOREIGN_LAYOUTS`."""


def layout_of(path: Path) -> str | None:
    """Tell by its keys which layout of showers a file has.

    Args:
        path: Any file.

    Returns:
        Its name, one of `LAYOUTS`; None if it has none of them.

    Raises:
        ForeignFileError: If it is a damaged HDF5 file.
    """
    if not h5py.is_hdf5(path):
        return None
    with open_for_reading(path, ForeignFileError) as file:
        keys = frozenset(file)
    return next((name for name, wanted in FOREIGN_LAYOUTS.items() if wanted <= keys), None)


def unknown_layout(path: Path) -> ForeignFileError:
    """Give the error of a file that has none of the layouts.

    Args:
        path: An HDF5 file.

    Returns:
        The error, which names what is known and what was found.

    Raises:
        ForeignFileError: If the file is damaged.
    """
    with open_for_reading(path, ForeignFileError) as file:
        found = ", ".join(one_line(key) for key in sorted(file)[:_KEYS_SHOWN]) or "nothing"
    known = "; ".join(
        f"{name} ({', '.join(sorted(wanted))})" for name, wanted in FOREIGN_LAYOUTS.items()
    )
    return ForeignFileError(f"{path}: expected showers of {known}, got the keys {found}")
