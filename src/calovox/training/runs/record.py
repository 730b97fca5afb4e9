"""The record of a run: kind and sizes of the model, grid, ranges, data, steps, metrics."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calovox import __version__
from calovox.files.damage import reading
from calovox.files.whole import whole_file
from calovox.geometry.barrel import BARREL_LAYERS
from calovox.photons import Particle, parse_particle
from calovox.training.sizes.shapes import ModelKind
from calovox.voxelization import VoxelGrid

__all__ = [
    "RECORD",
    "RunFileError",
    "RunRecord",
    "check_same_data",
    "grid_to_json",
    "json_to_grid",
    "read_record",
    "write_record",
]

FORMAT = "calovox run"
VERSION = 1
RECORD = "run.json"
_BARREL = {layer.name: layer.number for layer in BARREL_LAYERS}


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
        detector: What the datasets say of their detector; None for the layers of the barrel.
        particle: What made the showers.
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
    detector: dict[str, Any] | None = None
    particle: Particle = "photon"


class RunFileError(ValueError):
    """A run folder whose files cannot be used, and why."""


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
        values["particle"] = parse_particle(values.get("particle"))
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
        if record.detector is None:
            del values["detector"]
        if record.particle == "photon":
            del values["particle"]
        partial.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def check_same_data(before: RunRecord, now: RunRecord) -> None:
    """Refuse to go on with other showers.

    Args:
        before: What the run folder says.
        now: What it would say.

    Raises:
        ValueError: If files or ranges differ.
    """
    for name in ("data", "eta_range", "energy_range", "grid", "detector", "particle"):
        if getattr(before, name) != getattr(now, name):
            raise ValueError(
                f"the run was started with another {name.replace('_', ' ')}: use the same again, "
                "or start anew with --force"
            )


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
