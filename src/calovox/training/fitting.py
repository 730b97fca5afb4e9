"""What models are fitted to before they are trained, and their random weights."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from calovox.training.reflection import mirrored_voxels
from calovox.training.showers import ShowerFiles

__all__ = ["seeded", "training_voxels"]

Model = TypeVar("Model", bound=nn.Module)


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
