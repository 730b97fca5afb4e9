"""`calovox correct`: an exported model learns from showers of Geant4 what it has wrong."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.commands.train.networks import (
    LoopSettings,
    preview_training,
    range_arguments,
    task_arguments,
    train_with_progress,
)
from calovox.cli.settings import ModelIn
from calovox.training.sizes.options import CorrectionOptions

if TYPE_CHECKING:
    from calovox.training.task import Task

__all__ = ["CORRECT", "CorrectSettings", "correct"]

_EXAMPLE = (
    "calovox correct calodit --eta 0:0.7 --config configs/correct_2core.toml --data geant4.h5 "
    "--validation validation.h5 -o correction"
)


@dataclass(frozen=True, kw_only=True)
class CorrectSettings(LoopSettings):
    """Settings of `calovox correct`."""

    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="An exported model: its folder, or a shipped one."),
        ModelIn(),
    ]
    eta: Annotated[
        str,
        typer.Option(metavar="LOW:HIGH", help="Range of |eta| of the file that is corrected."),
    ] = "0:1.35"
    energy: Annotated[
        str | None,
        typer.Option(metavar="LOW:HIGH", help="Take showers of these energies, 1GeV:100GeV."),
    ] = None
    options: CorrectionOptions = field(default_factory=CorrectionOptions)


def correct(settings: CorrectSettings, job: Job) -> str:
    """Train an exported model further, with showers of Geant4 and a critic that compares.

    The showers lie on the grid of the model, without phi modulation. `calovox export MODEL
    --correction RUN` then writes the corrected model. A run that was stopped goes on with the
    same command; a finished one is replaced with --force.
    """
    return train_with_progress("correct", settings, _task(settings), job)


def _task(settings: CorrectSettings) -> "Task":
    from calovox.export.correction.task import correction_task
    from calovox.export.runs import find_exported

    exported = find_exported([settings.model])
    if exported is None:
        raise ValueError(f"MODEL: expected an exported model, got {settings.model}")
    return correction_task(
        exported,
        settings.options,
        **range_arguments(settings.eta, settings.energy),
        **task_arguments(settings),
    )


CORRECT = make_command(
    "correct",
    CorrectSettings,
    correct,
    example=_EXAMPLE,
    preview=preview_training(_task),
    continues=True,
)
