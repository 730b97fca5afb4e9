"""What a run tells while it trains: `metrics.csv`, and events for TensorBoard.

The CSV file has the columns step, name, value. A run that goes on after an interruption first
removes what was written behind the checkpoint, so that no step is there twice.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from tensorboardX import SummaryWriter

from calovox.files.whole import whole_file
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
        self._board: SummaryWriter | None = None
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def start(self, run: RunState) -> None:
        """Open the files, and remove what is in them of later steps."""
        self._board = SummaryWriter(str(self._folder), purge_step=run.step + 1)
        self._keep_until(run.step)

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
        if self._board is not None:
            self._board.close()

    def _write(self, step: int, values: Mapping[str, float]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"{step},{name},{value!r}\n" for name, value in values.items())
            file.flush()
            os.fsync(file.fileno())  # a checkpoint must not know more steps than the log
        assert self._board is not None  # it was told of the start
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

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
