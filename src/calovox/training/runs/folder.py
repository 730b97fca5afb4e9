"""The run folder: what a training leaves behind, whole at any moment.

| file | content |
| --- | --- |
| `config.toml` | all settings of the command |
| `run.json` | kind and sizes of the model, grid, ranges, data, steps, metrics |
| `weights.safetensors` | weights, averaged if averaging was on, and the standardisations |
| `checkpoint.pt` | everything that is needed to go on; `checkpoint.previous.pt`: the one before |
| `metrics.csv`, `events.*` | the course of the training, also for TensorBoard |

A run that replaces another one (`replace_run`) puts its files into `.replaced` in the folder, and
removes them when the new run has its first checkpoint. Without one, they come back.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file, save
from torch import Tensor, nn

from calovox import __version__
from calovox.files.damage import reading
from calovox.files.whole import sync_parent, whole_file
from calovox.geometry.barrel import BARREL_LAYERS
from calovox.training.sizes.kinds import AnyModel, read_sizes
from calovox.training.sizes.shapes import ModelKind
from calovox.voxelization import VoxelGrid

__all__ = [
    "CHECKPOINT",
    "CONFIG",
    "RECORD",
    "RunFileError",
    "RunRecord",
    "TrainedModel",
    "check_same_data",
    "forget_replaced",
    "grid_to_json",
    "json_to_grid",
    "prepare_folder",
    "read_record",
    "read_run",
    "read_weights",
    "replace_run",
    "write_record",
    "write_weights",
]

FORMAT = "calovox run"
VERSION = 1

CHECKPOINT = "checkpoint.pt"
CONFIG = "config.toml"
RECORD = "run.json"
WEIGHTS = "weights.safetensors"
_BARREL = {layer.name: layer.number for layer in BARREL_LAYERS}
_REPLACED = ".replaced"
_OURS = ("checkpoint*.pt", CONFIG, RECORD, WEIGHTS, "metrics.csv", "events.*")


@dataclass(frozen=True)
class RunRecord:
    """What `run.json` holds.

    Attributes:
        kind: Kind of the model.
        sizes: Sizes of its network.
        grid: Edges of the voxels, as `grid_to_json` writes them.
        energy_range: Lowest and highest kinetic energy the model is for, MeV.
        eta_range: The same of abs(eta).
        recipe: All settings.
        data: Files of training and validation.
        n_steps: Steps of the whole training.
        step: Steps that have been done.
        metrics: Result of the last validation.
    """

    kind: ModelKind
    sizes: dict[str, Any]
    grid: dict[str, Any]
    energy_range: tuple[float, float]
    eta_range: tuple[float, float]
    recipe: dict[str, Any]
    data: dict[str, Any]
    n_steps: int
    step: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


class RunFileError(ValueError):
    """A run folder whose files cannot be used, and why."""


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model from a run folder.

    Attributes:
        kind: Kind of the model.
        model: The model, on the CPU, ready to sample.
        grid: Its voxels.
        energy_range: Lowest and highest kinetic energy it was trained for, MeV.
        eta_range: The same of abs(eta).
        recipe: All settings of its training.
        data: Files of training and validation: names, sha256, numbers of showers, provenance.
        metrics: Result of the last validation.
    """

    kind: ModelKind
    model: AnyModel
    grid: VoxelGrid
    energy_range: tuple[float, float]
    eta_range: tuple[float, float]
    recipe: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, float]


def read_run(folder: Path) -> TrainedModel:
    """Read the model of a run, finished or not.

    Args:
        folder: The run folder.

    Returns:
        The model and what it was trained with.

    Raises:
        ValueError: If the folder is no run folder, one of a model that has changed since, or has
            weights that are not finite.
        FileNotFoundError: If there are no weights yet.
    """
    record = read_record(folder)
    weights = read_weights(folder)
    with reading(folder / RECORD, RunFileError):
        grid = json_to_grid(record.grid)
        sizes = read_sizes(record.kind, record.sizes)
        _check_counts(record.sizes, weights)
        model = sizes.build(grid)
    expected = {name: values.shape for name, values in model.state_dict().items()}
    found = {name: values.shape for name, values in weights.items()}
    if found != expected:
        wrong = ", ".join(sorted({name for name, _ in found.items() ^ expected.items()})[:3])
        raise ValueError(
            f"{folder}: expected a {record.kind} of this version, got other numbers in {wrong}: "
            "train again, with --pretrained to start from its network"
        )
    model.load_state_dict(weights)
    model.eval()
    return TrainedModel(
        record.kind,
        model,
        grid,
        record.energy_range,
        record.eta_range,
        record.recipe,
        record.data,
        record.metrics,
    )


