"""Progress of a generation: a bar with rate and time left on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from calovox.geant4.generation import ShardDone
from calovox.photons import Photons
from calovox.units import GEV

__all__ = ["ProgressCounter", "shower_progress"]

_SECONDS_BETWEEN_LINES = 10.0


class ProgressCounter:
    """Counts finished shards; rate and time left refer to energy, as the work does."""

    def __init__(self, photons: Photons, *, now: float) -> None:
        """Start counting.

        Args:
            photons: The photons of the run.
            now: The time in s.
        """
        self.n_events = 0
        self.energy = 0.0
        self.total_events = len(photons)
        self.total_energy = float(photons.energy.sum())
        self._simulated = 0.0
        self._start = now

    def add(self, shard: ShardDone) -> None:
        """Count a shard.

        Args:
            shard: The shard.
        """
        self.n_events += shard.n_events
        self.energy += shard.energy
        if not shard.resumed:
            self._simulated += shard.energy

    def describe(self, now: float) -> str:
        """Describe the state in one line.

        Args:
            now: The time in s.

        Returns:
            Events done, rate and time left.
        """
        text = f"{self.n_events}/{self.total_events} showers"
        if self._simulated > 0:
            rate = self._simulated / max(now - self._start, 1e-9)
            left = (self.total_energy - self.energy) / rate
            minutes, seconds = divmod(round(left), 60)
            text += f", {rate / GEV:.0f} GeV/s, {minutes}:{seconds:02d} left"
        return text


@contextmanager
def shower_progress(photons: Photons, console: Console) -> Iterator[Callable[[ShardDone], None]]:
    """Show the progress of a generation.

    Args:
        photons: The photons of the run.
        console: Where to show it.

    Yields:
        What `generate_hits` takes as ``on_shard``.
    """
    counter = ProgressCounter(photons, now=time.monotonic())
    if console.is_terminal:
        with Progress(
            SpinnerColumn(),
            TextColumn("Geant4"),
            BarColumn(),
            _StateColumn(counter),
            TimeElapsedColumn(),
            console=console,
        ) as progress:
            task = progress.add_task("Geant4", total=counter.total_energy)

            def advance(shard: ShardDone) -> None:
                counter.add(shard)
                progress.update(task, completed=counter.energy)

            yield advance
    else:
        yield _line_printer(counter, console)


class _StateColumn(ProgressColumn):
    def __init__(self, counter: ProgressCounter) -> None:
        super().__init__()
        self._counter = counter

    def render(self, task: Task) -> Text:
        return Text(self._counter.describe(time.monotonic()))


def _line_printer(counter: ProgressCounter, console: Console) -> Callable[[ShardDone], None]:
    last = -_SECONDS_BETWEEN_LINES

    def advance(shard: ShardDone) -> None:
        nonlocal last
        counter.add(shard)
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES or counter.n_events == counter.total_events:
            last = now
            console.print(f"Geant4: {counter.describe(now)}", highlight=False, soft_wrap=True)

    return advance
