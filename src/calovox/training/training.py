"""A whole training in one call: devices, task, run folder."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calovox.training.describing import describe_task
from calovox.training.devices import Fabric, limited_threads, make_fabric
from calovox.training.observer import Observer
from calovox.training.recipe import Hardware
from calovox.training.runs.record import RunRecord
from calovox.training.sizes.gan import GanSizes
from calovox.training.task import Task, run_task

__all__ = ["describe_training", "train_model"]


def train_model(
    task: Task,
    folder: Path,
    *,
    hardware: Hardware | None = None,
    config: dict[str, Any] | None = None,
    overwrite: bool = False,
    stop_after: float = math.inf,
    observers: Sequence[Observer] = (),
) -> RunRecord:
    """Train, or go on with a training that was interrupted.

    Args:
        task: What to do.
        folder: The run folder.
        hardware: What to train on; None for the defaults.
        config: All settings, to be stored; None for nothing.
        overwrite: Whether to start anew where there is a run already.
        stop_after: Time in s after which to stop; the same call goes on.
        observers: Who is told what happens.

    Returns:
        What the run folder says at the end.

    Raises:
        FileExistsError: If the folder holds a finished run that may not be replaced.
        ValueError: If task or data do not fit, or a loss is not finite.
    """
    with _devices(task, hardware or Hardware()) as fabric:
        try:
            return run_task(
                task,
                folder,
                fabric=fabric,
                config=config or {},
                overwrite=overwrite,
                stop_after=stop_after,
                observers=observers,
            )
        except FloatingPointError as error:
            raise ValueError(str(error)) from error


def describe_training(task: Task, *, hardware: Hardware | None = None) -> list[str]:
    """Say what would be trained, and how long it takes; does a few steps for that.

    Args:
        task: What would be done.
        hardware: What to train on; None for the defaults.

    Returns:
        Lines for a reader.
    """
    with _devices(task, hardware or Hardware()) as fabric:
        return describe_task(task, fabric=fabric)


@contextmanager
def _devices(task: Task, hardware: Hardware) -> Iterator[Fabric]:
    with limited_threads(hardware.threads):
        fabric = make_fabric(
            hardware.accelerator, devices=hardware.devices, precision=hardware.precision
        )
        if isinstance(task.sizes, GanSizes) and fabric.world_size > 1:
            raise ValueError(
                f"train gan: expected one process, got {fabric.world_size}: train slices of |eta| "
                "side by side instead"
            )
        yield fabric