def _check_counts(sizes: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
    """Refuse sizes far beyond the weights, before memory is taken for a model of these sizes."""
    largest = max([1000, len(weights), *(n for values in weights.values() for n in values.shape)])
    for name, entry in sizes.items():
        if isinstance(entry, Mapping):
            _check_counts(entry, weights)
            continue
        for number in entry if isinstance(entry, list | tuple) else [entry]:
            if isinstance(number, int) and number > largest:
                raise ValueError(
                    f"expected `{name}` of at most {largest}, as the weights have it, got {number}"
                )


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read the weights of a run, finished or not.

    Args:
        folder: The run folder.

    Returns:
        All numbers of the model by name.

    Raises:
        FileNotFoundError: If there are no weights yet.
        RunFileError: If they are damaged.
        ValueError: If one of them is not finite.
    """
    if not (folder / WEIGHTS).is_file():
        raise FileNotFoundError(f"{folder} has no weights yet: continue its training first")
    with reading(folder / WEIGHTS, RunFileError):
        weights: dict[str, Tensor] = load_file(folder / WEIGHTS)
    for name, values in weights.items():
        wrong = values[~values.isfinite()]
        if len(wrong):
            raise ValueError(
                f"{folder / WEIGHTS}: expected finite weights, got {wrong[0].item()} in {name}: "
                "train again, with a lower learning rate"
            )
    return weights


def read_record(folder: Path) -> RunRecord:
    """Read `run.json`.

    Args:
        folder: The run folder.

    Returns:
        Its content.

    Raises:
        RunFileError: If the folder has no such file, a damaged one, or one of another version.
    """
    try:
        values = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise RunFileError(f"{folder} is no run folder: it has no readable {RECORD}") from None
    with reading(folder / RECORD, RunFileError):
        if values.pop("format", None) != FORMAT or values.pop("version", None) != VERSION:
            raise RunFileError(f"{folder / RECORD}: expected '{FORMAT}' of version {VERSION}")
        values.pop("program", None)
        for name in ("energy_range", "eta_range"):
            values[name] = tuple(values[name])
        for name in ("step", "n_steps"):
            if type(values.get(name, 0)) is not int:
                raise ValueError(f"expected a whole number as `{name}`, got {values.get(name)!r}")
        return RunRecord(**values)


def write_record(folder: Path, record: RunRecord) -> None:
    """Write `run.json`.

    Args:
        folder: The run folder.
        record: Its content.
    """
    with whole_file(folder / RECORD, overwrite=True) as partial:
        program = f"calovox {__version__}"
        values = {"format": FORMAT, "version": VERSION, "program": program} | asdict(record)
        partial.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def write_weights(folder: Path, model: nn.Module) -> None:
    """Write weights and standardisations.

    Args:
        folder: The run folder.
        model: The model, with the weights that are the result.
    """
    state = {
        name: values.detach().cpu().contiguous() for name, values in model.state_dict().items()
    }
    with whole_file(folder / WEIGHTS, overwrite=True) as partial:
        partial.write_bytes(save(state))


def check_same_data(before: RunRecord, now: RunRecord) -> None:
    """Refuse to go on with other showers.

    Args:
        before: What the run folder says.
        now: What it would say.

    Raises:
        ValueError: If files or ranges differ.
    """
    for name in ("data", "eta_range", "energy_range", "grid"):
        if getattr(before, name) != getattr(now, name):
            raise ValueError(
                f"the run was started with another {name.replace('_', ' ')}: use the same again, "
                "or start anew with --force"
            )


def prepare_folder(folder: Path, *, overwrite: bool) -> None:
    """Make a run folder, or find out whether one can be continued; a run in it stays.

    Args:
        folder: The run folder.
        overwrite: Whether a finished run may be replaced.

    Raises:
        FileExistsError: If it holds other things, or a finished run that may not be replaced.
    """
    if folder.is_dir():
        _restore(folder)
    if folder.exists() and (not folder.is_dir() or _holds_no_run(folder)):
        raise FileExistsError(f"{folder} exists and is no run folder: choose another output")
    folder.mkdir(exist_ok=True)
    _remove_torn(folder)
    if not overwrite and (folder / RECORD).exists():
        record = read_record(folder)
        if record.step >= record.n_steps:
            raise FileExistsError(
                f"{folder} holds a finished run of {record.n_steps} steps: choose another output "
                "or replace it with --force"
            )


@contextmanager
def replace_run(folder: Path) -> Iterator[None]:
    """Put the run of a folder aside, and back if no new one got as far as its first checkpoint.

    Args:
        folder: The run folder; other files in it stay where they are.
    """
    (folder / _REPLACED).mkdir(exist_ok=True)
    _move_run(folder, folder / _REPLACED)
    try:
        yield
    finally:
        _restore(folder)


def forget_replaced(folder: Path) -> None:
    """Remove the run that was put aside, now that the new one can be continued.

    Args:
        folder: The run folder.
    """
    shutil.rmtree(folder / _REPLACED, ignore_errors=True)


def _restore(folder: Path) -> None:
    """Bring a run back that was put aside for one that got nowhere."""
    aside = folder / _REPLACED
    if not aside.is_dir():
        return
    if (folder / CHECKPOINT).exists():
        forget_replaced(folder)
        return
    if (aside / RECORD).exists():  # all of it was put aside: what is here is of the new run
        for path in _run_files(folder):
            path.unlink()
    _move_run(aside, folder)
    aside.rmdir()


def _move_run(source: Path, target: Path) -> None:
    """Move a run; its record goes last, so that where it is, all else is."""
    for path in sorted(_run_files(source), key=lambda path: path.name == RECORD):
        path.rename(target / path.name)
    sync_parent(target / RECORD)
    sync_parent(source / RECORD)


def _run_files(folder: Path) -> list[Path]:
    return [path for pattern in _OURS for path in folder.glob(pattern)]


def _remove_torn(folder: Path) -> None:
    """Remove files without content, which a power cut leaves; the run writes them anew."""
    for name in (CONFIG, RECORD, WEIGHTS, "metrics.csv"):
        path = folder / name
        if path.is_file() and not path.read_bytes().strip(b"\0"):
            path.unlink()


def grid_to_json(grid: VoxelGrid) -> dict[str, Any]:
    """Convert a grid to plain values.

    Args:
        grid: The grid.

    Returns:
        Its name, the edges of its voxels by layer, and, unless they are those of the built-in
        barrel, the numbers of the layers by name.
    """
    edges = {
        name: [getattr(grid, name)[grid.layer_slice(layer)].tolist() for layer in grid.numbers]
        for name in ("alpha_min", "alpha_max", "r_min", "r_max")
    }
    layers = dict(zip(grid.layer_names, grid.numbers, strict=True))
    return {"name": grid.name, **({} if layers == _BARREL else {"layers": layers}), **edges}


def json_to_grid(values: Mapping[str, Any]) -> VoxelGrid:
    """Make a grid from plain values.

    Args:
        values: What `grid_to_json` gave.

    Returns:
        The grid, with the same voxels in the same order.
    """
    alpha_min, alpha_max, r_min, r_max = (
        [np.array(layer) for layer in values[name]]
        for name in ("alpha_min", "alpha_max", "r_min", "r_max")
    )
    layers = values.get("layers", _BARREL)
    return VoxelGrid.from_arrays(
        alpha_min,
        [high - low for low, high in zip(alpha_min, alpha_max, strict=True)],
        r_min,
        [high - low for low, high in zip(r_min, r_max, strict=True)],
        numbers=[int(number) for number in layers.values()],
        name=values["name"],
        names=tuple(layers),
    )


def _holds_no_run(folder: Path) -> bool:
    others = [path for path in folder.iterdir() if not path.name.endswith(".partial")]
    return bool(others) and not (folder / RECORD).exists()
