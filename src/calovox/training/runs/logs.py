"""What a run tells while it trains: `metrics.csv`, and events for TensorBoard.

The CSV file has the columns step, name, value. A run that goes on after an interruption first
removes what was written behind the checkpoint, so that no step is there twice.
"""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.record_writer import RecordWriter
from tensorboardX.summary import scalar

from calovox.files.whole import explain_full_disk, whole_file
from calovox.training.observer import Observer
from calovox.training.runs.state import RunState, Step

__all__ = ["TrainingLog", "read_metrics"]

_HEADER = ["step", "name", "value"]


class TrainingLog(Observer):
    """Writes the course of a run.

    Args:
        folder: The run folder.
        every: Steps whose losses are averaged into one entry.
    """

    def __init__(self, folder: Path, *, every: int) -> None:
        self.every = every
        self._folder = folder
        self._path = folder / "metrics.csv"
        self._events: RecordWriter | None = None
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def start(self, run: RunState) -> None:
        """Open the files, and remove what is in them of later steps."""
        self.start_at(run.step)

    def start_at(self, number: int) -> None:
        """Open the files behind a step, and remove what is in them of later ones."""
        self._keep_until(number)
        # not SummaryWriter: its thread ends on a full disk, and the next entries wait for ever
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"
        with explain_full_disk(self._path, self._path):
            self._events = RecordWriter(str(self._folder / name))
            self._add_event(file_version="brain.Event:2")
            self._add_event(step=number + 1, session_log=SessionLog(status=SessionLog.START))
            self._events.flush()

    def step(self, step: Step) -> None:
        """Take in a step."""
        for name, loss in step.losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + loss
            self._counts[name] = self._counts.get(name, 0) + 1
        if step.number % self.every == 0:
            means = {f"loss/{k}": total / self._counts[k] for k, total in self._sums.items()}
            rest = {"learning_rate": step.learning_rate, "gradient": step.gradient}
            self._write(step.number, means | rest)
            self._sums, self._counts = {}, {}
        if step.validation:
            self._write(step.number, {f"validation/{k}": v for k, v in step.validation.items()})

    def end(self) -> None:
        """Write what is not on the disk yet."""
        if self._events is not None:
            with suppress(OSError):  # of what could not be written before, which was said
                self._events.close()

    def _write(self, step: int, values: Mapping[str, float]) -> None:
        assert self._events is not None  # it was told of the start
        with explain_full_disk(self._path, self._path):
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(f"{step},{name},{value!r}\n" for name, value in values.items())
                file.flush()
                os.fsync(file.fileno())  # a checkpoint must not know more steps than the log
            for name, value in values.items():
                self._add_event(step=step, summary=scalar(name, value))
            self._events.flush()

    def _add_event(self, **content: Any) -> None:
        assert self._events is not None
        self._events.write(Event(wall_time=time.time(), **content).SerializeToString())

    def _keep_until(self, step: int) -> None:
        rows = read_metrics(self._path) if self._path.exists() else []
        kept = [",".join(_HEADER), *(f"{n},{name},{v!r}" for n, name, v in rows if n <= step)]
        with whole_file(self._path, overwrite=True) as partial:
            partial.write_text("\n".join(kept) + "\n", encoding="utf-8")


def read_metrics(path: Path) -> list[tuple[int, str, float]]:
    """Read a log; a last line that was not written to its end is left out.

    Args:
        path: The CSV file.

    Returns:
        Step, name and value of each entry.
    """
    text = path.read_text(encoding="utf-8")
    lines = text[: text.rfind("\n") + 1].splitlines()[1:]
    entries = (line.split(",") for line in lines)
    return [(int(step), name, float(value)) for step, name, value in entries]
