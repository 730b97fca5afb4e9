"""Bins of kinetic energy and abs(eta) in which scores are given, beside those of all events.

Borders of energy lie between the powers of two of the note's samples. Those of abs(eta) cut out
the electrode gap at 0 and the transition of the electrodes at 0.8. Every event is in one bin of
each: the first and last bins have no outer border.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64
from calovox.units import GEV, format_energy

__all__ = ["ALL", "ENERGY_EDGES", "ETA_EDGES", "EventBin", "event_bins"]

ALL: Final = "all"
"""Name of the bin that holds every event."""

ENERGY_EDGES: Final = (1.5 * GEV, 12 * GEV, 100 * GEV, 750 * GEV)
"""Borders between the bins of kinetic energy in MeV."""

ETA_EDGES: Final = (0.05, 0.7, 0.9)
"""Borders between the bins of abs(eta)."""

_INFINITE: Final = float("inf")


@dataclass(frozen=True)
class EventBin:
    """A bin in kinetic energy and abs(eta).

    Attributes:
        energy: Lowest and highest kinetic energy in MeV, the highest not included.
        abs_eta: Lowest and highest abs(eta), the highest not included.
    """

    energy: tuple[float, float] = (0.0, _INFINITE)
    abs_eta: tuple[float, float] = (0.0, _INFINITE)

    @property
    def energy_name(self) -> str:
        """Name of the bin in energy."""
        return _range_name("E", self.energy, format_energy)

    @property
    def eta_name(self) -> str:
        """Name of the bin in abs(eta)."""
        return _range_name("|η|", self.abs_eta, "{:g}".format)

    def select(
        self, energy: Float64[Array, " event"], abs_eta: Float64[Array, " event"] | None
    ) -> Bool[Array, " event"]:
        """Find the events of the bin.

        Args:
            energy: Kinetic energies in MeV.
            abs_eta: abs(eta) of the events; None if it is not known: all are taken.

        Returns:
            True for each event of the bin.

        Example:
            >>> EventBin((1e3, 2e3)).select(np.array([999.0, 1e3, 2e3]), None)
            array([False,  True, False])
        """
        inside = (energy >= self.energy[0]) & (energy < self.energy[1])
        if abs_eta is not None:
            inside &= (abs_eta >= self.abs_eta[0]) & (abs_eta < self.abs_eta[1])
        return np.asarray(inside)


def event_bins(*, with_eta: bool) -> tuple[EventBin, ...]:
    """List all bins: every event, bins of energy, bins of abs(eta), bins of both.

    Args:
        with_eta: Whether abs(eta) is known.

    Returns:
        The bins, that of all events first.
    """
    energies = _between(ENERGY_EDGES)
    etas = _between(ETA_EDGES) if with_eta else []
    return (
        EventBin(),
        *(EventBin(energy=energy) for energy in energies),
        *(EventBin(abs_eta=eta) for eta in etas),
        *(EventBin(energy, eta) for energy in energies for eta in etas),
    )


def _between(edges: tuple[float, ...]) -> list[tuple[float, float]]:
    return list(zip((0.0, *edges), (*edges, _INFINITE), strict=True))


def _range_name(symbol: str, ends: tuple[float, float], to_text: Callable[[float], str]) -> str:
    low, high = ends
    if low == 0.0 and high == _INFINITE:
        return ALL
    if low == 0.0:
        return f"{symbol} < {to_text(high)}"
    if high == _INFINITE:
        return f"{symbol} > {to_text(low)}"
    return f"{to_text(low)} < {symbol} < {to_text(high)}"
