"""Descriptions of foreign hits as TOML: reading and writing."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from calovox.files.toml import read_toml, unknown_key
from calovox.foreign.description import Description, HitColumns, PhotonColumns
from calovox.foreign.tables import ForeignFileError
from calovox.geometry import NO_LAYER
from calovox.text import printable

__all__ = ["format_sections", "parse_description", "read_description"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def read_description(path: Path) -> Description:
    """Read a description.

    Args:
        path: A TOML file, as the head of `calovox.foreign.description` shows; `file` is relative
            to it.

    Returns:
        The description.

    Raises:
        ForeignFileError: If it is no TOML, a key is unknown or missing, or a value of another
            kind.
    """
    content = read_toml(path, ForeignFileError)
    try:
        description = parse_description(content)
    except ForeignFileError as problem:
        raise ForeignFileError(f"{path}: {problem}") from problem
    photons = description.photons
    if photons.file is None:
        return description
    return replace(description, photons=replace(photons, file=f"{path.parent / photons.file}"))


def parse_description(content: Mapping[str, Any]) -> Description:
    """Read a description from the content of a TOML file.

    Args:
        content: Sections with their keys and values.

    Returns:
        The description.

    Raises:
        ForeignFileError: As `read_description`.
    """
    _check_keys("the top level", content, ("hits", "photons", "layers"))
    for name in ("hits", "photons"):
        if name not in content:
            raise ForeignFileError(f"expected a section [{name}]")
    for name, section in content.items():
        if not isinstance(section, dict):
            raise ForeignFileError(f"expected a section [{name}], got {section!r}")
    return Description(
        hits=_parse_section("hits", HitColumns, content["hits"]),
        photons=_parse_section("photons", PhotonColumns, content["photons"]),
        layers=_parse_layers(content.get("layers", {})),
    )


def format_sections(
    sections: Mapping[str, Mapping[str, Any]], remarks: Mapping[tuple[str, str], str]
) -> str:
    """Write sections as TOML, with remarks behind their values.

    Args:
        sections: Values by section and key.
        remarks: Remarks by section and key.

    Returns:
        The text.
    """
    lines = []
    for name, section in sections.items():
        lines += ["", f"[{name}]"]
        for key, value in section.items():
            shown = key if _BARE.fullmatch(key) else json.dumps(key)
            text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
            remark = remarks.get((name, key), "")
            lines.append(f"{shown} = {text}" + (f"  # {printable(remark)}" if remark else ""))
    return "\n".join(lines[1:]) + "\n"


def _parse_section(name: str, kind: Any, section: Mapping[str, Any]) -> Any:
    hints = get_type_hints(kind)
    _check_keys(f"[{name}]", section, tuple(hints))
    missing = [
        entry.name for entry in fields(kind) if entry.name not in section and _must_be_given(entry)
    ]
    if missing:
        raise ForeignFileError(f"[{name}]: expected `{missing[0]}`")
    return kind(**{key: _value(name, key, hints[key], value) for key, value in section.items()})


def _must_be_given(entry: "Field[Any]") -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


def _value(section: str, key: str, hint: Any, value: Any) -> Any:
    kinds = get_args(hint) or (hint,)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if bool in kinds and isinstance(value, bool):
        return value
    if str in kinds and isinstance(value, str) and value:
        return value
    if float in kinds and is_number and abs(value) <= sys.float_info.max:
        return float(value)
    words = {str: "text", float: "a finite number", bool: "true or false"}
    wanted = " or ".join(words[kind] for kind in kinds if kind in words)
    raise ForeignFileError(f"[{section}] `{key}`: expected {wanted}, got {value!r}")


def _parse_layers(section: Mapping[str, Any]) -> dict[int, int]:
    layers = {}
    for key, number in section.items():
        number = NO_LAYER if number == "none" else number
        is_number = isinstance(number, int) and not isinstance(number, bool)
        if not re.fullmatch(r"-?\d{1,18}", key) or not is_number or not 0 <= number <= NO_LAYER:
            raise ForeignFileError(
                f"[layers]: expected VALUE = NUMBER with a number from 0 to {NO_LAYER - 1} or "
                f'"none", got {printable(key)} = {number!r}'
            )
        layers[int(key)] = number
    return layers


def _check_keys(where: str, section: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in section:
        if key not in known:
            raise ForeignFileError(f"{where}: {unknown_key(key, known)}")
