"""What a column may be, by its name.

A name is taken apart into words: ``hit_E``, ``ECalBarrelHits.position.x``, ``EventNumber``,
``edepMeV``. Words say what is measured, whose it is (the photon's or a hit's), and in which unit.
"""

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["ColumnName", "take_apart"]

_PIECES: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_OF_PHOTON: Final = frozenset(
    {"mc", "true", "truth", "gen", "generated", "generator", "primary", "primaries", "incident"}
    | {"beam", "particle", "particles", "photon", "photons", "gun", "initial", "init", "kin"}
    | {"electron", "electrons", "positron", "positrons"}
)
_QUANTITIES: Final = {
    "x": "x posx xpos",
    "y": "y posy ypos",
    "z": "z posz zpos",
    "eta": "eta pseudorapidity",
    "phi": "phi azimuth",
    "r": "r rho radius rperp rt",
    "energy": "e energy edep de dep deposit eloss ekin ene energies",
    "layer": "layer layers sampling samp layerid samplingid",
    "event": "event evt eventid evtid eventnumber evtnumber ievent ievt iev eventno",
    "theta": "theta",
    "px": "px",
    "py": "py",
    "pz": "pz",
    "pdg": "pdg pdgid pid pdgcode",
    "status": "status",
}
_WORDS: Final = {word: name for name, words in _QUANTITIES.items() for word in words.split()}
_UNITS: Final = {
    unit.lower(): unit for unit in ["keV", "MeV", "GeV", "TeV", "mm", "cm", "rad", "deg"]
}
_UNIT: Final = re.compile(
    r"(?:(?<=[^A-Za-z])(kev|mev|gev|tev|mm|cm|rad|deg)|(keV|MeV|GeV|TeV))\W*$", re.IGNORECASE
)
_ENTRY: Final = re.compile(r"\[(\d+)\]$")
_NUMBERED: Final = frozenset(["id", "ids", "no", "number", "nr"])
_PLACES: Final = frozenset(["position", "positions", "pos", "xyz", "coordinates"])
_MOMENTA: Final = frozenset(["momentum", "momenta", "mom", "p"])


@dataclass(frozen=True)
class ColumnName:
    """What the name of a column says.

    Attributes:
        name: The name.
        quantity: What it may be: x, y, z, eta, phi, r, energy, layer, event, theta, px, py, pz,
            pdg, status; None if nobody knows.
        of_photon: Whether it is the photon's.
        group: What is left of the name: that of a collection.
        unit: The unit; None if the name has none.
    """

    name: str
    quantity: str | None
    of_photon: bool
    group: tuple[str, ...]
    unit: str | None


def take_apart(name: str) -> ColumnName:
    """Say what a column may be.

    Args:
        name: Its name.

    Returns:
        What the name says.

    Example:
        >>> found = take_apart("mc_E_GeV")
        >>> found.quantity, found.of_photon, found.unit
        ('energy', True, 'GeV')
        >>> take_apart("ECalHits.position.x").group
        ('e', 'cal', 'hits')
    """
    entry, unit = _ENTRY.search(name), _UNIT.search(name)
    plain = name[: entry.start()] if entry else name[: unit.start()] if unit else name
    words = [word.lower() for word in _PIECES.findall(plain)]
    if entry and int(entry[1]) < 3 and words and words[-1] in _PLACES | _MOMENTA:
        words.append("xyz"[int(entry[1])])
    of_photon = any(word in _OF_PHOTON for word in words)
    quantity, rest = _find_quantity(words)
    if quantity in ("x", "y", "z") and rest and rest[-1] in _MOMENTA:
        quantity, rest = f"p{quantity}", rest[:-1]
    if rest and rest[-1] in _PLACES:
        rest = rest[:-1]
    of_photon = of_photon or quantity in ("px", "py", "pz", "pdg", "theta")
    return ColumnName(
        name=name,
        quantity=quantity,
        of_photon=of_photon,
        group=tuple(rest),
        unit=_UNITS[unit[unit.lastindex or 0].lower()] if unit else None,
    )


def _find_quantity(words: list[str]) -> tuple[str | None, list[str]]:
    """Find the quantity in the last words, and give those before them."""
    for length in (2, 1):
        last = "".join(words[-length:])
        if len(words) >= length and last in _WORDS:
            return _WORDS[last], words[:-length]
    if len(words) > 1 and words[-1] in _NUMBERED and words[-2] in _WORDS:
        return _WORDS[words[-2]], words[:-2]
    return None, words
