"""`calovox distill`: a trained diffusion or flow model becomes one of few evaluations."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.settings import FileIn
from calovox.cli.train_settings import Compile, LoopSettings, Precision

if TYPE_CHECKING:
    from calovox.training.task import Task

__all__ = ["DISTILL", "DistillSettings", "distill", "preview_distillation"]

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
    evaluations: Annotated[
        int, typer.Option(min=1, help="Evaluations of the network per shower: 1, 2, 4.")
    ] = 1
    levels: Annotated[
        int,
        typer.Option(min=2, help="Levels between noise and data, per evaluation; 2: end to end."),
    ] = 32
    spacing: Annotated[
        Literal["angles", "karras"],
        typer.Option(help="Levels in equal angles, or as the note has them."),
    ] = "angles"
    teacher_steps: Annotated[
        int, typer.Option(min=1, help="Steps of the teacher from one level to the next.")
    ] = 1
    decay: Annotated[
        float, typer.Option(min=0.0, help="Decay of the average that is the target.")
    ] = 0.95
    precision: Precision = "32-true"
    compile: Compile = False


def distill(settings: DistillSettings, job: Job) -> str:
    """Make a model of one or a few evaluations from a CaloDiT-2 or CaloCFM.

    A run that was stopped goes on with the same command; a finished one is replaced with --force.
    """
    from calovox.cli.train_run import run_loop

    return run_loop("distill", settings, _task(settings), job, settings.precision)


def preview_distillation(settings: DistillSettings) -> list[str]:
    """Say what would be trained, and how long it takes.

    Args:
        settings: Settings of the command.

    Returns:
        Lines for a reader.
    """
    from calovox.cli.train_run import describe_loop

    return describe_loop(settings, _task(settings), settings.precision)


def _task(settings: DistillSettings) -> "Task":
    from calovox.cli.train_run import settings_to_recipe
    from calovox.training.distillation import read_teacher
    from calovox.training.task import Task

    teacher = read_teacher(
        settings.run,
        n_evaluations=settings.evaluations,
        n_levels=settings.levels,
        spacing=settings.spacing,
        n_steps=settings.teacher_steps,
        decay=settings.decay,
        compiled=settings.compile,
    )
    return Task(
        sizes=teacher.sizes,
        make=teacher.make,
        eta_range=teacher.eta_range,
        energy_range=teacher.energy_range,
        **settings_to_recipe(settings),
    )


DISTILL = make_command(
    "distill",
    DistillSettings,
    distill,
    example=_EXAMPLE,
    preview=preview_distillation,
    continues=True,
)
