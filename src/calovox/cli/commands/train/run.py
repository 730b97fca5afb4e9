"""Training with progress on the terminal, and the settings in the run folder: needs torch."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import typer

from calovox import __version__
from calovox.cli.command import Job
from calovox.cli.progress import Advance, progress_of
from calovox.cli.values import settings_text
from calovox.files.whole import whole_file
from calovox.training.describing import describe_fits
from calovox.training.observer import Observer
from calovox.training.recipe import Hardware
from calovox.training.runs.folder import CONFIG
from calovox.training.runs.state import RunState, Step
from calovox.training.task import Task
from calovox.training.throughput import RateMeter
from calovox.training.training import train_model
from calovox.units import parse_quantity

__all__ = ["run_loop"]


def run_loop(
    name: str,
    task: Task,
    job: Job,
    *,
    output: Path,
    hardware: Hardware,
    stop_after: str | None,
    values: dict[str, Any],
) -> str:
    """Train with a run folder, or go on with it.

    Args:
        name: The command.
        task: What to do.
        job: This call of the command.
        output: The run folder.
        hardware: What to train on.
        stop_after: Time after which to stop, with its unit; None for the end.
        values: All settings as plain values, relative to the run folder.

    Returns:
        One line that sums up the result.

    Raises:
        ValueError: If settings or data do not fit, or a loss is not finite.
    """
    meter = RateMeter()
    record = train_model(
        task,
        output,
        hardware=hardware,
        config=values,
        overwrite=job.overwrite,
        stop_after=math.inf if stop_after is None else _time_limit(stop_after),
        observers=[_SettingsWriter(name, output, values), _Progress(task.sizes.kind), meter],
    )
    rate = meter.measure()
    metrics = "".join(f", {name} {value:.4g}" for name, value in record.metrics.items())
    speed = "" if rate is None else f"; {rate}"
    return f"{output}: {record.step} of {record.n_steps} steps{metrics}{speed}"


class _SettingsWriter(Observer):
    """Stores all settings in the run folder; the file repeats the run."""

    def __init__(self, name: str, folder: Path, values: dict[str, Any]) -> None:
        self._name = name
        self._folder = folder
        self._text = settings_text(values)

    def start(self, run: RunState) -> None:
        with whole_file(self._folder / CONFIG, overwrite=True) as partial:
            partial.write_text(f"# calovox {__version__}, {self._name}\n{self._text}")


class _Progress(Observer):
    """Shows loss, rate and time left."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._stack = ExitStack()
        self._advance: Advance | None = None
        self._note = ""

    def start(self, run: RunState) -> None:
        for path in run.damaged:
            typer.echo(f"{path} is damaged: going on from step {run.step}", err=True)
        for line in describe_fits(run.stream.files, self._kind, run.recipe.seed):
            typer.echo(f"calovox: {line}", err=True)
        n_left = run.stream.n_showers(run.recipe.n_steps) - run.stream.n_showers(run.step)
        self._advance = self._stack.enter_context(progress_of("training", n_left))

    def step(self, step: Step) -> None:
        assert self._advance is not None  # it was told of the start
        losses = ", ".join(f"{name} {loss:.4g}" for name, loss in step.losses.items())
        if step.validation:
            found = ", ".join(f"{name} {value:.4g}" for name, value in step.validation.items())
            self._note = f"; validation: {found}"
        self._advance(step.n_events, f"step {step.number}, {losses}{self._note}")

    def end(self) -> None:
        self._stack.close()


def _time_limit(text: str) -> float:
    limit = parse_quantity(text, "time")
    if limit < 0.0:
        raise ValueError(f"--stop-after: expected 0 or more, got '{text}'")
    return limit
