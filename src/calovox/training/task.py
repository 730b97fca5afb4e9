"""A training from datasets to a run folder."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from lightning_fabric import Fabric
from torch import nn

from calovox.dataset import DatasetReader
from calovox.files.whole import file_hash
from calovox.training.data.showers import ShowerFiles
from calovox.training.data.stream import ShowerStream
from calovox.training.loop import train
from calovox.training.observer import Observer
from calovox.training.recipe import Batches, Pauses, Recipe
from calovox.training.runs.folder import CHECKPOINT, forget_replaced, prepare_folder, replace_run
from calovox.training.runs.logs import TrainingLog
from calovox.training.runs.model import write_weights
from calovox.training.runs.pretraining import take_network
from calovox.training.runs.record import (
    RECORD,
    RunRecord,
    check_same_data,
    grid_to_json,
    read_record,
    write_record,
)
from calovox.training.runs.state import RunState
from calovox.training.sizes.kinds import MakeModel, Sizes
from calovox.training.validation import Validation
from calovox.units import format_energy

__all__ = [
    "Preparation",
    "Task",
    "Teaching",
    "prepare_task",
    "run_task",
]

_ENERGY_MARGIN = 1.1
"""How far beyond the energies of the training showers a model may be said to be good, a factor."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What to train, with what, how.

    Attributes:
        sizes: Kind and sizes of the model that is the result.
        make: Makes what is trained: the model, or a module whose `result` it is.
        data: Datasets to train with.
        eta_range: Lowest abs(eta), and the first that is too high.
        validation: Datasets to judge with; none for no validation.
        energy_range: Lowest and highest kinetic energy in MeV; None for those of the showers.
        pretrained: Run folder whose network is the start; None for random weights.
        correction: Datasets that the model is corrected with, beside those to train with.
        batches: Which showers the steps see.
        recipe: How to train, but for the number of steps.
        pauses: After how many steps it is validated, saved and logged.
    """

    sizes: Sizes
    make: MakeModel
    data: tuple[Path, ...]
    eta_range: tuple[float, float]
    validation: tuple[Path, ...] = ()
    energy_range: tuple[float, float] | None = None
    pretrained: Path | None = None
    correction: tuple[Path, ...] = ()
    batches: Batches = field(default_factory=Batches)
    recipe: Recipe = field(default_factory=lambda: Recipe(n_steps=1))
    pauses: Pauses = field(default_factory=Pauses)

    def __post_init__(self) -> None:
        if self.recipe.choose_by is not None and not self.validation:
            raise ValueError(
                f"training: the weights are chosen by {self.recipe.choose_by} of validation "
                "showers: name some with --validation"
            )

    def open(self, paths: Sequence[Path]) -> ShowerFiles:
        """Open datasets, restricted to the ranges of the task.

        Args:
            paths: Their files.

        Returns:
            Their showers.
        """
        return ShowerFiles(
            [DatasetReader(path, takes_weights=True) for path in paths],
            eta_range=self.eta_range,
            energy_range=self.energy_range or (0.0, math.inf),
        )


@runtime_checkable
class Teaching(Protocol):
    """A module that is trained for the sake of another one, which it holds."""

    @property
    def result(self) -> nn.Module:
        """The model that is kept."""
        ...


@dataclass(frozen=True)
class Preparation:
    """What a training starts from.

    Attributes:
        model: What is trained, as it is at the start.
        stream: Batches of the training showers.
        recipe: The recipe, with the number of steps.
        n_fitted: Showers to which standardisations, tables and bounds are fitted.
    """

    model: nn.Module
    stream: ShowerStream
    recipe: Recipe
    n_fitted: int


def prepare_task(task: Task) -> Preparation:
    """Open the training data and build the model.

    Args:
        task: What to do.

    Returns:
        What the training starts from.

    Raises:
        ValueError: If there are no showers, the energy range reaches far beyond them, or the
            pretrained network is another one.
    """
    files = task.open(task.data)
    _check_energies(task, files)
    seed = task.recipe.seed
    stream = ShowerStream(
        files,
        batch_size=task.batches.batch_size,
        seed=seed,
        reflect=task.batches.reflect,
        buffer_size=task.batches.buffer_size,
    )
    n_steps = task.batches.steps or task.batches.epochs * stream.n_batches
    fitted = files.drawn(seed).for_fits(seed)
    model = task.make(fitted, seed=seed, reflect=task.batches.reflect)
    if task.pretrained is not None:
        result = model.result if isinstance(model, Teaching) else model
        take_network(result, task.sizes, files.grid, task.pretrained)
    return Preparation(model, stream, replace(task.recipe, n_steps=n_steps), len(fitted))


def run_task(
    task: Task,
    folder: Path,
    *,
    fabric: Fabric,
    config: dict[str, Any],
    overwrite: bool = False,
    stop_after: float = math.inf,
    observers: Sequence[Observer] = (),
) -> RunRecord:
    """Train, or go on with a training that was interrupted.

    Args:
        task: What to do.
        folder: The run folder.
        fabric: Devices and precision.
        config: All settings, to be stored.
        overwrite: Whether to start anew where there is a run already; it stays until the new one
            has its first checkpoint.
        stop_after: Time in s after which to stop; the same call goes on.
        observers: Who is told what happens.

    Returns:
        What the run folder says at the end.

    Raises:
        FileExistsError: If the folder holds a finished run that may not be replaced.
        ValueError: If data or recipe are not those of the run to be continued.
    """
    if fabric.is_global_zero:
        prepare_folder(folder, overwrite=overwrite)
    fabric.barrier()
    with ExitStack() as stack:
        if fabric.is_global_zero:
            stack.callback(_remove_if_empty, folder)
        start = prepare_task(task)
        validation = Validation(task.open(task.validation)) if task.validation else None
        record = _record(task, start, validation, config)
        if overwrite and fabric.is_global_zero:
            stack.enter_context(replace_run(folder))
        fabric.barrier()
        run = train(
            start.model,
            start.stream,
            start.recipe,
            fabric=fabric,
            checkpoint=folder / CHECKPOINT,
            checkpoint_every=task.pauses.checkpoint_every,
            validate=validation,
            validate_every=task.pauses.validate_every,
            stop_after=stop_after,
            observers=[
                _FolderKeeper(folder, record),
                TrainingLog(folder, every=task.pauses.log_every),
                *observers,
            ],
        )
    return replace(record, step=run.step, metrics=run.metrics)


class _FolderKeeper(Observer):
    """Keeps record and weights of the run folder up to date."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self._folder = folder
        self._record = record

    def start(self, run: RunState) -> None:
        if (self._folder / RECORD).exists():
            check_same_data(read_record(self._folder), self._record)
        if run.step == run.recipe.n_steps:  # stopped after the last checkpoint, before the weights
            self.save(run)
        else:
            write_record(self._folder, self._at(run))

    def save(self, run: RunState) -> None:
        with run.result() as model:
            result = model.result if isinstance(model, Teaching) else model
            write_weights(self._folder, result)
        write_record(self._folder, self._at(run))
        forget_replaced(self._folder)

    def _at(self, run: RunState) -> RunRecord:
        return replace(self._record, step=run.step, metrics=run.metrics)


