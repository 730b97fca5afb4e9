"""Batches of showers in random order, from datasets that may be larger than memory.

An epoch goes through all events once, or, if they have weights, through events that are drawn anew
in each epoch as often as their weights say. They are cut into blocks of consecutive ones; blocks
are put in random order, read into a buffer, and the events of a buffer are put in random order.
Which events are in a batch, and which of them are reflected in phi, depends on the seed and on the
number of the batch alone: to continue a run, its step is all there is to know.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from calovox.arrays import Array
from calovox.models.base import Showers
from calovox.training.data.showers import ShowerFiles, choose_showers, move_showers
from calovox.voxelization.reflection import mirrored_voxels

__all__ = ["Batch", "Share", "ShowerStream"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Showers to train with, and where they come from.

    Attributes:
        events: Their numbers in the files of the stream.
        mirrored: Which of them are reflected in phi.
        showers: The showers.
        weight: What the mean over them counts in the mean of all processes' means.
    """

    events: Int64[Array, " event"]
    mirrored: Bool[Array, " event"]
    showers: Showers[Tensor]
    weight: float = 1.0


@dataclass(frozen=True)
class Share:
    """Which part of every batch one of several processes takes.

    Attributes:
        rank: Number of the process, from 0.
        n_ranks: How many there are.
    """

    rank: int = 0
    n_ranks: int = 1

    def of(self, n_events: int) -> tuple[slice, float]:
        """Cut this part out of a batch.

        Args:
            n_events: Events of the whole batch.

        Returns:
            Which of them, at least one, and their weight: 0 if there are fewer events than
            processes and none is left for this one.
        """
        chosen = slice(self.rank, n_events, self.n_ranks)
        number = len(range(n_events)[chosen])
        weight = number * self.n_ranks / n_events
        return (chosen if number else slice(0, 1)), weight


class ShowerStream:
    """Endless batches of showers.

    Args:
        files: The showers.
        batch_size: Events per batch; the last batch of an epoch may have fewer.
        seed: Seed of the order.
        reflect: Whether half of the events, chosen anew in every epoch, are reflected in phi.
        buffer_size: Events in memory at a time. Showers that all fit into it are read once.
        block_size: Consecutive events that are read together.

    Raises:
        ValueError: If a size is below 1.
    """

    def __init__(
        self,
        files: ShowerFiles,
        *,
        batch_size: int,
        seed: int,
        reflect: bool = False,
        buffer_size: int = 262144,
        block_size: int = 1024,
    ) -> None:
        if min(batch_size, buffer_size, block_size) < 1:
            raise ValueError(
                "ShowerStream: expected sizes of 1 or more, got "
                f"{batch_size=}, {buffer_size=}, {block_size=}"
            )
        self.files = files
        self.batch_size = batch_size
        self.seed = seed
        self.reflect = reflect
        self.block_size = block_size
        # the same in every epoch, whichever events are drawn
        self._n_events = len(files.draw(np.random.default_rng([seed, 0])))
        self.n_batches = -(-self._n_events // batch_size)
        self._mirror = torch.from_numpy(mirrored_voxels(files.grid)) if reflect else None
        self._per_buffer = max(1, buffer_size // batch_size)
        self._whole: Showers[Tensor] | None = None

    def __repr__(self) -> str:
        return (
            f"ShowerStream({self._n_events} events, {self.n_batches} batches of {self.batch_size})"
        )

    @property
    def order(self) -> dict[str, int]:
        """Everything that the order of the batches depends on."""
        return {
            "number of events": self._n_events,
            "batch size": self.batch_size,
            "seed of the stream": self.seed,
            "reflection": int(self.reflect),
            "block size": self.block_size,
            "batches per buffer": self._per_buffer,
        }

    def n_showers(self, step: int) -> int:
        """Count the showers of the first batches.

        Args:
            step: How many batches.

        Returns:
            How many showers they hold together.
        """
        epoch, batch = divmod(step, self.n_batches)
        return epoch * self._n_events + batch * self.batch_size

    def batches(
        self,
        start: int = 0,
        *,
        share: Share | None = None,
        device: torch.device | None = None,
    ) -> Iterator[Batch]:
        """Go through the showers, again and again.

        Args:
            start: Number of the first batch, counted over all epochs.
            share: Which part of every batch, by default all of it.
            device: Where showers are held and batches are made, by default the CPU.

        Yields:
            Batches without an end.
        """
        share = share or Share()
        device = device or torch.device("cpu")
        step = start
        while True:
            epoch, batch = divmod(step, self.n_batches)
            number, first = divmod(batch, self._per_buffer)
            events, mirrored = self._plan(epoch, number)
            buffer, places = self._read(events, device)
            for begin in range(first * self.batch_size, len(events), self.batch_size):
                end = min(begin + self.batch_size, len(events))
                part, weight = share.of(end - begin)
                chosen = np.arange(begin, end)[part]
                showers = choose_showers(buffer, places[torch.from_numpy(chosen).to(device)])
                showers = self._reflect(showers, mirrored[chosen])
                yield Batch(events[chosen], mirrored[chosen], showers, weight)
                step += 1

    def _plan(
        self, epoch: int, number: int
    ) -> tuple[Int64[Array, " event"], Bool[Array, " event"]]:
        """Choose the events of a buffer, their order, and which of them are reflected."""
        blocks = np.arange(-(-self._n_events // self.block_size))
        rng = np.random.default_rng([self.seed, epoch])
        rng.shuffle(blocks)
        drawn = self.files.draw(rng)
        order = np.concatenate(
            [drawn[s : s + self.block_size] for s in (self.block_size * blocks).tolist()]
        )
        size = self._per_buffer * self.batch_size
        events = order[number * size : (number + 1) * size].astype(np.int64)
        rng = np.random.default_rng([self.seed, epoch, number])
        rng.shuffle(events)
        mirrored = rng.random(len(events)) < 0.5
        return events, mirrored if self.reflect else np.zeros(len(events), dtype=np.bool_)

    def _read(
        self, events: Int64[Array, " event"], device: torch.device
    ) -> tuple[Showers[Tensor], Tensor]:
        """Return showers, and the places of the events among them."""
        if self.n_batches > self._per_buffer:
            return move_showers(self.files.read(events), device), torch.arange(
                len(events), device=device
            )
        if self._whole is None or self._whole.voxels.device != device:
            self._whole = move_showers(self.files.read(np.arange(len(self.files))), device)
        return self._whole, torch.from_numpy(events).to(device)

    def _reflect(
        self, showers: Showers[Tensor], mirrored: Bool[Array, " event"]
    ) -> Showers[Tensor]:
        if self._mirror is None:
            return showers
        device = showers.voxels.device
        chosen = torch.from_numpy(np.flatnonzero(mirrored)).to(device)
        self._mirror = self._mirror.to(device)
        voxels = showers.voxels
        voxels[chosen] = voxels[chosen].index_select(1, self._mirror)
        return replace(showers, voxels=voxels)
