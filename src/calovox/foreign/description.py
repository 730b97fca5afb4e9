r"""What the columns of foreign hits mean.

A description is written in TOML (`calovox.foreign.description_file`).

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
    pdg = "mc_pdg"            # or 22, 11, -11: photons, electrons or positrons, one kind in a file
    where = "status"          # takes rows, or entries of lists, where this column is
    equals = 1                # this number
    energy_unit = "GeV"
    angle_unit = "rad"
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from calovox.foreign.tables import ForeignFileError
from calovox.geometry import NO_LAYER
from calovox.photons import PDG
from calovox.text import printable
from calovox.units import parse_quantity

__all__ = ["DIRECTIONS", "POSITIONS", "Description", "HitColumns", "PhotonColumns", "unit_factor"]

POSITIONS: Final = (("x", "y", "z"), ("eta", "phi", "r"), ("r", "phi", "z"))
"""Sets of columns that say where a hit is."""

DIRECTIONS: Final = (("px", "py", "pz"), ("energy", "eta", "phi"), ("energy", "theta", "phi"))
"""Sets of columns, or numbers, that say which photon it was."""

_UNITS: Final = {
    "length_unit": ("length", ("mm", "cm", "m")),
    "energy_unit": ("energy", ("keV", "MeV", "GeV", "TeV")),
    "angle_unit": ("angle", ("rad", "deg")),
}


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
    pdg: str | float | None = None
    where: str | None = None
    equals: float | None = None
    angle_unit: str = "rad"

    def __post_init__(self) -> None:
        _check_units("photons", self)
        _chosen("photons", self, DIRECTIONS)
        if isinstance(self.pdg, float) and self.pdg not in PDG.values():
            known = ", ".join(f"{code} ({name}s)" for name, code in PDG.items())
            raise ForeignFileError(f"[photons] `pdg`: expected {known}, got {self.pdg:g}")
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
