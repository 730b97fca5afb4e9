"""What models are fitted to before they are trained, and their random weights."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import Tensor, nn

from calovox.models.base import Showers
from calovox.preprocessing import (
    ConditionalStandardization,
    ConditionTransform,
    VoxelTransform,
)
from calovox.training.reflection import mirrored_voxels
from calovox.training.showers import ShowerFiles

__all__ = ["seeded", "standardize_by_energy", "training_voxels"]

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


def standardize_by_energy(
    files: ShowerFiles,
    conditions: ConditionTransform,
    voxels: VoxelTransform,
    *,
    seed: int,
    reflect: bool,
) -> ConditionalStandardization:
    """Fit the standardisation of voxels at each energy to all showers.

    Args:
        files: The showers.
        conditions: What the model sees of a photon.
        voxels: How voxels become numbers without bounds.
        seed: Seed of the noise that the voxels get, as in training.
        reflect: Whether every shower comes twice, as it is and reflected.

    Returns:
        The standardisation.
    """
    rng = torch.Generator().manual_seed(seed)
    mirror = torch.from_numpy(mirrored_voxels(files.grid)) if reflect else None

    def scalars(showers: Showers[Tensor]) -> Tensor:
        t: Tensor = conditions(showers.conditions.energy, showers.conditions.eta)[:, :1]
        return t

    def variables() -> Iterator[tuple[Tensor, Tensor]]:
        for showers in files.batches():
            for order in (None, mirror) if reflect else (None,):
                energy = showers.voxels if order is None else showers.voxels[:, order]
                yield voxels(energy, torch.rand(energy.shape, generator=rng)), scalars(showers)

    ranges = [scalars(showers) for showers in files.batches()]
    limits = min(float(t.min()) for t in ranges), max(float(t.max()) for t in ranges)
    return ConditionalStandardization.identity(voxels.n_voxels).fit(variables(), limits)
