"""Batches of showers in random order, from a dataset that may be larger than memory.

An epoch goes through all events once. The file is cut into blocks of consecutive events; blocks
are put in random order, read into a buffer, and the events of a buffer are put in random order.
Which events are in a batch depends on the seed and on the number of the batch alone: to continue a
run, its step is all there is to know.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from calovox.arrays import Array
from calovox.dataset import DatasetReader
from calovox.models.base import Conditions, Showers
from calovox.voxelization import Voxels, concatenate_voxels

__all__ = ["Batch", "ShowerStream", "move_showers", "voxels_to_showers"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Showers to train with, and where they come from.

    Attributes:
        events: Rows of the dataset.
        showers: Their showers.
    """

    events: Int64[Array, " event"]
    showers: Showers[Tensor]


class ShowerStream:
    """Endless batches of a dataset.

    Args:
        reader: The dataset.
        batch_size: Events per batch; the last batch of an epoch may have fewer.
        seed: Seed of the order.
        buffer_size: Events in memory at a time. A dataset that fits into it is read once.
        block_size: Consecutive events that are read together.

    Raises:
        ValueError: If the dataset is empty, or a size is below 1.
    """

    def __init__(
        self,
        reader: DatasetReader,
        *,
        batch_size: int,
        seed: int,
        buffer_size: int = 65536,
        block_size: int = 1024,
    ) -> None:
        if min(len(reader), batch_size, buffer_size, block_size) < 1:
            raise ValueError(
                "ShowerStream: expected sizes of 1 or more, got "
                f"{len(reader)} events, {batch_size=}, {buffer_size=}, {block_size=}"
            )
        self.reader = reader
        self.batch_size = batch_size
        self.seed = seed
        self.block_size = block_size
        self.n_batches = -(-len(reader) // batch_size)
        self._per_buffer = max(1, buffer_size // batch_size)
        self._whole: Showers[Tensor] | None = None

    def __repr__(self) -> str:
        return (
            f"ShowerStream({len(self.reader)} events, {self.n_batches} batches of "
            f"{self.batch_size})"
        )

    @property
    def order(self) -> dict[str, int]:
        """Everything that the order of the batches depends on."""
        return {
            "number of events": len(self.reader),
            "batch size": self.batch_size,
            "seed of the stream": self.seed,
            "block size": self.block_size,
            "batches per buffer": self._per_buffer,
        }

    def batches(self, start: int = 0) -> Iterator[Batch]:
        """Go through the dataset, again and again.

        Args:
            start: Number of the first batch, counted over all epochs.

        Yields:
            Batches without an end.
        """
        step = start
        while True:
            epoch, batch = divmod(step, self.n_batches)
            number, first = divmod(batch, self._per_buffer)
            rows = self._rows_of_buffer(epoch, number)
            showers = self._read(rows)
            for begin in range(first * self.batch_size, len(rows), self.batch_size):
                chosen = slice(begin, begin + self.batch_size)
                yield Batch(rows[chosen], _choose(showers, chosen))
                step += 1

    def _rows_of_buffer(self, epoch: int, number: int) -> Int64[Array, " event"]:
        n_events = len(self.reader)
        blocks = np.arange(-(-n_events // self.block_size))
        np.random.default_rng([self.seed, epoch]).shuffle(blocks)
        starts = (self.block_size * blocks).tolist()
        order = np.concatenate([np.arange(s, min(s + self.block_size, n_events)) for s in starts])
        size = self._per_buffer * self.batch_size
        rows = order[number * size : (number + 1) * size]
        np.random.default_rng([self.seed, epoch, number]).shuffle(rows)
        return rows.astype(np.int64)

    def _read(self, rows: Int64[Array, " event"]) -> Showers[Tensor]:
        if self.n_batches <= self._per_buffer:
            if self._whole is None:
                self._whole = voxels_to_showers(self.reader.read())
            return _choose(self._whole, torch.from_numpy(rows))
        ordered = np.sort(rows)
        runs = np.split(ordered, np.flatnonzero(np.diff(ordered) != 1) + 1)
        parts = [self.reader.read(slice(int(run[0]), int(run[-1]) + 1)) for run in runs]
        position = torch.from_numpy(np.searchsorted(ordered, rows))
        return _choose(voxels_to_showers(concatenate_voxels(parts)), position)


def voxels_to_showers(voxels: Voxels) -> Showers[Tensor]:
    """Convert showers of a dataset for training.

    Args:
        voxels: Events of a dataset.

    Returns:
        The same events as tensors, in single precision.
    """
    return Showers(
        conditions=Conditions(
            energy=torch.from_numpy(voxels.incident_energy).float(),
            eta=torch.from_numpy(voxels.eta_center).float(),
        ),
        layer_energy=torch.from_numpy(voxels.layer_energy).float(),
        voxels=torch.from_numpy(voxels.energy),
    )


def move_showers(showers: Showers[Tensor], device: torch.device) -> Showers[Tensor]:
    """Copy showers to where a model is.

    Args:
        showers: Showers anywhere.
        device: Where they are wanted.

    Returns:
        The same showers there.
    """
    conditions = Conditions(
        showers.conditions.energy.to(device), showers.conditions.eta.to(device)
    )
    return Showers(conditions, showers.layer_energy.to(device), showers.voxels.to(device))


def _choose(showers: Showers[Tensor], rows: slice | Tensor) -> Showers[Tensor]:
    conditions = Conditions(showers.conditions.energy[rows], showers.conditions.eta[rows])
    return Showers(conditions, showers.layer_energy[rows], showers.voxels[rows])
