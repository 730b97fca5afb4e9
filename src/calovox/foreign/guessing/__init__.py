"""Guesses a description of foreign hits from the names of the columns and some values.

Everything that names and values do not settle stays open: a description with open questions is
shown, and never used.
"""

from pathlib import Path

from calovox.foreign.guessing.columns import read_columns
from calovox.foreign.guessing.guess import Guess
from calovox.foreign.guessing.meaning import guess_hits, guess_photons, guess_photons_apart
from calovox.foreign.guessing.units import guess_energies, guess_lengths
from calovox.foreign.measuring import Measured, measure
from calovox.foreign.tables.root import RootTable, is_podio
from calovox.geometry import Detector, atlas_barrel

__all__ = ["Guess", "guess_description"]


def guess_description(
    path: Path, photons: Path | None = None, detector: Detector | None = None
) -> Guess:
    """Guess what the columns of a file mean.

    Args:
        path: A file of hits.
        photons: A file of their photons, if it is another one.
        detector: The layers that the hits are in; the built-in barrel by default.

    Returns:
        The guess.

    Raises:
        ForeignFileError: If no columns can be hits.
    """
    detector = detector or atlas_barrel()
    guess = Guess(path)
    parts = read_columns(path)
    hits = guess_hits(guess, parts)
    if photons is None:
        guess_photons(guess, hits, parts)
    else:
        guess_photons_apart(guess, hits, read_columns(photons))
        guess.sections["photons"]["file"] = f"{photons}"
    in_podio = isinstance(hits.table, RootTable) and is_podio(path)
    measured = None if guess.open else measure(guess.sections, path, photons, detector)
    _check_layers(guess, measured, detector)
    guess_lengths(guess, measured, in_podio=in_podio)
    guess_energies(guess, measured, in_podio=in_podio)
    return guess


def _check_layers(guess: Guess, measured: Measured | None, detector: Detector) -> None:
    """Take a column of layers only if it has the numbers of ours."""
    others = set() if measured is None else measured.layers - set(detector.numbers)
    if others:
        name = guess.sections["hits"].pop("layer")
        remark = f"`{name}` has other numbers ({min(others)}): layers are found by the position"
        guess.remarks["hits", "energy"] = remark
