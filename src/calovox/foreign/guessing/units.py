"""Units of lengths, energies and angles, by names of columns and by what the first events say."""

import math
from collections.abc import Sequence

from calovox.foreign.guessing.guess import Guess
from calovox.foreign.measuring import ENERGIES, LENGTHS, Measured
from calovox.foreign.names import take_apart

__all__ = ["guess_energies", "guess_lengths"]


def guess_lengths(guess: Guess, measured: Measured | None, *, in_podio: bool) -> None:
    """Tell the units of lengths and angles.

    Args:
        guess: Takes what is found.
        measured: Numbers of the first events, if there are any.
        in_podio: Whether the units are those of EDM4hep.
    """
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


def guess_energies(guess: Guess, measured: Measured | None, *, in_podio: bool) -> None:
    """Tell the units of energies of photons and hits.

    Args:
        guess: Takes what is found.
        measured: Numbers of the first events, if there are any.
        in_podio: Whether the units are those of EDM4hep.
    """
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


def _units_in_names(guess: Guess, section: str, keys: Sequence[str]) -> set[str]:
    values = [guess.sections[section].get(key) for key in keys]
    units = {take_apart(value).unit for value in values if isinstance(value, str)}
    return {unit for unit in units if unit is not None}
