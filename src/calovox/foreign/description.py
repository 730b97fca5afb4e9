r"""What the columns of foreign hits mean: a description in TOML.

Names of columns are text, values that are the same for all photons are numbers::

    [hits]
    table = "events"          # a tree of a ROOT file, if there are several
    event = "eventID"         # for one row per hit: which event it is of
    x = "hit_x"               # or eta, phi and r, or r, phi and z
    y = "hit_y"
    z = "hit_z"
    energy = "hit_E"
    layer = "sampling"        # without: found by the position in the detector
    length_unit = "mm"        # mm, cm, m
    energy_unit = "GeV"       # keV, MeV, GeV, TeV
    angle_unit = "rad"        # rad, deg; for eta, phi, r
    scale = 5.5               # every energy is multiplied by it: 1 over the sampling fraction
    offsets = "event_offsets" # HDF5: where the hits of each event start
    number_anew = true        # index events from 0 instead of by `event`

    [layers]                  # numbers of ours, by the values of the column `layer`
    11 = 1
    12 = "none"               # left out, and counted

    [photons]
    file = "primaries.csv"    # if they are not in the file of the hits
    table = "primaries"
    event = "eventID"
    energy = "mc_E"           # or px, py and pz
    eta = "mc_eta"            # or theta
    phi = 0.3
    pdg = "mc_pdg"            # must be 22
    where = "status"          # takes rows, or entries of lists, where this column is
    equals = 1                # this number
    energy_unit = "GeV"
    angle_unit = "rad"
"""

import difflib
import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from calovox.files.toml import read_toml
from calovox.foreign.tables import ForeignFileError
from calovox.geometry import NO_LAYER
from calovox.text import printable
from calovox.units import parse_quantity

__all__ = ["Description", "HitColumns", "PhotonColumns", "read_description"]

POSITIONS: Final = (("x", "y", "z"), ("eta", "phi", "r"), ("r", "phi", "z"))
"""Sets of columns that say where a hit is."""

DIRECTIONS: Final = (("px", "py", "pz"), ("energy", "eta", "phi"), ("energy", "theta", "phi"))
"""Sets of columns, or numbers, that say which photon it was."""

_UNITS: Final = {
    "length_unit": ("length", ("mm", "cm", "m")),
    "energy_unit": ("energy", ("keV", "MeV", "GeV", "TeV")),
    "angle_unit": ("angle", ("rad", "deg")),
}
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, kw_only=True)
class HitColumns:
    """The columns of the hits; see the head of this module."""

    energy: str
    length_unit: str
    energy_unit: str
    table: str | None = None
    event: str | None = None
    x: str | None = None
    y: str | None = None
    z: str | None = None
    eta: str | None = None
    phi: str | None = None
    r: str | None = None
    layer: str | None = None
    angle_unit: str = "rad"
    scale: float = 1.0
    offsets: str | None = None
    number_anew: bool = False

    def __post_init__(self) -> None:
        _check_units("hits", self)
        _chosen("hits", self, POSITIONS)
        if not 0.0 < self.scale < math.inf:
            raise ForeignFileError(f"[hits] `scale`: expected above 0, got {self.scale}")
        if self.event is None and self.number_anew:
            raise ForeignFileError("[hits] `number_anew` is for rows with `event`: leave it out")

    @property
    def position(self) -> tuple[str, ...]:
        """Which set of columns says where a hit is."""
        return _chosen("hits", self, POSITIONS)

    @property
    def names(self) -> list[str]:
        """All columns that are read."""
        keys = (*self.position, "energy", "layer", "event")
        values = [getattr(self, key) for key in keys]
        return list(dict.fromkeys(value for value in values if value is not None))


@dataclass(frozen=True, kw_only=True)
class PhotonColumns:
    """The columns of the photons, or numbers; see the head of this module."""

    energy_unit: str
    file: str | None = None
    table: str | None = None
    event: str | None = None
    energy: str | float | None = None
    eta: str | float | None = None
    phi: str | float | None = None
    theta: str | float | None = None
    px: str | None = None
    py: str | None = None
    pz: str | None = None
    pdg: str | None = None
    where: str | None = None
    equals: float | None = None
    angle_unit: str = "rad"

    def __post_init__(self) -> None:
        _check_units("photons", self)
        _chosen("photons", self, DIRECTIONS)
        if (self.where is None) != (self.equals is None):
            raise ForeignFileError("[photons] `where` and `equals` go together")

    @property
    def direction(self) -> tuple[str, ...]:
        """Which set of columns says which photon it was."""
        return _chosen("photons", self, DIRECTIONS)

    @property
    def names(self) -> list[str]:
        """All columns that are read, without the key of the events."""
        keys = (*self.direction, "pdg", "where")
        values = [getattr(self, key) for key in keys]
        return list(dict.fromkeys(value for value in values if isinstance(value, str)))

    @property
    def is_apart(self) -> bool:
        """Whether the photons are rows of another table than the hits."""
        return not (self.file is None and self.table is None and self.event is None)


@dataclass(frozen=True)
class Description:
    """What the columns of foreign hits mean.

    Attributes:
        hits: The columns of the hits.
        photons: The columns of the photons.
        layers: Numbers of ours by the values of the column of layers; empty if they are the same.
    """

    hits: HitColumns
    photons: PhotonColumns
    layers: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.layers and self.hits.layer is None:
            raise ForeignFileError("[layers] is for a column `layer` of [hits]: name it there")

    def to_dict(self) -> dict[str, Any]:
        """Give all that differs from the defaults, by the sections of the text."""
        sections: dict[str, Any] = {}
        for name, section in (("hits", self.hits), ("photons", self.photons)):
            defaults = {entry.name: entry.default for entry in fields(section)}
            values = asdict(section)
            sections[name] = {key: values[key] for key in values if values[key] != defaults[key]}
        if self.layers:
            sections["layers"] = {
                f"{key}": "none" if number == NO_LAYER else number
                for key, number in self.layers.items()
            }
        return sections


def unit_factor(section: HitColumns | PhotonColumns, unit: str) -> float:
    """Give what numbers of a section are multiplied by, to be in MeV, mm or rad.

    Args:
        section: The columns.
        unit: `length_unit`, `energy_unit` or `angle_unit`.

    Returns:
        The factor.
    """
    kind: Any = _UNITS[unit][0]
    return parse_quantity(f"1{getattr(section, unit)}", kind)


def read_description(path: Path) -> Description:
    """Read a description.

    Args:
        path: A TOML file, as the head of this module shows; `file` is relative to it.

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
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean `{near[0]}`? " if near else ""
            raise ForeignFileError(
                f"{where}: unknown key `{printable(key)}`: {hint}valid keys are {', '.join(known)}"
            )


def _check_units(name: str, section: Any) -> None:
    for key, (_, known) in _UNITS.items():
        unit = getattr(section, key, known[0])
        if unit not in known:
            raise ForeignFileError(
                f"[{name}] `{key}`: expected one of {', '.join(known)}, got '{printable(unit)}'"
            )


def _chosen(name: str, section: Any, sets: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Choose the only set of keys that is there as a whole; refuse keys of others."""
    given = {key for keys in sets for key in keys if getattr(section, key) is not None}
    for keys in sets:
        if given == set(keys):
            return keys
    words = " or ".join(", ".join(keys) for keys in sets)
    got = ", ".join(sorted(given)) or "none of them"
    raise ForeignFileError(f"[{name}]: expected {words}, got {got}")
