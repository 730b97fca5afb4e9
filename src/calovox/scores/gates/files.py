"""Gate files: bounds that models must keep, and what came of them.

Gates are TOML, as `gates` explains. Outcomes are JSON, one entry per row of scores that a gate
judges, and per bin that it could not judge.
"""

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from calovox.files.toml import read_toml
from calovox.files.whole import whole_file
from calovox.scores.gates.gates import Gate, GateOutcome

__all__ = ["read_gates", "write_outcomes"]

_FORMAT: Final = "calovox gates"
_VERSION: Final = 1


def read_gates(path: Path) -> tuple[Gate, ...]:
    """Read a gate file.

    Args:
        path: TOML file.

    Returns:
        Its gates.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no TOML, has an unknown key, or a gate without a single bound.
    """
    table = read_toml(path)
    unknown = sorted(set(table) - {"gate"})
    entries = table.get("gate")
    if unknown or not entries:
        raise ValueError(f"{path}: expected tables [[gate]], got {', '.join(unknown) or 'none'}")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{path}: expected tables [[gate]], got {entries!r}")
    return tuple(
        _parse(path, number, entry) for number, entry in enumerate(table["gate"], start=1)
    )


def write_outcomes(outcomes: tuple[GateOutcome, ...], path: Path) -> None:
    """Write outcomes as JSON; what is not known is null.

    Args:
        outcomes: The outcomes.
        path: The file.

    Raises:
        FileExistsError: If the file exists.
    """
    content = {
        "format": _FORMAT,
        "version": _VERSION,
        "kept": all(outcome.keeps for outcome in outcomes),
        "known_failures": sum(outcome.verdict == "known failure" for outcome in outcomes),
        "outcomes": [outcome.to_row() for outcome in outcomes],
    }
    with whole_file(path) as partial:
        partial.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


def _parse(path: Path, number: int, entry: dict[str, Any]) -> Gate:
    known = {field.name: field.type for field in fields(Gate)}
    for key, value in entry.items():
        if key not in known:
            raise ValueError(
                f"{path}: gate {number} has an unknown key `{key}`: valid keys are "
                f"{', '.join(known)}"
            )
        wanted = str if known[key] is str else (int, float)
        fits = isinstance(value, wanted) and not isinstance(value, bool)
        if not fits or (wanted is not str and not abs(value) <= sys.float_info.max):
            kind = "text" if wanted is str else "a finite number"
            raise ValueError(f"{path}: gate {number}: expected {kind} for `{key}`, got {value!r}")
    if "metric" not in entry:
        raise ValueError(f"{path}: gate {number}: expected the key `metric`, got none")
    try:
        values: dict[str, Any] = {
            key: value if isinstance(value, str) else float(value) for key, value in entry.items()
        }
        return Gate(**values)
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from None
