"""Settings of the commands: from the command line, from a TOML file, and back into one.

Every command has one frozen dataclass. Its fields are the options, with type, default and help in
the annotation, or groups of options that the library declares (`calovox.cli.options`). A TOML file
given with ``--config`` holds some of these options and takes the place of their defaults; the
command line wins over both. Paths in such a file are relative to the file.
"""

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import typer

from calovox.cli.options import options_of
from calovox.files.toml import read_toml
from calovox.units import parse_quantity

if TYPE_CHECKING:
    from calovox.geometry import Detector

__all__ = [
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
    "PrecisionBits",
    "Seed",
    "Workers",
    "check_numbers",
    "files_read",
    "files_written",
    "given_detector",
    "outputs",
    "parse_range",
    "read_settings",
    "resolved_settings",
    "settings_text",
    "split_named_file",
]


_FORMER: Final = {"cells_table": "detector"}
"""Keys of older files of settings, and what they are called now."""


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


def read_settings(path: Path, settings_type: type) -> dict[str, Any]:
    """Read a TOML file of settings.

    Args:
        path: The file.
        settings_type: The dataclass whose fields are allowed.

    Returns:
        Values by name of the field, with paths that hold from the current folder.

    Raises:
        ValueError: If the file is no TOML, or has a key that is no field, or a number of another
            kind than the field's.
    """
    table = {_FORMER.get(key, key): value for key, value in read_toml(path).items()}
    hints = {option.name: option.hint for option in options_of(settings_type)}
    for key in table:
        if key not in hints:
            raise ValueError(f"{path}: {_unknown_key(key, list(hints))}")
    for key, value in table.items():
        _check_kind(path, key, hints[key], value)
    return {
        key: _change_paths(
            hints[key], _plain(hints[key], value), lambda name: str(path.parent / name)
        )
        for key, value in table.items()
    }


def resolved_settings(settings: Any, folder: Path) -> dict[str, Any]:
    """Give all settings of a command as plain values, with paths relative to a folder.

    Args:
        settings: The command's dataclass.
        folder: Where the settings will be written.

    Returns:
        Values by name; fields without a value are left out.
    """
    return {
        name: _change_paths(hint, value, lambda path: os.path.relpath(path, folder))
        for name, hint, value in _fields(settings)
    }


def settings_text(values: Mapping[str, Any]) -> str:
    r"""Write plain values as TOML.

    Args:
        values: Text, numbers, truth values and lists of them, by name.

    Returns:
        One line per value.

    Example:
        >>> print(settings_text({"seed": 1, "energy": "65GeV"}), end="")
        seed = 1
        energy = "65GeV"
    """
    return "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n".replace("\x7f", "\\u007f")
        for name, value in values.items()
    )


def check_numbers(values: Mapping[str, Any]) -> None:
    """Refuse numbers that are none, which bounds of options let pass.

    Args:
        values: Values by the names of the options.

    Raises:
        ValueError: Naming the option.
    """
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            option = "--" + name.replace("_", "-")
            raise ValueError(f"{option}: expected a finite number, got {value}")


def files_read(settings: Any) -> list[Path]:
    """List the files that a command reads."""
    return _files(settings, (FileIn, FileInText, ModelIn))


def files_written(settings: Any) -> list[Path]:
    """List the files that a command writes."""
    return _files(settings, (FileOut,))


def outputs(settings: Any) -> list[str]:
    """List the options of a command that name files that it writes."""
    return [name for name, hint, _ in _fields(settings) if isinstance(_marker(hint), FileOut)]


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


def _plain(hint: Any, value: Any) -> Any:
    """Accept ``eta = 0.2`` where the command line takes text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number and hint.__origin__ is str else value


def _check_kind(path: Path, key: str, hint: Any, value: Any) -> None:
    """Refuse tables and dates, and what would be read as another number: 1.5 as 1, true as 1."""
    option = "--" + key.replace("_", "-")
    for entry in value if isinstance(value, list) else [value]:
        if not isinstance(entry, str | int | float):
            raise ValueError(f"{path}: {option}: expected text or a number, got {entry!r}")
    kinds = [hint.__origin__, *get_args(hint.__origin__)]
    wanted = {int: "an integer", float: "a finite number", bool: "true or false"}
    for kind, words in wanted.items():
        accepted = (int, float) if kind is float else kind
        fits = isinstance(value, accepted) and (kind is bool or not isinstance(value, bool))
        fits = fits and (kind is not float or abs(value) <= sys.float_info.max)
        if kind in kinds and not fits:
            raise ValueError(f"{path}: {option}: expected {words}, got {value!r}")


def _fields(settings: Any) -> Iterator[tuple[str, Any, Any]]:
    for option in options_of(type(settings)):
        value = option.value(settings)
        if value is not None and value != []:
            yield option.name, option.hint, value


def _files(settings: Any, markers: tuple[type, ...]) -> list[Path]:
    paths: list[Path] = []

    def collect(path: str) -> str:
        paths.append(Path(path))
        return path

    for _, hint, value in _fields(settings):
        if isinstance(_marker(hint), markers):
            _change_paths(hint, value, collect)
    return paths


def _marker(hint: Any) -> FileIn | FileOut | FileInText | ModelIn | None:
    for entry in getattr(hint, "__metadata__", ()):
        if isinstance(entry, FileIn | FileOut | FileInText | ModelIn):
            return entry
    return None


def _change_paths(hint: Any, value: Any, change: Callable[[str], str]) -> Any:
    """Apply a function to the paths in a setting, and give plain values."""
    if isinstance(value, list | tuple):
        return [_change_paths(hint, entry, change) for entry in value]
    marker = _marker(hint)
    if marker is None or isinstance(value, bool | int | float):
        return value
    if isinstance(marker, ModelIn):
        path = change(value)  # before or after the change, it is the path from here
        return path if Path(value).exists() or Path(path).exists() else value
    if not isinstance(marker, FileInText):
        return change(str(value))
    name, path = split_named_file(value)
    return value if value in marker.words else f"{name}=" * bool(name) + change(path)


def _unknown_key(key: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"unknown key `{key}`: {hint}valid keys are {', '.join(known)}"
