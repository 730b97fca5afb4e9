"""What models are fitted to before they are trained, and their random weights."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from calovox.arrays import Array, Float32, Float64
from calovox.preprocessing import N_ENERGIES, QuantileVoxelTransform
from calovox.training.data.showers import ShowerFiles
from calovox.voxelization.reflection import mirrored_voxels

__all__ = ["fit_quantiles", "seeded", "training_voxels"]

Model = TypeVar("Model", bound=nn.Module)

_FEWEST_NEAR = 200
_MOST_NEAR = 10_000


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

    def near(number: int, node: float) -> tuple[Float32[Array, "_ voxel"], Float64[Array, " _"]]:
        distance = np.abs(logarithms - node)
        # weights fall linearly to the next node, or farther where showers are rare
        reach = max(nodes[1] - nodes[0], np.sort(distance)[:_FEWEST_NEAR][-1] * (1.0 + 1e-6))
        weights = np.maximum(1.0 - distance / reach, 0.0)
        rows = np.flatnonzero(weights)
        if len(rows) > _MOST_NEAR:
            rng = np.random.default_rng((seed, number))
            rows = np.sort(rng.choice(rows, _MOST_NEAR, replace=False))
        voxels = files.read(rows).voxels.numpy()
        if not reflect:
            return voxels, weights[rows]
        return np.concatenate([voxels, voxels[:, mirror]]), np.tile(weights[rows], 2)

    return raw.fit(nodes, (near(number, node) for number, node in enumerate(nodes)))
