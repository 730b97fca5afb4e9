"""`calovox train`: datasets become a trained model, in a run folder."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.options import Group
from calovox.cli.settings import FileIn, FileOut, Seed, parse_range
from calovox.cli.values import resolved_settings
from calovox.training.recipe import GAN_RECIPE, Batches, Hardware, Pauses, Recipe
from calovox.training.sizes.options import (
    CfmOptions,
    CriticOptions,
    DitOptions,
    GanOptions,
    InnOptions,
)

if TYPE_CHECKING:
    from calovox.training.task import Task

__all__ = [
    "CFM",
    "DIT",
    "GAN",
    "INN",
    "Compile",
    "LoopSettings",
    "TrainCfmSettings",
    "TrainDitSettings",
    "TrainGanSettings",
    "TrainInnSettings",
    "TrainSettings",
    "photon_arguments",
    "preview_training",
    "range_arguments",
    "task_arguments",
    "train_cfm",
    "train_dit",
    "train_gan",
    "train_inn",
    "train_with_progress",
]

_FILES = "--data train.h5 --validation validation.h5 --eta 0:0.7"
_INN_EXAMPLE = f"calovox train inn --config configs/inn_2core.toml {_FILES} -o inn"
_CFM_EXAMPLE = f"calovox train cfm --config configs/cfm_small_2core.toml {_FILES} -o cfm"
_DIT_EXAMPLE = f"calovox train dit --config configs/dit_2core.toml {_FILES} -o dit"
_GAN_EXAMPLE = (
    "calovox train gan --config configs/gan_2core.toml --data train.h5 "
    "--validation validation.h5 --eta 0.2:0.25 -o gan_020"
)

_SINGLE = Group(without=("precision",))
"""For models that are trained with 32 bits."""

_COMMON = Group(without=("n_steps", "betas", "choose_by", "seed"))

Compile = Annotated[
    bool,
    typer.Option(help="Compile the network, on a CPU by g++: worth its minutes for long runs."),
]


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """Settings of everything that trains."""

    output: Annotated[Path, typer.Option("--output", "-o", help="Run folder."), FileOut()]
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="Dataset to train with; repeatable."
        ),
        FileIn(),
    ]
    validation: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="Dataset to judge with; repeatable."
        ),
        FileIn(),
    ] = None
    batches: Batches = field(default_factory=Batches)
    recipe: Annotated[Recipe, _COMMON] = field(default_factory=lambda: Recipe(n_steps=1))
    pauses: Pauses = field(default_factory=Pauses)
    stop_after: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Pause after 20min or 2h; the same command goes on."),
    ] = None
    hardware: Hardware = field(default_factory=Hardware)
    seed: Seed = 1


@dataclass(frozen=True, kw_only=True)
class TrainSettings(LoopSettings):
    """Settings of every `calovox train`."""

    eta: Annotated[
        str,
        typer.Option(metavar="LOW:HIGH", help="Take showers with |eta| from LOW to below HIGH."),
    ] = "0:1.35"
    energy: Annotated[
        str | None,
        typer.Option(
            metavar="LOW:HIGH",
            help="Energies that the model is for, 256MeV:524.288GeV; by default all of the data.",
        ),
    ] = None
    pretrained: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            exists=True,
            file_okay=False,
            help="Run of the same sizes whose network is trained further (fine-tuning).",
        ),
        FileIn(),
    ] = None


@dataclass(frozen=True, kw_only=True)
class TrainInnSettings(TrainSettings):
    """Settings of `calovox train inn`."""

    hardware: Annotated[Hardware, _SINGLE] = field(default_factory=Hardware)
    sizes: Annotated[InnOptions, Group(renamed=(("n_blocks", "blocks"), ("n_bins", "bins")))] = (
        field(default_factory=InnOptions)
    )


@dataclass(frozen=True, kw_only=True)
class TrainCfmSettings(TrainSettings):
    """Settings of `calovox train cfm`."""

    sizes: CfmOptions = field(default_factory=CfmOptions)


@dataclass(frozen=True, kw_only=True)
class TrainDitSettings(TrainSettings):
    """Settings of `calovox train dit`."""

    sizes: DitOptions = field(default_factory=DitOptions)
    compile: Compile = False


@dataclass(frozen=True, kw_only=True)
class TrainGanSettings(TrainSettings):
    """Settings of `calovox train gan`."""

    batches: Batches = field(default_factory=lambda: Batches(batch_size=128))
    recipe: Annotated[Recipe, _COMMON] = GAN_RECIPE
    hardware: Annotated[Hardware, _SINGLE] = field(default_factory=Hardware)
    sizes: Annotated[GanOptions, Group(without=("widths",))] = field(default_factory=GanOptions)
    critic: CriticOptions = field(default_factory=CriticOptions)
    beta1: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Decay of the mean gradient in Adam.")
    ] = GAN_RECIPE.betas[0]


def train_inn(settings: TrainInnSettings, job: Job) -> str:
    """Train CaloINN, the energies of the layers.

    A run that was stopped goes on with the same command; a finished one is replaced with --force.
    """
    return train_with_progress("train inn", settings, _model_task(settings), job)


def train_cfm(settings: TrainCfmSettings, job: Job) -> str:
    """Train CaloCFM, the shares of the voxels.

    A run that was stopped goes on with the same command; a finished one is replaced with --force.
    """
    return train_with_progress("train cfm", settings, _model_task(settings), job)


def train_dit(settings: TrainDitSettings, job: Job) -> str:
    """Train CaloDiT-2, the shares of the voxels.

    A run that was stopped goes on with the same command; a finished one is replaced with --force.
    """
    return train_with_progress("train dit", settings, _model_task(settings), job)


def train_gan(settings: TrainGanSettings, job: Job) -> str:
    """Train FastCaloGAN, energies of layers and voxels together, for one slice of |eta|.

    Every step is one of the critic or of the generator. The weights with the lowest chi2 of E_tot
    in the validation are the result. A run that was stopped goes on with the same command; a
    finished one is replaced with --force.
    """
    return train_with_progress("train gan", settings, _gan_task(settings), job)


def train_with_progress(name: str, settings: LoopSettings, task: "Task", job: Job) -> str:
    """Train with a run folder, or go on with it; needs torch.

    Args:
        name: The command.
        settings: Its settings.
        task: What to do.
        job: This call of the command.

    Returns:
        One line that sums up the result.
    """
    from calovox.cli.commands.train.run import run_loop

    return run_loop(
        name,
        task,
        job,
        output=settings.output,
        hardware=settings.hardware,
        stop_after=settings.stop_after,
        values=resolved_settings(settings, settings.output),
    )


def preview_training(
    make_task: "Callable[[Any], Task]",
) -> Callable[[Any], list[str]]:
    """Give what says, for a dry run, what would be trained, and how long it takes.

    Args:
        make_task: Makes the task of settings.

    Returns:
        From settings to lines for a reader.
    """

    def preview(settings: Any) -> list[str]:
        from calovox.training.training import describe_training

        return describe_training(make_task(settings), hardware=settings.hardware)

    return preview


def task_arguments(settings: LoopSettings) -> dict[str, Any]:
    """Give what all trainings have in common.

    Args:
        settings: Settings of the command.

    Returns:
        Arguments of `Task`.
    """
    return {
        "data": tuple(settings.data),
        "validation": tuple(settings.validation or ()),
        "batches": settings.batches,
        "recipe": replace(settings.recipe, seed=settings.seed),
        "pauses": settings.pauses,
    }


def photon_arguments(settings: TrainSettings) -> dict[str, Any]:
    """Give what all models that are trained have in common: for which photons, and the start.

    Args:
        settings: Settings of the command.

    Returns:
        Arguments of `Task`.
    """
    return range_arguments(settings.eta, settings.energy) | {"pretrained": settings.pretrained}


def range_arguments(eta: str, energy: str | None) -> dict[str, Any]:
    """Read the ranges of a training.

    Args:
        eta: Value of `--eta`.
        energy: Value of `--energy`; None if it was not given.

    Returns:
        Arguments of `Task`.
    """
    return {
        "eta_range": parse_range("--eta", eta, None),
        "energy_range": None if energy is None else parse_range("--energy", energy, "energy"),
    }


def _model_task(settings: TrainInnSettings | TrainCfmSettings | TrainDitSettings) -> "Task":
    from calovox.training.tasks import model_task

    return model_task(
        settings.sizes,
        compiled=isinstance(settings, TrainDitSettings) and settings.compile,
        **task_arguments(settings),
        **photon_arguments(settings),
    )


def _gan_task(settings: TrainGanSettings) -> "Task":
    from calovox.training.tasks import gan_task

    common = task_arguments(settings)
    recipe = common.pop("recipe")
    betas = (settings.beta1, recipe.betas[1])
    return gan_task(
        settings.sizes,
        settings.critic,
        recipe=replace(recipe, betas=betas),
        **common,
        **photon_arguments(settings),
    )


INN = make_command(
    "inn",
    TrainInnSettings,
    train_inn,
    example=_INN_EXAMPLE,
    preview=preview_training(_model_task),
    continues=True,
)
CFM = make_command(
    "cfm",
    TrainCfmSettings,
    train_cfm,
    example=_CFM_EXAMPLE,
    preview=preview_training(_model_task),
    continues=True,
)
DIT = make_command(
    "dit",
    TrainDitSettings,
    train_dit,
    example=_DIT_EXAMPLE,
    preview=preview_training(_model_task),
    continues=True,
)
GAN = make_command(
    "gan",
    TrainGanSettings,
    train_gan,
    example=_GAN_EXAMPLE,
    preview=preview_training(_gan_task),
    continues=True,
)
