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

The layers are those of the detector: PreSamplerB, EMB1, EMB2, EMB3 and TileBar0 of the built-in
barrel. A table with the numbers of other ones replaces them::

    [layers]
    Front = 4
    Rear = 7

Rings follow each other from r_min = 0 without gaps; r_max - r_min is a multiple of d_r.
"""

import difflib
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calovox.files.toml import parse_toml
from calovox.geometry.barrel import BARREL_LAYERS
from calovox.geometry.layers import Layer
from calovox.voxelization.ring import Ring

__all__ = ["GridText", "format_rings", "parse_rings"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_FIELDS = ("r_min", "r_max", "d_r", "n_alpha")
_BARREL = {layer.name: layer.number for layer in BARREL_LAYERS}


@dataclass(frozen=True)
class GridText:
    """What a grid file says.

    Attributes:
        name: Name of the grid, empty if there is none.
        rings: Rings of each layer, by its number.
        names: Names of the layers, in the same order.
    """

    name: str
    rings: Mapping[int, tuple[Ring, ...]]
    names: tuple[str, ...]


def parse_rings(text: str, layers: Sequence[Layer] = BARREL_LAYERS) -> GridText:
    """Read the text of a grid file.

    Args:
        text: TOML, as described above.
        layers: The layers, if the text does not say; those of the built-in barrel by default.

    Returns:
        What it says.

    Raises:
        ValueError: If it is no TOML, a key is unknown, or a layer or a field is missing.
    """
    try:
        content = parse_toml(text)
    except ValueError as problem:
        raise ValueError(f"no valid TOML: {problem}") from problem
    _check_keys(content, ("name", "layers", "rings"), "the top level")
    numbers = {layer.name: layer.number for layer in layers}
    if "layers" in content:
        numbers = _parse_layers(content["layers"])
    tables = content.get("rings")
    if not isinstance(tables, dict):
        raise ValueError("expected a table [rings] with the rings of each layer")
    _check_keys(tables, ("default", *numbers), "[rings]")
    rings: dict[int, tuple[Ring, ...]] = {}
    for title, layer in numbers.items():
        if title not in tables and "default" not in tables:
            raise ValueError(f"[rings]: expected a key {title}, or default for all other layers")
        key = title if title in tables else "default"
        rings[layer] = tuple(_parse_ring(entry, key) for entry in _entries(tables[key], key))
    return GridText(str(content.get("name", "")), rings, tuple(numbers))


def _parse_layers(value: Any) -> dict[str, int]:
    if not isinstance(value, dict) or not value or "default" in value:
        raise ValueError(f"[layers]: expected the number of each layer by its name, got {value!r}")
    for title, number in value.items():
        if type(number) is not int:
            raise ValueError(f"[layers] {title}: expected a whole number, got {number!r}")
    return dict(sorted(value.items(), key=lambda item: item[1]))


def format_rings(
    name: str, rings: Mapping[int, Iterable[Ring]], names: Iterable[str] = tuple(_BARREL)
) -> str:
    """Write the text of a grid file.

    Args:
        name: Name of the grid.
        rings: Rings of each layer.
        names: Names of the layers.

    Returns:
        TOML that `parse_rings` reads back.
    """
    layers = dict(zip(names, rings, strict=True))
    lines = [f"name = {json.dumps(name, ensure_ascii=False)}", ""]
    if layers != _BARREL:
        lines += ["[layers]", *(f"{_key(k)} = {number}" for k, number in layers.items()), ""]
    lines.append("[rings]")
    for title, layer in layers.items():
        lines.append(f"{_key(title)} = [")
        for ring in rings[layer]:
            fields = ", ".join(f"{field} = {getattr(ring, field)!r}" for field in _FIELDS)
            lines.append(f"  {{ {fields} }},")
        lines.append("]")
    return "\n".join(lines) + "\n"


def _key(title: str) -> str:
    return title if _BARE.fullmatch(title) else json.dumps(title, ensure_ascii=False)


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
