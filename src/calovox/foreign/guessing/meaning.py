"""Which columns are the hits of an event, and which its photon."""

from collections.abc import Sequence

from calovox.foreign.description import DIRECTIONS, POSITIONS
from calovox.foreign.guessing.columns import ColumnGroup, groups_of_hits
from calovox.foreign.guessing.guess import Guess
from calovox.foreign.names import ColumnName
from calovox.foreign.tables import ForeignFileError
from calovox.foreign.tables.hdf5 import Hdf5Table

__all__ = ["guess_hits", "guess_photons", "guess_photons_apart"]


def guess_hits(guess: Guess, parts: Sequence[ColumnGroup]) -> ColumnGroup:
    """Find the columns of the hits.

    Args:
        guess: Takes what is found.
        parts: All columns of the file.

    Returns:
        The columns of the hits.

    Raises:
        ForeignFileError: If no columns can be hits.
    """
    complete = groups_of_hits(parts)
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


def _guess_event(guess: Guess, hits: ColumnGroup, parts: Sequence[ColumnGroup]) -> None:
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


def guess_photons(guess: Guess, hits: ColumnGroup, parts: Sequence[ColumnGroup]) -> None:
    """Find the photon in the table of the hits, or in another one of the file.

    Args:
        guess: Takes what is found.
        hits: The columns of the hits.
        parts: All columns of the file.
    """
    table = hits.table
    used = {value for value in guess.sections["hits"].values() if isinstance(value, str)}
    is_list = table.columns[hits.names[0].name] == "list"
    length = hits.length
    for part in parts:
        if part.table.name != table.name or part.length != length:
            continue
        per_row = is_list and table.columns[part.names[0].name] == "number"
        names = [n for n in part.names if (n.of_photon or per_row) and n.name not in used]
        if _guess_direction(guess, ColumnGroup(table, tuple(names))):
            return
    apart = [p for p in parts if p.table.name != table.name or p.length != length]
    guess_photons_apart(guess, hits, apart)


def guess_photons_apart(guess: Guess, hits: ColumnGroup, parts: Sequence[ColumnGroup]) -> None:
    """Find the photon in another table than that of the hits.

    Args:
        guess: Takes what is found.
        hits: The columns of the hits.
        parts: Columns of the other tables.
    """
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


def _guess_direction(guess: Guess, photons: ColumnGroup) -> bool:
    keys = photons.complete((*DIRECTIONS[1:], DIRECTIONS[0]))
    if keys is None:
        return False
    marked = ColumnGroup(photons.table, tuple(n for n in photons.names if n.of_photon))
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


def _set_column(guess: Guess, section: str, key: str, found: Sequence[ColumnName]) -> None:
    if len(found) > 1:
        guess.ask(section, key, [name.name for name in found])
    else:
        guess.set(section, key, found[0].name)
