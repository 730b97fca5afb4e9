"""TOML files, as settings, grids and gates are written."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from calovox.files.damage import one_line

__all__ = ["parse_toml", "read_toml", "unknown_key"]


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


def unknown_key(key: str, known: Iterable[str]) -> str:
    """Say that a key is none of those that are known.

    Args:
        key: The key.
        known: Keys that are known.

    Returns:
        The end of a sentence, with the most similar known key.

    Example:
        >>> unknown_key("faktor", ["factor", "seed"])
        'unknown key `faktor`: did you mean `factor`? valid keys are factor, seed'
    """
    import difflib

    keys = list(known)
    near = difflib.get_close_matches(key, keys, n=1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"unknown key `{one_line(key)}`: {hint}valid keys are {', '.join(keys)}"