def _remove_if_empty(folder: Path) -> None:
    """Leave no folder of a run that never began."""
    if not any(folder.iterdir()):
        folder.rmdir()


def _check_energies(task: Task, files: ShowerFiles) -> None:
    if task.energy_range is None:
        return
    wanted, found = task.energy_range, files.covered_range
    if found[0] > wanted[0] * _ENERGY_MARGIN or found[1] * _ENERGY_MARGIN < wanted[1]:
        raise ValueError(
            f"energy: expected a range that the training showers cover, got "
            f"{format_energy(wanted[0])} to {format_energy(wanted[1])} for showers from "
            f"{format_energy(found[0])} to {format_energy(found[1])}"
        )


def _record(
    task: Task, start: Preparation, validation: Validation | None, config: dict[str, Any]
) -> RunRecord:
    files = start.stream.files
    data = {"training": _describe_files(files)}
    if start.n_fitted < len(files):
        data["training"]["n_fitted"] = start.n_fitted
    if validation is not None:
        data["validation"] = _describe_files(validation.files)
    if task.correction:
        data["correction"] = _describe_files(task.open(task.correction))
    if task.pretrained is not None:
        data["pretraining"] = read_record(task.pretrained).data["training"]
    return RunRecord(
        kind=task.sizes.kind,
        sizes=asdict(task.sizes),
        grid=grid_to_json(files.grid),
        energy_range=task.energy_range or files.energy_range,
        eta_range=task.eta_range,
        recipe=config,
        data=data,
        n_steps=start.recipe.n_steps,
        detector=None if files.detector is None else files.detector.to_dict(),
        particle=files.particle,
    )


def _describe_files(files: ShowerFiles) -> dict[str, Any]:
    entries = [
        {
            "name": reader.path.name,
            "sha256": file_hash(reader.path),
            "n_showers": len(reader),
            "provenance": reader.provenance,
        }
        for reader in files.readers
    ]
    return {"n_showers": len(files), "files": entries}
