"""Progress over showers: whoever reads many is told how to show it."""

from collections.abc import Iterable, Iterator, Sized
from typing import Protocol, TypeVar, runtime_checkable

__all__ = ["Track", "silently"]

_Batch = TypeVar("_Batch", bound=Sized)


@runtime_checkable
class Track(Protocol):
    """Passes batches on, and shows how much of the work is done."""

    def __call__(self, batches: Iterable[_Batch], title: str, total: int) -> Iterator[_Batch]:
        """Pass batches on.

        Args:
            batches: Batches of showers.
            title: What is being done.
            total: Showers in all batches, or about so many; 0 if nobody knows.
        """
        ...


def silently(batches: Iterable[_Batch], title: str, total: int) -> Iterator[_Batch]:
    """Pass batches on and show nothing."""
    yield from batches
