"""Times of passes, in ms.

Processor time of one thread counts: what else the machine is doing has an effect only through
shared caches and cores. Wall time is kept beside it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from calovox.arrays import Array, Float64

__all__ = ["Stopwatch", "Timing"]


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
        cls, processor: Float64[Array, "round pass"], wall: Float64[Array, "round pass"]
    ) -> "Timing":
        """Sum passes up.

        Args:
            processor: Processor time of each pass in ms.
            wall: Wall time of each pass in ms.

        Returns:
            The statistics.
        """
        p50, p95, p99 = np.percentile(processor, [50, 95, 99]).tolist()
        std = float(np.std(processor.mean(axis=1)))
        return cls(float(processor.mean()), std, p50, p95, p99, float(np.median(wall)))


class Stopwatch:
    """Keeps the times of passes, in ms.

    Attributes:
        processor: Processor time of each pass.
        wall: Wall time of each pass.
    """

    def __init__(self) -> None:
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
        shape = (-1, passes)
        return Timing.from_rounds(
            np.array(self.processor).reshape(shape), np.array(self.wall).reshape(shape)
        )
