"""TOML files, as settings, grids and gates are written."""

import tomllib
from pathlib import Path
from typing import Any

from calovox.files.damage import one_line

__all__ = ["parse_toml", "read_toml"]


def read_toml(path: Path, error: type[ValueError] = ValueError) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: The file.
        error: What to raise if it is no TOML.

    Returns:
        What it says.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no TOML.
    """
    try:
        return parse_toml(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise error(f"{path} is not a TOML file: {one_line(problem)}") from None


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Args:
        text: The text.

    Returns:
        What it says.

    Raises:
        ValueError: If it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its tables or arrays are nested too deeply") from None
