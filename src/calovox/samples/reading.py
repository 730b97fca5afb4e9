"""Reading showers once, however many need them, and a bounded number of them chosen at random."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.samples.batch import SelectedShowers, ShowerBatch, ShowerSource
from calovox.tracking import Track

__all__ = [
    "Collector",
    "RowCollector",
    "ShowerRows",
    "choose_rows",
    "feed",
    "read_batches",
    "read_showers",
    "stack_conditions",
]

_NUMBERS_PER_BATCH: Final = 2_000_000
_LARGEST_BATCH: Final = 4096


@runtime_checkable
class Collector(Protocol):
    """Needs some showers of a source."""

    @property
    def showers(self) -> SelectedShowers:
        """Which showers it needs."""
        ...

    def add(self, batch: ShowerBatch) -> None:
        """Take the next of them."""
        ...


def read_batches(source: ShowerSource, title: str, track: Track) -> Iterator[ShowerBatch]:
    """Read all showers of a source, so many at a time that memory stays small.

    Args:
        source: The showers.
        title: What is being done.
        track: Shows the progress.

    Returns:
        The batches, in order.
    """
    size = int(np.clip(_NUMBERS_PER_BATCH // source.layout.n_voxels, 1, _LARGEST_BATCH))
    return track(source.batches(size), title, len(source))


def feed(source: ShowerSource, collectors: Sequence[Collector], title: str, track: Track) -> None:
    """Read a source once, and give each collector the showers that it needs.

    Args:
        source: The showers.
        collectors: Each needs some of them.
        title: What is being done.
        track: Shows the progress.
    """
    start = 0
    for batch in read_batches(source, title, track):
        for collector in collectors:
            part = collector.showers.part_of(batch, start)
            if part is not None:
                collector.add(part)
        start += len(batch)


@dataclass(frozen=True)
class ShowerRows:
    """Some showers.

    Attributes:
        fraction: Energy of each voxel as a fraction of the incident energy.
        energy: Incident energies in MeV.
        abs_eta: abs(eta) of the shower centres; None if it is not known.
    """

    fraction: Float32[Array, "event voxel"]
    energy: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"] | None

    def __len__(self) -> int:
        return len(self.energy)

    def __getitem__(self, rows: Int64[Array, " chosen"]) -> "ShowerRows":
        """Return some of the showers."""
        abs_eta = None if self.abs_eta is None else self.abs_eta[rows]
        return ShowerRows(self.fraction[rows], self.energy[rows], abs_eta)

    @property
    def conditions(self) -> Float64[Array, "event condition"]:
        """Natural logarithm of the energy, and abs(eta) if it is known."""
        return stack_conditions(self.energy, self.abs_eta)


def choose_rows(n_events: int, most: int, rng: np.random.Generator) -> Int64[Array, " row"]:
    """Choose events at random.

    Args:
        n_events: Events there are.
        most: Events that are wanted at most.
        rng: Chooses them.

    Returns:
        Rising rows: all of them if there are no more than wanted.
    """
    if n_events <= most:
        return np.arange(n_events)
    return np.sort(rng.choice(n_events, most, replace=False))


class RowCollector:
    """Collects the voxels of chosen showers.

    Args:
        showers: The showers that they are chosen from.
        rows: Which of these, rising.
    """

    def __init__(self, showers: SelectedShowers, rows: Int64[Array, " row"]) -> None:
        self.showers, self._rows, self._start = showers, rows, 0
        self._parts: list[Float32[Array, "event voxel"]] = []

    def add(self, batch: ShowerBatch) -> None:
        """Take the next showers."""
        low, high = np.searchsorted(self._rows, (self._start, self._start + len(batch)))
        self._parts.append(batch.fraction[self._rows[low:high] - self._start])
        self._start += len(batch)

    def result(self) -> ShowerRows:
        """Return the chosen showers, in order."""
        abs_eta = self.showers.abs_eta()
        return ShowerRows(
            np.concatenate(self._parts),
            self.showers.incident_energy()[self._rows],
            None if abs_eta is None else abs_eta[self._rows],
        )


def read_showers(
    source: ShowerSource, rows: Int64[Array, " row"], title: str, track: Track
) -> ShowerRows:
    """Read some showers of a source.

    Args:
        source: The showers.
        rows: Which of them, rising.
        title: What is being done.
        track: Shows the progress.

    Returns:
        The showers, in order.
    """
    collector = RowCollector(SelectedShowers(source), rows)
    feed(source, [collector], title, track)
    return collector.result()


def stack_conditions(
    energy: Float64[Array, " event"], abs_eta: Float64[Array, " event"] | None
) -> Float64[Array, "event condition"]:
    """Give the photons of showers as columns.

    Args:
        energy: Incident energies in MeV.
        abs_eta: abs(eta) of the shower centres; None if it is not known.

    Returns:
        Natural logarithm of the energy, and abs(eta) if it is known.
    """
    return np.stack([np.log(energy), *([] if abs_eta is None else [abs_eta])], axis=1)
