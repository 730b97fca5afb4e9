"""`calovox train fast`: simulated showers of a model teach a faster one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.commands.train.networks import (
    TrainSettings,
    photon_arguments,
    preview_training,
    task_arguments,
    train_with_progress,
)
from calovox.cli.options import Group
from calovox.cli.settings import FileIn
from calovox.training.recipe import Batches, Hardware
from calovox.training.sizes.options import FastCriticOptions, FastOptions

if TYPE_CHECKING:
    from calovox.training.task import Task

__all__ = ["FAST", "TrainFastSettings", "train_fast"]

_EXAMPLE = (
    "calovox train fast --config configs/fast_2core.toml --data simulated.h5 "
    "--validation more.h5 -o fast"
)


@dataclass(frozen=True, kw_only=True)
class TrainFastSettings(TrainSettings):
    """Settings of `calovox train fast`."""

    batches: Annotated[Batches, Group(without=("reflect",))] = field(
        default_factory=lambda: Batches(reflect=False)
    )
    hardware: Annotated[Hardware, Group(without=("precision",))] = field(default_factory=Hardware)
    geant4: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Dataset of Geant4 that the critic knows beside the simulated showers; "
            "repeatable.",
        ),
        FileIn(),
    ] = None
    critic: FastCriticOptions = field(default_factory=FastCriticOptions)
    sizes: FastOptions = field(default_factory=FastOptions)


def train_fast(settings: TrainFastSettings, job: Job) -> str:
    """Train CaloFast with showers that another model simulated.

    It learns from the noise of these showers, which follows from their seed: simulate them, and
    those to validate with, as jobs of one run, with --center photon and without --cells. A run
    that was stopped goes on with the same command; a finished one is replaced with --force.

    After a training without, a critic can correct what regression leaves: --critic-steps; and what
    the other model has wrong, with showers of Geant4: --geant4.
    """
    return train_with_progress("train fast", settings, _task(settings), job)


def _task(settings: TrainFastSettings) -> "Task":
    from calovox.training.tasks import fast_task

    return fast_task(
        settings.sizes,
        settings.critic,
        tuple(settings.geant4 or ()),
        **task_arguments(settings),
        **photon_arguments(settings),
    )


FAST = make_command(
    "fast",
    TrainFastSettings,
    train_fast,
    example=_EXAMPLE,
    preview=preview_training(_task),
    continues=True,
)
