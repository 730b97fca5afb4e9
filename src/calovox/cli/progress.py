"""Progress of long work: a bar on a terminal, plain lines elsewhere, always on stderr.

The first line comes within a second, even if the first batch takes longer. While kernels are
compiled, the line says so: there is no bar at 0 then.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import Protocol, TypeVar, runtime_checkable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

__all__ = ["Advance", "progress_of", "track"]

Batch = TypeVar("Batch", bound=Sized)

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_TO_FIRST_LINE = 0.7
_COMPILING = "compiling kernels"


@runtime_checkable
class Advance(Protocol):
    """Tells the progress of a piece of work how it goes on."""

    def __call__(self, count: int, note: str = "") -> None:
        """Count units.

        Args:
            count: Units done since the last call.
            note: What else to show, for example the loss.
        """
        ...


@contextmanager
def progress_of(title: str, total: int, *, unit: str = "showers") -> Iterator[Advance]:
    """Show progress of a piece of work.

    Args:
        title: What is being done.
        total: How many units there are; 0 if nobody knows.
        unit: What is counted.

    Yields:
        To be called with the number of units done since the last call.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = _Lines(title, total, unit)
        first = Timer(_SECONDS_TO_FIRST_LINE, lines.begin)
        first.daemon = True
        first.start()
        try:
            with _when_compiling(lines.compile):
                yield lines.advance
        finally:
            first.cancel()
        lines.finish()
        return
    columns = (
        SpinnerColumn(),  # moves from the first moment, also while kernels are compiled
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total or None, note="")

        def advance(count: int, note: str = "") -> None:
            bar.update(task, advance=count, note=note, total=total or None)

        def compiling() -> None:
            bar.update(task, note=_COMPILING, total=None)  # a bar without an end

        with _when_compiling(compiling):
            yield advance


def track(
    batches: Iterable[Batch], title: str, total: int, *, unit: str = "showers"
) -> Iterator[Batch]:
    """Pass batches on, and show how much of the work is done.

    Args:
        batches: Batches, whose lengths are counted.
        title: What is being done.
        total: Sum of the lengths; 0 if nobody knows.
        unit: What is counted.

    Yields:
        The batches.
    """
    with progress_of(title, total, unit=unit) as advance:
        for batch in batches:
            yield batch
            advance(len(batch))


class _Listener(logging.Handler):
    """Hears that a kernel is compiled."""

    def __init__(self, heard: Callable[[], None]) -> None:
        super().__init__(level=logging.INFO)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.INFO:
            self._heard()


@contextmanager
def _when_compiling(heard: Callable[[], None]) -> Iterator[None]:
    """Listen to `calovox.kernels`, which tells of the first kernel that it compiles."""
    log, listener = logging.getLogger("calovox.kernels"), _Listener(heard)
    log.addHandler(listener)
    try:
        yield
    finally:
        log.removeHandler(listener)


class _RateColumn(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Draw the number of units a second."""
        return Text(f"{task.speed:.3g} {self._unit}/s" if task.speed else "")


@dataclass
class _Lines:
    """Plain lines, one every few seconds and one at the end."""

    title: str
    total: int
    unit: str
    done: int = 0
    start: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    note: str = ""

    def begin(self) -> None:
        self._write("at work")

    def compile(self) -> None:
        self.note = _COMPILING

    def advance(self, count: int, note: str = "") -> None:
        self.done += count
        self.note = note
        if time.monotonic() - self.last >= _SECONDS_BETWEEN_LINES:
            self.last = time.monotonic()
            rate = self.done / (self.last - self.start)
            left = max(self.total - self.done, 0) / rate if rate else float("inf")
            ahead = f", {left:.0f} s left" if self.total else ""
            self._write(f"{rate:.3g} {self.unit}/s{ahead}")

    def finish(self) -> None:
        self._write(f"{time.monotonic() - self.start:.1f} s")

    def _write(self, rest: str) -> None:
        console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        note = f", {self.note}" if self.note else ""
        of_total = f" of {self.total}" if self.total else ""
        console.print(f"{self.title}: {self.done}{of_total} {self.unit}, {rest}{note}")
