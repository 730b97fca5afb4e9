"""Times of passes, in ms.

Processor time of one thread counts: what else the machine is doing has an effect only through
shared caches and cores. Wall time is kept beside it. Of work on a GPU, wall time counts: the
processor only waits for it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from calovox.arrays import Array, Float64

__all__ = ["Clock", "Stopwatch", "Timing"]

Clock = Literal["processor", "wall"]
"""Which time counts."""


@dataclass(frozen=True)
class Timing:
    """How long one shower takes, in ms.

    Attributes:
        mean: Mean of all passes.
        std: Standard deviation of the means of the rounds.
        p50: Median of all passes.
        p95: 95th percentile.
        p99: 99th percentile.
        wall_p50: Median of the wall time.
    """

    mean: float
    std: float
    p50: float
    p95: float
    p99: float
    wall_p50: float

    @classmethod
    def from_rounds(
        cls, counted: Float64[Array, "round pass"], wall: Float64[Array, "round pass"]
    ) -> "Timing":
        """Sum passes up.

        Args:
            counted: Time of each pass that counts, in ms.
            wall: Wall time of each pass in ms.

        Returns:
            The statistics.
        """
        p50, p95, p99 = np.percentile(counted, [50, 95, 99]).tolist()
        std = float(np.std(counted.mean(axis=1)))
        return cls(float(counted.mean()), std, p50, p95, p99, float(np.median(wall)))


class Stopwatch:
    """Keeps the times of passes, in ms.

    Args:
        counts: Which time counts.

    Attributes:
        counts: Which time counts.
        processor: Processor time of each pass.
        wall: Wall time of each pass.
    """

    def __init__(self, counts: Clock = "processor") -> None:
        self.counts = counts
        self.processor: list[float] = []
        self.wall: list[float] = []

    def time(self, function: Callable[[], Any]) -> None:
        """Take the time of one pass.

        Args:
            function: The pass.
        """
        wall, processor = time.perf_counter(), time.process_time()
        function()
        self.processor.append(1e3 * (time.process_time() - processor))
        self.wall.append(1e3 * (time.perf_counter() - wall))

    def timing(self, passes: int) -> Timing:
        """Sum up.

        Args:
            passes: Passes of a round.

        Returns:
            The statistics.
        """
        counted = self.processor if self.counts == "processor" else self.wall
        shape = (-1, passes)
        return Timing.from_rounds(
            np.array(counted).reshape(shape), np.array(self.wall).reshape(shape)
        )
