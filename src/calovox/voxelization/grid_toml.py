"""The text form of a voxel grid: a TOML file with the rings of each layer.

Example of a file; ``default`` holds for every layer that is not named, lengths are in mm::

    name = "example"

    [rings]
    default = [
      { r_min = 0, r_max = 20, d_r = 10, n_alpha = 4 },
      { r_min = 20, r_max = 100, d_r = 20, n_alpha = 4 },
    ]
    EMB1 = [
      { r_min = 0, r_max = 30, d_r = 5, n_alpha = 8 },
    ]

The layers are PreSamplerB, EMB1, EMB2, EMB3 and TileBar0. Rings follow each other from r_min = 0
without gaps; r_max - r_min is a multiple of d_r.
"""

import difflib
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from calovox.arrays import LAYER_NAMES
from calovox.voxelization.ring import Ring

__all__ = ["format_rings", "parse_rings"]

_FIELDS = ("r_min", "r_max", "d_r", "n_alpha")


def parse_rings(text: str) -> tuple[str, dict[int, tuple[Ring, ...]]]:
    """Read the text of a grid file.

    Args:
        text: TOML, as described above.

    Returns:
        The name of the grid, empty if there is none, and the rings of each layer.

    Raises:
        ValueError: If it is no TOML, a key is unknown, or a layer or a field is missing.
    """
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise ValueError(f"no valid TOML: {problem}") from problem
    _check_keys(content, ("name", "rings"), "the top level")
    tables = content.get("rings")
    if not isinstance(tables, dict):
        raise ValueError("expected a table [rings] with the rings of each layer")
    _check_keys(tables, ("default", *LAYER_NAMES.values()), "[rings]")
    rings: dict[int, tuple[Ring, ...]] = {}
    for layer, title in LAYER_NAMES.items():
        if title not in tables and "default" not in tables:
            raise ValueError(f"[rings]: expected a key {title}, or default for all other layers")
        key = title if title in tables else "default"
        rings[layer] = tuple(_parse_ring(entry, key) for entry in _entries(tables[key], key))
    return str(content.get("name", "")), rings


def format_rings(name: str, rings: Mapping[int, Iterable[Ring]]) -> str:
    """Write the text of a grid file.

    Args:
        name: Name of the grid.
        rings: Rings of each layer.

    Returns:
        TOML that `parse_rings` reads back.
    """
    lines = [f"name = {json.dumps(name, ensure_ascii=False)}", "", "[rings]"]
    for layer, title in LAYER_NAMES.items():
        lines.append(f"{title} = [")
        for ring in rings[layer]:
            fields = ", ".join(f"{field} = {getattr(ring, field)!r}" for field in _FIELDS)
            lines.append(f"  {{ {fields} }},")
        lines.append("]")
    return "\n".join(lines) + "\n"


def _entries(value: Any, key: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(f"[rings] {key}: expected a list of rings, got {value!r}")
    return value


def _parse_ring(entry: Mapping[str, Any], key: str) -> Ring:
    _check_keys(entry, _FIELDS, f"a ring of {key}")
    for field in _FIELDS:
        kinds = int if field == "n_alpha" else (int, float)
        fits = isinstance(entry.get(field), kinds) and not isinstance(entry[field], bool)
        if not fits or not abs(entry[field]) <= sys.float_info.max:
            wanted = "an integer" if field == "n_alpha" else "a finite number"
            raise ValueError(
                f"a ring of {key}: expected {wanted} as {field}, got {entry.get(field)!r}"
            )
    return Ring(
        float(entry["r_min"]), float(entry["r_max"]), float(entry["d_r"]), entry["n_alpha"]
    )


def _check_keys(given: Iterable[str], known: Iterable[str], where: str) -> None:
    known = list(known)
    for key in given:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise ValueError(f"{where}: unknown key {key}, expected {', '.join(known)}{hint}")
