"""Which format of calovox a file has, found out from its content."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import h5py

from calovox.files.damage import one_line
from calovox.files.hdf5 import open_for_reading

__all__ = ["FOREIGN_LAYOUTS", "Format", "UnknownFormatError", "detect_format"]

Format = Literal[
    "hits",
    "dataset",
    "phi modulation",
    "shapes",
    "ROOT",
    "TOML",
    "report",
    "parametrisation",
    "patterns",
    "model",
    "CaloChallenge",
]


FOREIGN_LAYOUTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "CaloChallenge": frozenset({"showers", "incident_energies"}),
        "LEMURS and Par04": frozenset({"showers", "incident_energy", "incident_theta"}),
        "HGCal": frozenset({"showers", "gen_info"}),
        "CaloGAN": frozenset({"layer_0", "layer_1", "layer_2", "energy"}),
        "showerdata": frozenset({"showers", "energies"}),
    }
)
"""Keys of showers of other programs, by which they are told."""

_KNOWN_LAYOUTS: Final = (
    "expected a file of calovox, a dataset (`incident_energy`, `energy_layer_J` as in the note's "
    "Table A.1) or one of the CaloChallenge (`incident_energies` and `showers`); hits of "
    "other programs, and showers of LEMURS and Par04, HGCal, CaloGAN and showerdata, go through "
    "`calovox import`"
)

_KEYS_SHOWN: Final = 8


class UnknownFormatError(ValueError):
    """A file that is none of ours, or damaged."""


def detect_format(path: Path) -> Format:
    """Find out which format a file has.

    Args:
        path: A file, or the folder of a report or of an exported model.

    Returns:
        The format.

    Raises:
        UnknownFormatError: If it is none of ours, or damaged.
    """
    if (path / "report.json").is_file():
        return "report"
    if (path / "model.json").is_file() or path.suffix == ".onnx":
        return "model"
    if path.is_dir():
        raise UnknownFormatError(
            f"{path} is a folder, but no report or exported model: it has no report.json or "
            "model.json"
        )
    with path.open("rb") as file:
        start = file.read(8)
    if start == b"\x89HDF\r\n\x1a\n":
        return _detect_hdf5(path)
    if start.startswith(b"PAR1"):
        return "shapes"
    if start.startswith(b"root"):
        return "ROOT"
    if path.suffix == ".toml":
        return "TOML"
    raise UnknownFormatError(
        f"{path} is no file of calovox: expected HDF5, Parquet, ROOT, TOML or ONNX"
    )


def _detect_hdf5(path: Path) -> Format:
    formats: dict[str, Format] = {
        "calovox hits": "hits",
        "calovox phi modulation": "phi modulation",
        "calovox parametrisation": "parametrisation",
        "calovox patterns": "patterns",
    }
    with open_for_reading(path, UnknownFormatError) as file:
        found = file.attrs.get("format")
        if isinstance(found, str) and found in formats:
            return formats[found]
        if frozenset(file) >= FOREIGN_LAYOUTS["CaloChallenge"]:
            _check_axes(path, file)
            return "CaloChallenge"
        keys = frozenset(file)
        other = next((name for name, wanted in FOREIGN_LAYOUTS.items() if wanted <= keys), None)
        if "incident_energy" in file and other is None:
            return "dataset"
    names = ", ".join(one_line(key) for key in sorted(keys)[:_KEYS_SHOWN]) or "nothing"
    what = "" if other is None else f"the layout of {other}: "
    raise UnknownFormatError(f"{path} is an HDF5 file with {what}{names}; {_KNOWN_LAYOUTS}")


def _check_axes(path: Path, file: h5py.File) -> None:
    """Refuse showers whose voxels are not one axis, as the CaloChallenge has them."""
    shape: tuple[int, ...] = getattr(file["showers"], "shape", ())
    if len(shape) > 2:
        size = math.prod(shape[1:])
        raise UnknownFormatError(
            f"{path}: expected `showers` of shape (event, voxel) as in the CaloChallenge, got "
            f"{shape}: reshape it to ({shape[0]}, {size}), or turn it into a dataset with "
            "`calovox import`"
        )
