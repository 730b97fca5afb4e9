"""`calovox distill`: a trained diffusion or flow model becomes one of few evaluations."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.commands.train.networks import (
    Compile,
    LoopSettings,
    preview_training,
    task_arguments,
    train_with_progress,
)
from calovox.cli.settings import FileIn
from calovox.training.sizes.options import TeachingOptions

if TYPE_CHECKING:
    from calovox.training.task import Task

__all__ = ["DISTILL", "DistillSettings", "distill"]

_EXAMPLE = (
    "calovox distill dit --config configs/distill_note.toml --data train.h5 "
    "--validation validation.h5 -o student"
)


@dataclass(frozen=True, kw_only=True)
class DistillSettings(LoopSettings):
    """Settings of `calovox distill`; the ranges of energy and eta are the teacher's."""

    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN", exists=True, file_okay=False, help="Run folder of the teacher."
        ),
        FileIn(),
    ]
    teaching: TeachingOptions = field(default_factory=TeachingOptions)
    compile: Compile = False


def distill(settings: DistillSettings, job: Job) -> str:
    """Make a model of one or a few evaluations from a CaloDiT-2 or CaloCFM.

    A run that was stopped goes on with the same command; a finished one is replaced with --force.
    """
    return train_with_progress("distill", settings, _task(settings), job)


def _task(settings: DistillSettings) -> "Task":
    from calovox.training.tasks import distillation_task

    return distillation_task(
        settings.run, settings.teaching, compiled=settings.compile, **task_arguments(settings)
    )


DISTILL = make_command(
    "distill",
    DistillSettings,
    distill,
    example=_EXAMPLE,
    preview=preview_training(_task),
    continues=True,
)
