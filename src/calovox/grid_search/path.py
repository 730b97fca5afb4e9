r"""The path of a search, and its file: JSON.

| key | meaning |
| --- | --- |
| `format`, `version` | "calovox grid path", 1 |
| `showers` | `seen` and `donors`: how many; `energy`: lowest and highest in MeV; `groups` |
| `max_shift`, `voxels` | when the search stops |
| `least_found` | shift in widths that is found in nine of ten searches |
| `floor`, `floor_error` | AUC of halves of Geant4's showers; null if there are too few |
| `chosen` | number of the step whose grid was chosen |
| `steps` | the path: `PathStep` |
| `grids` | other grids, looked at in the same way: `OtherGrid` |
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from calovox.files.whole import whole_file
from calovox.grid_search.steps import Rings
from calovox.voxelization import Ring, VoxelGrid

__all__ = ["FORMAT", "GridPath", "OtherGrid", "PathFileError", "PathStep", "read_path"]

FORMAT: Final = "calovox grid path"
VERSION: Final = 1


class PathFileError(ValueError):
    """A file of a path that cannot be used, and why."""


@dataclass(frozen=True)
class PathStep:
    """One grid of the path, and what is seen of it.

    Attributes:
        layer: Number of the layer that the step has changed; None for the grid of the start.
        change: What the step has done.
        rings: Radial bins of this layer: inner and outer radius in mm, bins in alpha.
        n_voxels: Voxels of the grid.
        separation: d^2 of all layers.
        error: Its error.
        worst: What is seen most, in words.
        worst_value: Shift in widths or change of the width.
        worst_error: Its error.
        artefact: What of it is beyond chance.
        auc: AUC of boosted trees on all cells; None where it was not computed.
        auc_error: Its error.
    """

    layer: int | None
    change: str
    rings: list[list[float | int]]
    n_voxels: int
    separation: float
    error: float
    worst: str
    worst_value: float
    worst_error: float
    artefact: float
    auc: float | None = None
    auc_error: float | None = None


@dataclass(frozen=True)
class OtherGrid:
    """A grid that is not of the path.

    Attributes:
        name: Its name.
        placement: How its hits were placed: patterns or note.
        n_voxels: Voxels of the grid.
        separation: d^2 of all layers.
        error: Its error.
        auc: AUC of boosted trees on all cells; None if it was not computed.
        auc_error: Its error.
    """

    name: str
    placement: str
    n_voxels: int
    separation: float
    error: float
    auc: float | None = None
    auc_error: float | None = None


@dataclass(frozen=True)
class GridPath:
    """A search.

    Attributes:
        start: The grid that it began with.
        steps: All grids, that of the start first.
        max_shift: Shift or change of width, in widths, from which on it counts as an artefact.
        voxels: Voxels that were asked for; None for the last grid before the first artefact.
        showers: What it was found with.
        least_found: Shift that is found in nine of ten searches.
        floor: AUC of halves of the reference; None if there are too few showers, or no AUC.
        floor_error: Its error.
        grids: Other grids.
    """

    start: VoxelGrid
    steps: tuple[PathStep, ...]
    max_shift: float
    voxels: int | None
    showers: Mapping[str, Any] = field(default_factory=dict)
    least_found: float = 0.0
    floor: float | None = None
    floor_error: float | None = None
    grids: tuple[OtherGrid, ...] = ()

    @property
    def is_found(self) -> bool:
        """Whether the path has reached the grid that is chosen, and what ends the search."""
        return self._end is not None

    @property
    def chosen(self) -> int:
        """Number of the step whose grid is chosen.

        It is the first one with few enough voxels, or the last one before the first artefact. A
        start with artefacts is no end: coarser bins may mend it. If no grid is without, it is the
        one with the smallest.
        """
        if self._end is not None:
            return self._end if self.voxels is not None else self._end - 1
        sizes = [step.artefact for step in self.steps]
        is_free = self.voxels is not None or min(sizes) <= self.max_shift
        return len(sizes) - 1 if is_free else sizes.index(min(sizes))

    def grid(self, step: int, name: str) -> VoxelGrid:
        """Make the grid of a step.

        Args:
            step: Number of the step.
            name: What to call it.

        Returns:
            The grid.
        """
        layers = {number: tuple(rings) for number, rings in self.start.layers.items()}
        for entry in self.steps[: step + 1]:
            if entry.layer is not None:
                layers[entry.layer] = plain_to_rings(entry.rings)
        return VoxelGrid(layers, name, names=self.start.names)

    def with_step(self, step: PathStep) -> "GridPath":
        """Return the path with one more step."""
        return replace(self, steps=(*self.steps, step))

    def with_auc(self, number: int, auc: float, error: float) -> "GridPath":
        """Return the path with the AUC of one of its grids."""
        steps = list(self.steps)
        steps[number] = replace(steps[number], auc=auc, auc_error=error)
        return replace(self, steps=tuple(steps))

    def write(
        self, path: Path, *, overwrite: bool = False, provenance: Mapping[str, Any] | None = None
    ) -> None:
        """Write the path as JSON; the file appears whole or not at all.

        Args:
            path: The file.
            overwrite: Whether an existing file may be replaced.
            provenance: How it was made.

        Raises:
            FileExistsError: If the path exists and may not be replaced.
        """
        content = {
            "format": FORMAT,
            "version": VERSION,
            **{name: getattr(self, name) for name in _PLAIN},
            "chosen": self.chosen,
            "start": self.start.to_toml(),
            "steps": [asdict(step) for step in self.steps],
            "grids": [asdict(grid) for grid in self.grids],
            "provenance": dict(provenance or {}),
        }
        with whole_file(path, overwrite=overwrite) as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @property
    def _end(self) -> int | None:
        """Number of the step that ends the search."""
        was_free = False
        for number, step in enumerate(self.steps):
            is_free = step.artefact <= self.max_shift
            if self.voxels is None and was_free and not is_free:
                return number
            if self.voxels is not None and step.n_voxels <= self.voxels:
                return number
            was_free = was_free or is_free
        return None


_PLAIN: Final = ("showers", "max_shift", "voxels", "least_found", "floor", "floor_error")


def read_path(path: Path) -> tuple[dict[str, Any], tuple[PathStep, ...]]:
    """Read the file of a path.

    Args:
        path: The file.

    Returns:
        Everything in it, and the steps.

    Raises:
        PathFileError: If it is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise PathFileError(f"{path} is no path of calovox grid: expected version {VERSION}")
        return content, tuple(PathStep(**step) for step in content["steps"])
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as problem:
        raise PathFileError(f"{path} is no path of calovox grid: remove it") from problem


def rings_to_plain(rings: Rings) -> list[list[float | int]]:
    """Give radial bins as numbers."""
    return [[ring.r_min, ring.r_max, ring.n_alpha] for ring in rings]


def plain_to_rings(plain: list[list[float | int]]) -> Rings:
    """Make radial bins of numbers."""
    return tuple(Ring(low, high, high - low, int(n_alpha)) for low, high, n_alpha in plain)
