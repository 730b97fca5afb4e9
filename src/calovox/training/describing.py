"""What would be trained, in words, with the time of a few steps."""

import time
from statistics import fmean

from lightning_fabric import Fabric
from torch import nn

from calovox.models.shapes.dit import CaloDiT
from calovox.nn import count_parameters
from calovox.training.data.showers import MOST_FITTED, ShowerFiles
from calovox.training.runs.state import RunState
from calovox.training.task import Task, prepare_task
from calovox.training.throughput import measure_throughput
from calovox.units import format_energy

__all__ = ["describe_fits", "describe_task"]


def describe_task(task: Task, *, fabric: Fabric, n_timed: int = 3) -> list[str]:
    """Say what would be trained, and how long it takes; does a few steps and forgets them.

    Args:
        task: What to do.
        fabric: Devices and precision.
        n_timed: Steps whose time is taken, after a first one; fewer if there are fewer.

    Returns:
        Lines for a reader.
    """
    start = prepare_task(task)
    files, stream, n_steps = start.stream.files, start.stream, start.recipe.n_steps
    run = RunState(start.model, stream, start.recipe, fabric)
    batches = stream.batches(share=run.share, device=fabric.device)
    times = []
    for _ in range(min(1 + n_timed, n_steps)):
        started = time.perf_counter()
        run.advance(next(batches))
        times.append(time.perf_counter() - started)
    seconds = fmean(times[1:] or times)
    low, high = (format_energy(energy) for energy in files.energy_range)
    n_validation = len(task.open(task.validation)) if task.validation else 0
    return [
        f"{start.model!r}",
        f"{count_parameters(start.model)} weights to be trained",
        *_describe_parts(start.model),
        f"{len(files)} showers to train with, {low} to {high}, {files.grid!r}",
        *describe_fits(files, task.sizes.kind, task.recipe.seed),
        f"{n_validation} showers to validate with",
        f"{stream.n_batches} steps of {task.batches.batch_size} showers an epoch, "
        f"{n_steps} steps in all",
        f"{seconds:.3g} s a step, {seconds * stream.n_batches:.3g} s an epoch, "
        f"{seconds * n_steps / 60:.3g} min in all, on {fabric.device}",
        f"{measure_throughput(run, task.batches.batch_size / seconds)}",
    ]


def describe_fits(files: ShowerFiles, kind: str, seed: int) -> list[str]:
    """Say that fits take some of the showers, if they do.

    Args:
        files: The training showers.
        kind: Kind of the model; a student has the fits of its teacher.
        seed: Seed of the training.

    Returns:
        One line, or none.
    """
    fitted = files.drawn(seed).for_fits(seed)
    if len(fitted) >= MOST_FITTED and kind != "student":
        return [
            f"standardisations, tables and bounds are fitted to {len(fitted)} of {len(files)} "
            "showers, from all over the files"
        ]
    return []


def _describe_parts(model: nn.Module) -> list[str]:
    """Split the count of a transformer's numbers, as the note counts them."""
    if not isinstance(model, CaloDiT):
        return []
    parts = model.network.count()
    split = ", ".join(f"{name} {number}" for name, number in parts.items())
    return [f"{sum(parts.values())} numbers, the table of positions included: {split}"]
