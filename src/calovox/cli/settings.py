"""Options that several commands share, and marks of those that name files.

Every command has one frozen dataclass of settings. Its fields are the options, with type, default
and help in the annotation, or groups of options that the library declares (`calovox.cli.options`).
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calovox.units import parse_quantity

if TYPE_CHECKING:
    from calovox.geometry import Detector

__all__ = [
    "Accelerator",
    "Aside",
    "Compress",
    "CurveToRemove",
    "DetectorIn",
    "Energies",
    "Etas",
    "FileIn",
    "FileInText",
    "FileOut",
    "FirstEvent",
    "HitsIn",
    "ModelIn",
    "Number",
    "Output",
    "PartEvents",
    "PlacesIn",
    "PrecisionBits",
    "Scheduler",
    "Seed",
    "Workers",
    "check_scale",
    "given_detector",
    "parse_range",
    "split_named_file",
]


@dataclass(frozen=True)
class FileIn:
    """Marks a path that the command reads."""


@dataclass(frozen=True)
class FileOut:
    """Marks a path that the command writes."""


@dataclass(frozen=True)
class FileInText:
    """Marks text that names a file to read, as ``FILE`` or ``NAME=FILE``.

    Attributes:
        words: Texts that are no file.
    """

    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelIn:
    """Marks text that names a shipped model, unless a file or folder of this name exists."""


@dataclass(frozen=True)
class Aside:
    """Marks an option that changes how the work is done, and not its result."""


Output = Annotated[Path, typer.Option("--output", "-o", help="Where the result goes."), FileOut()]
HitsIn = Annotated[
    list[Path],
    typer.Argument(metavar="HITS", exists=True, dir_okay=False, help="Hits files, in order."),
    FileIn(),
]
CurveToRemove = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Curves whose modulation is removed first."),
    FileIn(),
]
DetectorIn = Annotated[
    Path | None,
    typer.Option(
        "--detector",
        "--cells-table",
        exists=True,
        dir_okay=False,
        help="The detector, as TOML, or CaloCells.root: cells of the real barrel. [default: that "
        "of the files, or the built-in barrel]",
    ),
    FileIn(),
]
PlacesIn = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Table of the places of the cells of HGCal: layer, cell, x and y in mm.",
    ),
    FileIn(),
]
Seed = Annotated[
    int, typer.Option(min=0, max=2**63 - 1, help="Seed of the random numbers of every event.")
]
FirstEvent = Annotated[
    int,
    typer.Option(
        min=0,
        max=2**63 - 1,
        help="Index of the first event, by which jobs share a run: the key of its random numbers; "
        "of a file or a library, the first row.",
    ),
]
Number = Annotated[int, typer.Option("--number", "-n", min=1, help="How many showers.")]
PrecisionBits = Annotated[
    int | None,
    typer.Option(min=1, max=23, help="Round energies to so many bits, for smaller files."),
]
Compress = Annotated[
    Literal["blosc2", "gzip"],
    typer.Option(
        help="gzip is read by every HDF5 library; blosc2 is faster and needs hdf5plugin.",
    ),
]
Workers = Annotated[int, typer.Option(min=1, help="How many processes work at once.")]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|FILE",
        help="Work on the machines of this dask scheduler, given by its address or its file.",
    ),
    Aside(),
]
PartEvents = Annotated[
    int, typer.Option(min=1, help="Showers of each task on the machines of --scheduler."), Aside()
]
Accelerator = Annotated[
    Literal["cpu", "cuda"],
    typer.Option(help="Where ONNX files are computed; cuda is a GPU and needs onnxruntime-gpu."),
]
Energies = Annotated[
    str,
    typer.Option(
        metavar="ENERGY",
        help="Kinetic energies: 65GeV, 49GeV:98GeV, log:256MeV:4.2TeV, or spectrum (the note's).",
    ),
]
Etas = Annotated[
    str,
    typer.Option(metavar="ETA", help="Pseudorapidities: 0.2, -1.35:1.35 or abs:0.2:0.25."),
]


def given_detector(path: Path | None) -> "Detector | None":
    """Read the detector of an option.

    Args:
        path: What was given; None for nothing.

    Returns:
        The detector; None if none was given.

    Raises:
        ValueError: If it is no detector.
    """
    from calovox.geometry.detector_files import read_detector

    return None if path is None else read_detector(path)


def split_named_file(text: str) -> tuple[str, str]:
    """Split ``NAME=FILE`` into its halves; the name is empty if there is none.

    Example:
        >>> split_named_file("optimal=photons.h5"), split_named_file("photons.h5")
        (('optimal', 'photons.h5'), ('', 'photons.h5'))
    """
    name, equals, path = text.partition("=")
    return (name, path) if equals else ("", text)


def check_scale(scale: float) -> float:
    """Refuse a factor on all energies that is not above 0.

    Args:
        scale: What was given.

    Returns:
        The same.

    Raises:
        ValueError: If it is not above 0, or not finite.
    """
    if not 0.0 < scale < float("inf"):
        raise ValueError(f"--scale: expected above 0, got {scale}")
    return scale


def parse_range(option: str, text: str, kind: Literal["energy"] | None) -> tuple[float, float]:
    """Read ``LOW:HIGH``.

    Args:
        option: The option, for the message.
        text: What the user gave.
        kind: What both numbers measure; None for bare numbers.

    Returns:
        Both numbers.

    Raises:
        ValueError: If it is no such range, or LOW is not below HIGH.

    Example:
        >>> parse_range("--eta", "0:0.7", None)
        (0.0, 0.7)
    """
    try:
        low, high = (
            float(part) if kind is None else parse_quantity(part, kind) for part in text.split(":")
        )
    except ValueError:
        raise ValueError(f"{option}: expected LOW:HIGH, got '{text}'") from None
    if not 0.0 <= low < high < math.inf:
        raise ValueError(f"{option}: expected 0 <= LOW < HIGH, got '{text}'")
    return low, high
