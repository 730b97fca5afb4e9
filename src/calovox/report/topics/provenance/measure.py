"""What a report was made from: files and their hashes, seeds, settings, versions."""

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import h5py

from calovox import __version__
from calovox.files.hdf5 import open_for_reading, read_table
from calovox.files.whole import file_hash

__all__ = ["InputFile", "Provenance", "collect_provenance", "flatten"]

_LIBRARIES: Final = (
    "numpy",
    "scipy",
    "numba",
    "h5py",
    "matplotlib",
    "mplhep",
    "scikit-learn",
    "torch",
)


class InputFileError(ValueError):
    """A file that does not say how it was made, because it is damaged."""


@dataclass(frozen=True)
class InputFile:
    """A file that a report was made from.

    Attributes:
        role: What it was used for.
        path: The file.
        size: Its size in bytes.
        sha256: Its SHA-256.
        made_with: What the file says about its making; empty if it says nothing.
    """

    role: str
    path: Path
    size: int
    sha256: str
    made_with: Mapping[str, Any]


@dataclass(frozen=True)
class Provenance:
    """What a report was made from.

    Attributes:
        files: All files that were read.
        settings: Settings of the command, if a command made the report.
        versions: Versions of calovox, Python and libraries.
    """

    files: tuple[InputFile, ...]
    settings: Mapping[str, Any]
    versions: Mapping[str, str]


def collect_provenance(
    files: Iterable[tuple[str, Path]], settings: Mapping[str, Any] | None = None
) -> Provenance:
    """Describe files, settings and versions."""
    versions = {"calovox": __version__, "Python": platform.python_version()}
    return Provenance(
        tuple(_describe(role, path) for role, path in files),
        settings or {},
        versions | {name: found for name in _LIBRARIES if (found := _version(name)) is not None},
    )


def flatten(entries: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Give each entry of nested mappings and lists of mappings a line of its own.

    Example:
        >>> dict(flatten({"settings": {"seed": 5}, "hits": [{"cut": 0.1}]}))
        {'settings.seed': 5, 'hits.1.cut': 0.1}
    """
    if isinstance(entries, list) and any(isinstance(entry, Mapping) for entry in entries):
        entries = {str(place): entry for place, entry in enumerate(entries, start=1)}
    if not isinstance(entries, Mapping):
        yield name, entries
        return
    for key, value in entries.items():
        yield from flatten(value, f"{name}.{key}" if name else str(key))


def _describe(role: str, path: Path) -> InputFile:
    made_with: dict[str, Any] = {}
    if h5py.is_hdf5(path):
        with open_for_reading(path, InputFileError) as content:
            made_with = read_table(content.get("meta"), "provenance") or {}
    return InputFile(role, path, path.stat().st_size, file_hash(path), made_with)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
