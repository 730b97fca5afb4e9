"""The trained model of a run folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from torch import Tensor, nn

from calovox.files.damage import reading
from calovox.files.whole import whole_file
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.photons import Particle
from calovox.training.runs.record import RECORD, RunFileError, json_to_grid, read_record
from calovox.training.sizes.kinds import AnyModel, read_sizes
from calovox.training.sizes.shapes import ModelKind
from calovox.voxelization import VoxelGrid

__all__ = ["WEIGHTS", "TrainedModel", "read_run", "read_weights", "write_weights"]

WEIGHTS = "weights.safetensors"


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
        detector: What its showers say of their detector; None for the layers of the barrel.
        particle: What made the showers.
    """

    kind: ModelKind
    model: AnyModel
    grid: VoxelGrid
    energy_range: tuple[float, float]
    eta_range: tuple[float, float]
    recipe: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, float]
    detector: DetectorMark | None = None
    particle: Particle = "photon"


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
        detector = DetectorMark.from_dict(record.detector)
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
        detector,
        record.particle,
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
