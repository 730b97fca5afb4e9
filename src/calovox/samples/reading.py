"""Reading showers once, however many need them."""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np

from calovox.samples.batch import SelectedShowers, ShowerBatch, ShowerSource
from calovox.samples.tracking import Track

__all__ = ["Collector", "feed", "read_batches"]

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
