"""From the settings of what trains to the training: needs torch."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import typer

from calovox import __version__
from calovox.cli.command import Job
from calovox.cli.progress import Advance, progress_of
from calovox.cli.settings import parse_range, resolved_settings, settings_text
from calovox.cli.train_settings import (
    AnyTrainSettings,
    LoopSettings,
    Precision,
    TrainCfmSettings,
    TrainGanSettings,
    TrainInnSettings,
)
from calovox.files.whole import whole_file
from calovox.models.shapes.dit import CaloDiT
from calovox.training.data.showers import ShowerFiles
from calovox.training.devices import Fabric, limited_threads, make_fabric
from calovox.training.observer import Observer
from calovox.training.recipe import Recipe
from calovox.training.runs.folder import CONFIG
from calovox.training.runs.state import RunState, Step
from calovox.training.sizes.gan import GanRules, GanSizes
from calovox.training.sizes.kinds import InnSizes, MakeModel, Sizes
from calovox.training.sizes.shapes import CfmSizes, DitSizes
from calovox.training.task import Task, describe_task, run_task
from calovox.training.throughput import RateMeter
from calovox.units import parse_quantity

__all__ = ["describe_loop", "describe_training", "run_loop", "run_training", "settings_to_recipe"]


def run_training(settings: AnyTrainSettings, job: Job) -> str:
    """Train, or go on with it.

    Args:
        settings: Settings of the command.
        job: This call of it.

    Returns:
        One line that sums up the result.

    Raises:
        ValueError: If settings or data do not fit, or a loss is not finite.
    """
    task = settings_to_task(settings)
    return run_loop(f"train {task.sizes.kind}", settings, task, job, _precision(settings))


def run_loop(name: str, settings: LoopSettings, task: Task, job: Job, precision: Precision) -> str:
    """Train with a run folder, or go on with it.

    Args:
        name: The command.
        settings: Its settings.
        task: What to do.
        job: This call of the command.
        precision: Numbers of the networks.

    Returns:
        One line that sums up the result.

    Raises:
        ValueError: If settings or data do not fit, or a loss is not finite.
    """
    limit, meter = settings.stop_after, RateMeter()
    with _fabric(settings, precision) as fabric:
        try:
            record = run_task(
                task,
                settings.output,
                fabric=fabric,
                config=resolved_settings(settings, settings.output),
                overwrite=job.overwrite,
                stop_after=math.inf if limit is None else _time_limit(limit),
                observers=[_SettingsWriter(name, settings), _Progress(), meter],
            )
            rate = meter.measure()
        except FloatingPointError as error:
            raise ValueError(str(error)) from error
    metrics = "".join(f", {name} {value:.4g}" for name, value in record.metrics.items())
    speed = "" if rate is None else f"; {rate}"
    return f"{settings.output}: {record.step} of {record.n_steps} steps{metrics}{speed}"


def describe_training(settings: AnyTrainSettings) -> list[str]:
    """Say what would be trained, and how long it takes; does a few steps for that.

    Args:
        settings: Settings of the command.

    Returns:
        Lines for a reader.
    """
    return describe_loop(settings, settings_to_task(settings), _precision(settings))


def describe_loop(settings: LoopSettings, task: Task, precision: Precision) -> list[str]:
    """Say what a loop would do, and how long it takes; does a few steps for that.

    Args:
        settings: Settings of the command.
        task: What would be done.
        precision: Numbers of the networks.

    Returns:
        Lines for a reader.
    """
    with _fabric(settings, precision) as fabric:
        return describe_task(task, fabric=fabric)


def settings_to_task(settings: AnyTrainSettings) -> Task:
    """Translate settings of the command.

    Args:
        settings: Settings of the command.

    Returns:
        What is to be trained, with what, how.
    """
    energy = settings.energy
    sizes, make = _sizes(settings)
    common = settings_to_recipe(settings)
    if isinstance(settings, TrainGanSettings):
        betas = (settings.beta1, common["recipe"].betas[1])
        common["recipe"] = replace(common["recipe"], betas=betas, choose_by="chi2")
    return Task(
        sizes=sizes,
        make=make,
        eta_range=parse_range("--eta", settings.eta, None),
        energy_range=None if energy is None else parse_range("--energy", energy, "energy"),
        pretrained=settings.pretrained,
        **common,
    )


def settings_to_recipe(settings: LoopSettings) -> dict[str, Any]:
    """Translate what all commands that train have in common.

    Args:
        settings: Settings of the command.

    Returns:
        Arguments of `Task`.
    """
    return {
        "data": tuple(settings.data),
        "validation": tuple(settings.validation or ()),
        "batch_size": settings.batch_size,
        "n_steps": settings.steps,
        "n_epochs": None if settings.steps is not None else settings.epochs,
        "reflect": settings.reflect,
        "recipe": Recipe(
            n_steps=1,  # found from the data
            max_learning_rate=settings.max_learning_rate,
            start_division=settings.start_division,
            end_division=settings.end_division,
            rising=settings.rising,
            weight_decay=settings.weight_decay,
            max_gradient=math.inf if settings.max_gradient is None else settings.max_gradient,
            averaging=settings.averaging,
            seed=settings.seed,
        ),
        "buffer_size": settings.buffer_size,
        "validate_every": settings.validate_every,
        "checkpoint_every": settings.checkpoint_every,
        "log_every": settings.log_every,
    }


@contextmanager
def _fabric(settings: LoopSettings, precision: Precision) -> Iterator[Fabric]:
    with limited_threads(settings.threads):
        fabric = make_fabric(settings.accelerator, devices=settings.devices, precision=precision)
        if isinstance(settings, TrainGanSettings) and fabric.world_size > 1:
            raise ValueError(
                f"train gan: expected one process, got {fabric.world_size}: train slices of |eta| "
                "side by side instead"
            )
        yield fabric


def _precision(settings: AnyTrainSettings) -> Precision:
    if isinstance(settings, TrainInnSettings | TrainGanSettings):
        return "32-true"
    return settings.precision


def _sizes(settings: AnyTrainSettings) -> tuple[Sizes, MakeModel]:
    if isinstance(settings, TrainInnSettings):
        inn = InnSizes(
            n_blocks=settings.blocks,
            width=settings.width,
            n_bins=settings.bins,
            spread_eta=settings.spread_eta,
        )
        return inn, inn.fitted
    if isinstance(settings, TrainCfmSettings):
        cfm = CfmSizes(
            width=settings.width,
            layer_weighting=settings.layer_weighting,
            voxels=settings.voxels,
            preconditioned=settings.preconditioned,
            path=settings.path,
            solver=settings.solver,
            solver_steps=settings.solver_steps,
        )
        return cfm, cfm.fitted
    if isinstance(settings, TrainGanSettings):
        gan = GanSizes(latent=settings.latent)
        rules = GanRules(gan, settings.critic_width, settings.critic_turns, settings.penalty)
        return gan, rules.make
    dit = DitSizes(
        tokens=settings.tokens,
        width=settings.width,
        heads=settings.heads,
        blocks=settings.blocks,
        conditions=settings.conditions,
        voxels=settings.voxels,
        path=settings.path,
        solver=settings.solver,
        solver_steps=settings.solver_steps,
    )
    return dit, _compiled(dit) if settings.compile else dit.fitted


def _compiled(sizes: DitSizes) -> MakeModel:
    def make(files: ShowerFiles, *, seed: int, reflect: bool) -> CaloDiT:
        model = sizes.fitted(files, seed=seed, reflect=reflect)
        model.network.compile()
        return model

    return make


class _SettingsWriter(Observer):
    """Stores all settings in the run folder; the file repeats the run."""

    def __init__(self, name: str, settings: LoopSettings) -> None:
        self._name = name
        self._settings = settings

    def start(self, run: RunState) -> None:
        folder = self._settings.output
        text = settings_text(resolved_settings(self._settings, folder))
        with whole_file(folder / CONFIG, overwrite=True) as partial:
            partial.write_text(f"# calovox {__version__}, {self._name}\n{text}")


class _Progress(Observer):
    """Shows loss, rate and time left."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._advance: Advance | None = None
        self._note = ""

    def start(self, run: RunState) -> None:
        for path in run.damaged:
            typer.echo(f"{path} is damaged: going on from step {run.step}", err=True)
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
    if limit <= 0.0:
        raise ValueError(f"--stop-after: expected more than 0, got '{text}'")
    return limit
