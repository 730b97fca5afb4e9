"""Guesses a description of foreign hits from the names of the columns and some values.

Everything that names and values do not settle stays open: a description with open questions is
shown, and never used.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from calovox.foreign.description import (
    DIRECTIONS,
    POSITIONS,
    Description,
    format_sections,
    parse_description,
)
from calovox.foreign.measuring import ENERGIES, LENGTHS, Measured, measure
from calovox.foreign.names import ColumnName, take_apart
from calovox.foreign.tables import ForeignFileError, Table, open_tables
from calovox.foreign.tables.hdf5 import Hdf5Table
from calovox.foreign.tables.root import RootTable, is_podio
from calovox.geometry import BARREL_NUMBERS

__all__ = ["Guess", "guess_description"]
_SETTINGS: Final = ("length_unit", "energy_unit", "angle_unit")


@dataclass
class Guess:
    """A description that was guessed.

    Attributes:
        path: The first file of hits.
        sections: Its sections with their keys and values.
        remarks: Why a value was chosen, by section and key.
        open: What could not be told; empty for a description that can be used.
    """

    path: Path
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    remarks: dict[tuple[str, str], str] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def set(self, section: str, key: str, value: Any, remark: str = "") -> None:
        """Set a value."""
        self.sections.setdefault(section, {})[key] = value
        if remark:
            self.remarks[section, key] = remark

    def ask(self, section: str, key: str, choices: Sequence[str], remark: str = "") -> None:
        """Leave a value open."""
        words = " or ".join(choices)
        self.set(section, key, "?", f"{words}?" + (f" {remark}" if remark else ""))
        self.open.append(f"`{key}` of [{section}] ({words})")

    def text(self) -> str:
        """Write the description as TOML, with what was guessed and what is open."""
        questions = [f"# cannot be told: {question}\n" for question in self.open]
        return "".join(questions) + format_sections(self.sections, self.remarks)

    def summary(self) -> str:
        """Say on one line what was guessed."""
        hits, photons = self.sections["hits"], self.sections["photons"]
        names = {key: value for key, value in hits.items() if key not in _SETTINGS}
        truth = {key: value for key, value in photons.items() if key not in _SETTINGS}
        return (
            f"hits are {_pairs(names)} in {hits['length_unit']} and {hits['energy_unit']}, "
            f"photons {_pairs(truth)} in {photons['energy_unit']}"
        )

    def description(self) -> Description:
        """Give the description, if nothing is open.

        Returns:
            The description.

        Raises:
            ForeignFileError: If something is open.
        """
        if self.open:
            raise ForeignFileError(
                f"{self.path}: cannot tell {self.open[0]}: --dry-run prints a description to "
                "complete, for --description"
            )
        return parse_description(self.sections)


@dataclass(frozen=True)
class _Columns:
    """Columns of a table that go together: of as many rows, and of one kind."""

    table: Table
    names: tuple[ColumnName, ...]

    @property
    def length(self) -> int:
        """Rows of an HDF5 file; 0 for tables whose columns all have as many."""
        if not isinstance(self.table, Hdf5Table):
            return 0
        return self.table.rows(self.names[0].name)

    def of(self, quantity: str) -> list[ColumnName]:
        return [name for name in self.names if name.quantity == quantity]

    def complete(self, sets: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
        """Give the first set of quantities that is there."""
        return next((keys for keys in sets if all(self.of(key) for key in keys)), None)


def guess_description(path: Path, photons: Path | None = None) -> Guess:
    """Guess what the columns of a file mean.

    Args:
        path: A file of hits.
        photons: A file of their photons, if it is another one.

    Returns:
        The guess.

    Raises:
        ForeignFileError: If no columns can be hits.
    """
    guess = Guess(path)
    parts = _parts(path)
    hits = _guess_hits(guess, parts)
    if photons is None:
        _guess_photons(guess, hits, parts)
    else:
        _guess_photons_apart(guess, hits, _parts(photons))
        guess.sections["photons"]["file"] = f"{photons}"
    in_podio = isinstance(hits.table, RootTable) and is_podio(path)
    measured = None if guess.open else measure(guess.sections, path, photons)
    _check_layers(guess, measured)
    _guess_lengths(guess, measured, in_podio=in_podio)
    _guess_energies(guess, measured, in_podio=in_podio)
    return guess


def _parts(path: Path) -> list[_Columns]:
    """Give the columns of all tables of a file, apart by the number of rows and the kind."""
    parts = []
    for table in _with_offsets(open_tables(path)):
        rows: dict[tuple[str, int], list[ColumnName]] = {}
        for name, kind in table.columns.items():
            length = table.rows(name) if isinstance(table, Hdf5Table) else 0
            rows.setdefault((kind, length), []).append(take_apart(name))
        parts += [_Columns(table, tuple(names)) for names in rows.values()]
    return parts


def _with_offsets(tables: Sequence[Table]) -> Sequence[Table]:
    """Open an HDF5 file anew if one of its columns has the offsets of the events."""
    (table, *others) = tables
    if others or not isinstance(table, Hdf5Table):
        return tables
    named = [name for name in table.columns if "offset" in name.lower()]
    return [Hdf5Table(table.path, named[0])] if len(named) == 1 else tables


def _guess_hits(guess: Guess, parts: Sequence[_Columns]) -> _Columns:
    groups = [group for part in parts for group in _groups(part)]
    groups = groups or [_of_hits(part) for part in parts]
    complete = [g for g in groups if g.complete(POSITIONS) and g.of("energy")]
    if not complete:
        known = ", ".join(name.name for part in parts for name in part.names) or "none"
        raise ForeignFileError(
            f"{guess.path}: no columns can be told to be positions and energies of hits: describe "
            f"them with --description; the columns of numbers are {known[:300]}"
        )
    hits = complete[0]
    if hits.table.name:
        guess.set("hits", "table", hits.table.name)
    if isinstance(hits.table, Hdf5Table) and hits.table.offsets is not None:
        guess.set("hits", "offsets", hits.table.offsets)
    for key in (*(hits.complete(POSITIONS) or ()), "energy"):
        _set_column(guess, "hits", key, hits.of(key))
    if len(complete) > 1:
        energies = [group.of("energy")[0].name for group in complete]
        guess.ask("hits", "energy", energies, "which collection has the hits")
    if len(hits.of("layer")) == 1:
        guess.set("hits", "layer", hits.of("layer")[0].name)
    _guess_event(guess, hits, parts)
    return hits


def _guess_event(guess: Guess, hits: _Columns, parts: Sequence[_Columns]) -> None:
    """Find the key of the events: a column beside the hits, or one per row of lists."""
    table = hits.table
    is_list = table.columns[hits.names[0].name] == "list"
    kind = "number" if is_list else table.columns[hits.names[0].name]
    events = [
        name
        for part in parts
        if part.table.name == table.name and part.length == hits.length
        for name in part.of("event")
        if table.columns[name.name] == kind
    ]
    if events:
        _set_column(guess, "hits", "event", events)
    elif not is_list:
        guess.ask("hits", "event", ["the column that says of which event a hit is"])


def _guess_photons(guess: Guess, hits: _Columns, parts: Sequence[_Columns]) -> None:
    """Find the photon in the table of the hits, or in another one of the file."""
    table = hits.table
    used = {value for value in guess.sections["hits"].values() if isinstance(value, str)}
    is_list = table.columns[hits.names[0].name] == "list"
    length = hits.length
    for part in parts:
        if part.table.name != table.name or part.length != length:
            continue
        per_row = is_list and table.columns[part.names[0].name] == "number"
        names = [n for n in part.names if (n.of_photon or per_row) and n.name not in used]
        if _guess_direction(guess, _Columns(table, tuple(names))):
            return
    apart = [p for p in parts if p.table.name != table.name or p.length != length]
    _guess_photons_apart(guess, hits, apart)


def _guess_photons_apart(guess: Guess, hits: _Columns, parts: Sequence[_Columns]) -> None:
    for part in parts:
        if _guess_direction(guess, part):
            if part.table.name:
                guess.set("photons", "table", part.table.name)
            if part.of("event"):
                _set_column(guess, "photons", "event", part.of("event"))
            elif part.table.path == hits.table.path:
                guess.ask("photons", "event", ["the column that says of which event a photon is"])
            return
    guess.set("photons", "energy", "?", "or a number, for all photons; px, py and pz will do, too")
    for key in ("eta", "phi"):
        guess.set("photons", key, "?", "or a number")
    guess.open.append("the photons (--photons FILE names a file that has them)")


def _guess_direction(guess: Guess, photons: _Columns) -> bool:
    keys = photons.complete((*DIRECTIONS[1:], DIRECTIONS[0]))
    if keys is None:
        return False
    marked = _Columns(photons.table, tuple(n for n in photons.names if n.of_photon))
    source = marked if marked.complete([keys]) else photons
    for key in (*keys, *(("pdg",) if source.of("pdg") else ())):
        _set_column(guess, "photons", key, source.of(key))
    first = source.of(keys[0])[0].name
    if photons.table.columns[first] == "list":
        group = source.of(keys[0])[0].group[:1]
        status = [name for name in photons.of("status") if name.group[:1] == group]
        if status:
            guess.set("photons", "where", status[0].name, "the generator's particle")
            guess.set("photons", "equals", 1)
    return True


def _groups(part: _Columns) -> list[_Columns]:
    """Give the columns of each collection that can be hits."""
    groups: dict[tuple[str, ...], list[ColumnName]] = {}
    for name in part.names:
        if not name.of_photon:
            groups.setdefault(name.group, []).append(name)
    found = [_Columns(part.table, tuple(names)) for names in groups.values()]
    return [g for g in found if g.complete(POSITIONS) and g.of("energy")]


def _of_hits(part: _Columns) -> _Columns:
    return _Columns(part.table, tuple(name for name in part.names if not name.of_photon))


def _set_column(guess: Guess, section: str, key: str, found: Sequence[ColumnName]) -> None:
    if len(found) > 1:
        guess.ask(section, key, [name.name for name in found])
    else:
        guess.set(section, key, found[0].name)


def _check_layers(guess: Guess, measured: Measured | None) -> None:
    """Take a column of layers only if it has the numbers of ours."""
    others = set() if measured is None else measured.layers - set(BARREL_NUMBERS)
    if others:
        name = guess.sections["hits"].pop("layer")
        remark = f"`{name}` has other numbers ({min(others)}): layers are found by the position"
        guess.remarks["hits", "energy"] = remark


def _guess_lengths(guess: Guess, measured: Measured | None, *, in_podio: bool) -> None:
    keys = [key for key in ("x", "y", "z", "r") if key in guess.sections["hits"]]
    named = _units_in_names(guess, "hits", keys)
    inside = {} if measured is None else measured.inside
    fitting = [unit for unit, share in inside.items() if share > 0.5]
    if len(named) == 1:
        guess.set("hits", "length_unit", named.pop(), "as the columns are named")
    elif in_podio:
        guess.set("hits", "length_unit", "mm", "that of EDM4hep")
    elif len(fitting) == 1:
        share = f"{100.0 * inside[fitting[0]]:.3g} % of the energy is then in the layers"
        guess.set("hits", "length_unit", fitting[0], share)
    else:
        guess.ask("hits", "length_unit", list(LENGTHS))
    for section in ("hits", "photons"):
        largest = 0.0 if measured is None else measured.largest_phi[section]
        if largest > 2.1 * math.pi:
            guess.set(section, "angle_unit", "deg", f"there are angles of {largest:.3g}")


def _guess_energies(guess: Guess, measured: Measured | None, *, in_podio: bool) -> None:
    photon_keys = [key for key in ("energy", "px") if key in guess.sections["photons"]]
    for section, keys in (("photons", photon_keys), ("hits", ["energy"])):
        named = _units_in_names(guess, section, keys)
        fitting = _fitting_units(guess, section, measured)
        if len(named) == 1:
            guess.set(section, "energy_unit", named.pop(), "as the column is named")
        elif in_podio:
            guess.set(section, "energy_unit", "GeV", "that of EDM4hep")
        elif len(fitting) == 1:
            ((unit, reason),) = fitting.items()
            guess.set(section, "energy_unit", unit, reason)
        else:
            guess.ask(section, "energy_unit", list(ENERGIES))


def _fitting_units(guess: Guess, section: str, measured: Measured | None) -> dict[str, str]:
    """Give the units that values make likely, and why."""
    if measured is None:
        return {}
    if section == "photons":
        low, high = measured.energies
        return {
            unit: f"{low:.4g} to {high:.4g} {unit} is within 200 MeV to 5 TeV"
            for unit, factor in ENERGIES.items()
            if low * factor >= 200.0 and high * factor <= 5e6
        }
    known = ENERGIES.get(guess.sections["photons"]["energy_unit"])
    if known is None:
        return {}
    shares = {unit: measured.ratio * factor / known for unit, factor in ENERGIES.items()}
    return {
        unit: f"E_tot/E_kin is then {share:.3g}"
        for unit, share in shares.items()
        if 0.005 <= share < 2.0
    }


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{k} = {v}" if f"{v}" != k else k for k, v in values.items())


def _units_in_names(guess: Guess, section: str, keys: Sequence[str]) -> set[str]:
    values = [guess.sections[section].get(key) for key in keys]
    units = {take_apart(value).unit for value in values if isinstance(value, str)}
    return {unit for unit in units if unit is not None}
