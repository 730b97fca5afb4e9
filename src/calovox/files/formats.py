"""Which format of calovox a file has, found out from its content."""

from pathlib import Path
from typing import Literal

from calovox.files.hdf5 import open_for_reading

__all__ = ["Format", "UnknownFormatError", "detect_format"]

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
        if "incident_energy" in file:
            return "dataset"
        if "incident_energies" in file and "showers" in file:
            return "CaloChallenge"
    raise UnknownFormatError(
        f"{path} is an HDF5 file, but neither hits nor a dataset, nor of the CaloChallenge"
    )
