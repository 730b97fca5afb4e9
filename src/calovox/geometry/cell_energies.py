"""Cell energies of many events: only cells with energy, with the offsets of the events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int32, Int64

__all__ = ["CellEnergies", "concatenate_cells"]

_COLUMNS: Final = ("cell", "energy", "event_offsets", "outside")


@dataclass(frozen=True)
class CellEnergies:
    """Energies of the cells that were hit.

    Attributes:
        cell: Row of each entry in the cell table, rising inside an event.
        energy: Its energy in MeV, the sum of the hits of one event in one cell.
        event_offsets: Entries of event i are ``event_offsets[i]:event_offsets[i + 1]``.
        outside: Energy in MeV of each event's hits outside all cells.
    """

    cell: Int32[Array, " entry"]
    energy: Float32[Array, " entry"]
    event_offsets: Int64[Array, " offset"]
    outside: Float64[Array, " event"]

    def __post_init__(self) -> None:
        n_entries = len(self.energy)
        if len(self.cell) != n_entries:
            raise ValueError(
                f"CellEnergies: expected {n_entries} values of `cell`, got {len(self.cell)}"
            )
        offsets = self.event_offsets
        if len(offsets) != len(self.outside) + 1:
            raise ValueError(
                f"CellEnergies: `event_offsets` must have one entry more than there are events "
                f"({len(self.outside)}), got {len(offsets)}"
            )
        if offsets[0] != 0 or offsets[-1] != n_entries or (offsets[1:] < offsets[:-1]).any():
            raise ValueError(f"CellEnergies: `event_offsets` must rise from 0 to {n_entries}")
        if n_entries and self.cell.min() < 0:
            raise ValueError("CellEnergies: expected rows of the cell table, got a negative one")

    @classmethod
    def of_kernel(cls, *columns: Array) -> "CellEnergies":
        """Take the columns that a compiled kernel made, without a look at them.

        A look at a single shower costs as much as a tenth of the shower.
        """
        cells = object.__new__(cls)
        vars(cells).update(zip(_COLUMNS, columns, strict=True))
        return cells

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.outside)

    def __getitem__(self, events: slice) -> "CellEnergies":
        """Return consecutive events, without a copy of their entries."""
        start, stop, step = events.indices(len(self))
        if step != 1:
            raise IndexError(f"CellEnergies: expected a slice of step 1, got {step}")
        stop = max(start, stop)
        offsets = self.event_offsets[start : stop + 1]
        rows = slice(int(offsets[0]), int(offsets[-1]))
        return CellEnergies(
            cell=self.cell[rows],
            energy=self.energy[rows],
            event_offsets=offsets - offsets[0],
            outside=self.outside[start:stop],
        )

    def __repr__(self) -> str:
        return f"CellEnergies({len(self)} events, {len(self.energy)} cells)"

    @property
    def event(self) -> Int64[Array, " entry"]:
        """Position of the event of each entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.event_offsets))

    @property
    def total_energy(self) -> Float64[Array, " event"]:
        """Energy of all cells of each event in MeV."""
        return np.bincount(self.event, weights=self.energy, minlength=len(self))


def concatenate_cells(parts: Sequence[CellEnergies]) -> CellEnergies:
    """Join batches of events, in order.

    Args:
        parts: At least one batch, all with rows of the same cell table.

    Returns:
        All events as one batch.
    """
    sizes = np.concatenate([np.diff(part.event_offsets) for part in parts])
    return CellEnergies(
        cell=np.concatenate([part.cell for part in parts]),
        energy=np.concatenate([part.energy for part in parts]),
        event_offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        outside=np.concatenate([part.outside for part in parts]),
    )
