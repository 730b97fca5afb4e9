"""Values of settings: from a TOML file, back into one, and the files that they name.

A TOML file given with ``--config`` holds some of the options of a command and takes the place of
their defaults; the command line wins over both. Paths in such a file are relative to the file.
"""

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from calovox.cli.options import options_of
from calovox.cli.settings import Aside, FileIn, FileInText, FileOut, ModelIn, split_named_file
from calovox.files.toml import read_toml, unknown_key

__all__ = [
    "check_numbers",
    "files_read",
    "files_written",
    "read_settings",
    "resolved_settings",
    "settings_text",
    "without_effect",
]

_FORMER: Final = {"cells_table": "detector"}
"""Keys of older files of settings, and what they are called now."""


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
            raise ValueError(f"{path}: {unknown_key(key, hints)}")
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


def without_effect(settings: Any) -> list[str]:
    """List the options of a command that are no part of how a result was made."""
    return [
        name
        for name, hint, _ in _fields(settings)
        if any(isinstance(entry, FileOut | Aside) for entry in hint.__metadata__)
    ]


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
