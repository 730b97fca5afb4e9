r"""The search: from a fine grid, step by step the one that costs least.

What a step costs is what it adds to the `cost` of its layer (`separation`) over the voxels that it
saves.
Steps that make an artefact, a shift or a change of width beyond a limit, come only when there are
no others: so the path goes as far as it can without one, and the grid before is chosen. The path
then goes on to half as many voxels, to show what is lost there.

At the end, boosted trees on all cells are trained for the start, wherever the number of voxels has
fallen by a quarter, and for the grid that is chosen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from calovox.arrays import Array
from calovox.geometry import Detector
from calovox.grid_search.layer import SearchedLayer, make_layers
from calovox.grid_search.observables import NAMES
from calovox.grid_search.path import GridPath, PathStep, plain_to_rings, rings_to_plain
from calovox.grid_search.separation import Seen, energy_groups
from calovox.grid_search.showers import SearchShowers
from calovox.grid_search.steps import Step, single_bins, total_voxels
from calovox.scores.referee import ClassifierInputs, classify_by_trees, measure_floor
from calovox.scores.referee.trees import FEWEST_SHOWERS
from calovox.voxelization import VoxelGrid

__all__ = ["GridSearch", "SearchSettings", "search_grid"]

_AUC_AT: Final = 0.75
_GO_ON_TO: Final = 0.5
_SEEDS: Final = 1


@dataclass(frozen=True)
class SearchSettings:
    """Settings of a search.

    Attributes:
        voxels: Most voxels of the grid; None for the last grid before the first artefact.
        max_shift: Shift of an observable, or change of its width, over its width, from which on
            it counts as an artefact.
        auc: Whether to train boosted trees.
        seed: Seed of the choice of patterns.
    """

    voxels: int | None = None
    max_shift: float = 0.05
    auc: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        if self.voxels is not None and self.voxels < 1:
            raise ValueError(f"voxels: expected 1 or more, got {self.voxels}")
        if not 0.0 < self.max_shift < np.inf:
            raise ValueError(f"max_shift: expected above 0, got {self.max_shift:g}")


def search_grid(
    search: "GridSearch",
    *,
    done: Sequence[PathStep] = (),
    on_step: Callable[[GridPath], None] = lambda path: None,
) -> GridPath:
    """Search for the smallest grid without artefacts.

    Args:
        search: What is searched.
        done: Steps of the same search that were made before.
        on_step: Called with the path behind each step.

    Returns:
        The path.
    """
    path = search.begin(done)
    on_step(path)
    while not search.is_over(path):
        step = search.next_step(path)
        if step is None:
            break
        path = path.with_step(step)
        on_step(path)
    for number in search.to_be_judged(path):
        path = search.with_auc(path, number)
        on_step(path)
    return search.with_floor(path)


class GridSearch:
    """A search under way.

    Args:
        showers: All showers.
        start: The grid that it begins with, and whose voxels it joins.
        detector: Its layers and cells.
        settings: When to stop.

    Raises:
        ValueError: If a layer has no cells, or boosted trees have too few showers.
    """

    def __init__(
        self,
        showers: SearchShowers,
        start: VoxelGrid,
        detector: Detector,
        settings: SearchSettings,
    ) -> None:
        n_showers = len(showers.seen)
        if settings.auc and n_showers < FEWEST_SHOWERS:
            raise ValueError(
                f"hits: expected {2 * FEWEST_SHOWERS} showers or more for boosted trees, got "
                f"{n_showers + len(showers.donors)}: add files, or leave the AUC out"
            )
        self._showers = showers
        self._settings = settings
        self._rings = single_bins(start)
        self._start = VoxelGrid(dict(self._rings), start.name, names=start.layer_names)
        self._group = energy_groups(showers.seen.centers.energy)
        self.layers = make_layers(showers, self._rings, detector, self._group, settings.seed)
        self._seen: dict[int, Seen] = {}
        for number in self.layers:
            self._look_at(number)
        self._best: dict[int, tuple[Step, Seen] | None] = {}

    @property
    def trains_trees(self) -> bool:
        """Whether boosted trees are trained."""
        return self._settings.auc

    def begin(self, done: Sequence[PathStep] = ()) -> GridPath:
        """Give the path with the steps that were made before, or that of the start alone."""
        path = GridPath(
            start=self._start,
            steps=tuple(done),
            max_shift=self._settings.max_shift,
            voxels=self._settings.voxels,
            showers=self._describe_showers(),
        )
        for step in done:
            if step.layer is not None:
                self._rings[step.layer] = plain_to_rings(step.rings)
        found = max(seen.least_found for seen in self._seen.values())
        path = replace(path, least_found=self._settings.max_shift + found)
        for number in self.layers:
            self._look_at(number)
        return path if done else path.with_step(self._record(None, "the start"))

    def is_over(self, path: GridPath) -> bool:
        """Tell whether the path has gone far enough beyond the chosen grid."""
        enough = _GO_ON_TO * path.steps[path.chosen].n_voxels
        return path.is_found and path.steps[-1].n_voxels <= enough

    def next_step(self, path: GridPath) -> PathStep | None:
        """Take the step that costs least; None if there is none."""
        for number, layer in self.layers.items():
            if number not in self._best:
                self._best[number] = self._best_of(layer)
        found = {number: best for number, best in self._best.items() if best is not None}
        if not found:
            return None
        number = min(found, key=lambda k: self._cost(self.layers[k], *found[k]))
        step, _ = found[number]
        del self._best[number]
        self._rings[number] = step.rings
        self._look_at(number)
        return self._record(number, step.text)

    def to_be_judged(self, path: GridPath) -> list[int]:
        """List the steps that trees are trained for and that have no AUC yet, in order."""
        if not self._settings.auc:
            return []
        chosen = [0]
        for number, step in enumerate(path.steps):
            if step.n_voxels <= _AUC_AT * path.steps[chosen[-1]].n_voxels:
                chosen.append(number)
        wanted = sorted({*chosen, path.chosen})
        return [number for number in wanted if path.steps[number].auc is None]

    def with_auc(self, path: GridPath, number: int) -> GridPath:
        """Train boosted trees for the grid of a step."""
        rings = single_bins(path.grid(number, "judged"))
        cells = {k: layer.placed.cells(rings[k]) for k, layer in self.layers.items()}
        return path.with_auc(number, *self.auc(cells))

    def with_floor(self, path: GridPath) -> GridPath:
        """Train boosted trees for halves of the reference, if there are enough showers."""
        if not self._settings.auc or len(self._showers.seen) < 2 * FEWEST_SHOWERS:
            return path
        floor = measure_floor(self._inputs(self._reference()), n_seeds=_SEEDS)
        return replace(path, floor=floor.mean, floor_error=floor.error)

    def auc(self, cells: Mapping[int, Array]) -> tuple[float, float]:
        """Train boosted trees on all cells.

        Args:
            cells: Energies of the cells in the windows in MeV, by layer number.

        Returns:
            AUC and its error.
        """
        reference, placed = self._inputs(self._reference()), self._inputs(cells)
        areas = classify_by_trees(reference, placed, n_seeds=_SEEDS)
        return areas.mean, areas.error

    def _best_of(self, layer: SearchedLayer) -> tuple[Step, Seen] | None:
        steps = layer.steps(self._rings[layer.number])
        return min(steps, key=lambda step: self._cost(layer, *step), default=None)

    def _cost(self, layer: SearchedLayer, step: Step, seen: Seen) -> tuple[bool, float]:
        artefact = seen.worst.beyond_chance > self._settings.max_shift
        return artefact, (seen.cost - self._seen[layer.number].cost) / step.saved

    def _look_at(self, number: int) -> None:
        """Measure a layer as it is now."""
        layer = self.layers[number]
        energy = layer.placed.cells(self._rings[number])
        self._seen[number] = layer.measure(energy)

    def _record(self, number: int | None, text: str) -> PathStep:
        """Say what is seen of the grid as it is now."""
        names = dict(zip(self._start.numbers, self._start.layer_names, strict=True))
        seen = self._seen
        place = max(seen, key=lambda k: seen[k].worst.beyond_chance)
        worst = seen[place].worst
        energy = self._showers.seen.centers.energy
        in_group = energy if worst.group < 0 else energy[self._group == worst.group]
        title = (
            f"{worst.kind} of {NAMES[worst.observable]}, {names[place]}, "
            f"{in_group.min() / 1e3:.3g} to {in_group.max() / 1e3:.3g} GeV"
        )
        return PathStep(
            layer=number,
            change=text if number is None else f"{names[number]}: {text}",
            rings=[] if number is None else rings_to_plain(self._rings[number]),
            n_voxels=sum(total_voxels(rings) for rings in self._rings.values()),
            separation=sum(one.separation for one in seen.values()),
            error=float(np.sqrt(sum(one.error**2 for one in seen.values()))),
            worst=title,
            worst_value=worst.value,
            worst_error=worst.error,
            artefact=worst.beyond_chance,
        )

    def _describe_showers(self) -> dict[str, Any]:
        energy = self._showers.seen.centers.energy
        return {
            "seen": len(self._showers.seen),
            "donors": len(self._showers.donors),
            "energy": [float(energy.min()), float(energy.max())],
            "groups": int(self._group.max()) + 1,
        }

    def _reference(self) -> dict[int, Array]:
        return {k: layer.reference for k, layer in self.layers.items()}

    def _inputs(self, cells: Mapping[int, Array]) -> ClassifierInputs:
        seen = self._showers.seen
        columns = [layer.inputs(cells[k]) for k, layer in self.layers.items()]
        columns += [np.log10(seen.centers.energy)[:, None], seen.abs_eta[:, None]]
        features = np.concatenate(columns, axis=1, dtype=np.float32)
        return ClassifierInputs(features, np.arange(len(seen)))
