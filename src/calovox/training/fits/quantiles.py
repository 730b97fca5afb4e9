"""What models are fitted to before they are trained, and their random weights."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.preprocessing import N_ENERGIES, QuantileVoxelTransform
from calovox.training.data.showers import ShowerFiles
from calovox.voxelization.reflection import mirrored_voxels

__all__ = ["fit_quantiles", "seeded", "training_voxels"]

Model = TypeVar("Model", bound=nn.Module)

_FEWEST_NEAR = 200
_MOST_NEAR = 10_000
_BYTES_AT_A_TIME = 2**28
_BATCH = 4096


def seeded(seed: int, build: Callable[[], Model]) -> Model:
    """Build a model with weights that depend on a seed alone.

    Args:
        seed: The seed.
        build: Builds the model with torch's own random numbers, which are left as they were.

    Returns:
        The model.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def training_voxels(files: ShowerFiles, *, reflect: bool) -> Iterator[Tensor]:
    """Read the voxels of all showers.

    Args:
        files: The showers.
        reflect: Whether every shower comes twice, as it is and reflected.

    Yields:
        Voxels, event by voxel, as fractions of the kinetic energy.
    """
    mirror = torch.from_numpy(mirrored_voxels(files.grid)) if reflect else None
    for showers in files.batches():
        yield showers.voxels
        if mirror is not None:
            yield showers.voxels.index_select(1, mirror)


def fit_quantiles(
    raw: QuantileVoxelTransform, files: ShowerFiles, *, seed: int, reflect: bool
) -> QuantileVoxelTransform:
    """Make the tables of normal scores from showers near each of the energies.

    A shower counts the more, the nearer it is to an energy; one beyond the neighbouring energies
    does not count, unless there are fewer than 200 nearer ones.

    Args:
        raw: A transform for voxels of the same layers.
        files: The showers.
        seed: Seed of the choice where there are very many.
        reflect: Whether every shower comes twice, as it is and reflected.

    Returns:
        The transform.
    """
    logarithms = np.log(files.energies())
    nodes = np.linspace(
        logarithms.min(), max(logarithms.max(), logarithms.min() + 1e-3), N_ENERGIES
    )
    mirror = mirrored_voxels(files.grid)
    chosen = [_near(logarithms, nodes, number, seed=seed) for number in range(N_ENERGIES)]

    def samples() -> Iterator[tuple[Float32[Array, "_ voxel"], Float64[Array, " _"]]]:
        read = _read_groups(files, [rows for rows, _ in chosen])
        for (_, weights), voxels in zip(chosen, read, strict=True):
            if reflect:
                yield np.concatenate([voxels, voxels[:, mirror]]), np.tile(weights, 2)
            else:
                yield voxels, weights

    return raw.fit(nodes, samples())


def _near(
    logarithms: Float64[Array, " event"], nodes: Float64[Array, " node"], number: int, *, seed: int
) -> tuple[Int64[Array, " near"], Float64[Array, " near"]]:
    """Choose the showers near an energy, and their weights."""
    distance = np.abs(logarithms - nodes[number])
    # weights fall linearly to the next node, or farther where showers are rare
    least = np.partition(distance, min(_FEWEST_NEAR, len(distance)) - 1)
    reach = max(nodes[1] - nodes[0], least[min(_FEWEST_NEAR, len(distance)) - 1] * (1.0 + 1e-6))
    weights = np.maximum(1.0 - distance / reach, 0.0)
    rows = np.flatnonzero(weights)
    if len(rows) > _MOST_NEAR:
        rng = np.random.default_rng((seed, number))
        rows = np.sort(rng.choice(rows, _MOST_NEAR, replace=False))
    return rows, weights[rows]


def _read_groups(
    files: ShowerFiles, wanted: Sequence[Int64[Array, " _"]]
) -> Iterator[Float32[Array, "_ voxel"]]:
    """Read the voxels of groups of rising showers: of several groups at a time in one pass."""
    size = 4 * files.grid.n_voxels
    together: list[Int64[Array, " _"]] = []
    for rows in wanted:
        if together and size * (sum(map(len, together)) + len(rows)) > _BYTES_AT_A_TIME:
            yield from _read_pass(files, together)
            together = []
        together.append(rows)
    yield from _read_pass(files, together)


def _read_pass(
    files: ShowerFiles, groups: Sequence[Int64[Array, " _"]]
) -> list[Float32[Array, "_ voxel"]]:
    found = [np.empty((len(rows), files.grid.n_voxels), dtype=np.float32) for rows in groups]
    every = np.unique(np.concatenate(groups))
    for start in range(0, len(every), _BATCH):
        part = every[start : start + _BATCH]
        voxels = files.read(part).voxels.numpy()
        for rows, into in zip(groups, found, strict=True):
            low, high = np.searchsorted(rows, [part[0], part[-1] + 1])
            into[low:high] = voxels[np.searchsorted(part, rows[low:high])]
    return found
