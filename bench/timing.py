"""Timing of one call, as all benchmarks do it."""

import time
from collections.abc import Callable
from typing import Any

__all__ = ["best_time"]


def best_time(function: Callable[[], Any], repeats: int = 5) -> float:
    """Call once to compile, then return the least processor time of some calls, in seconds.

    Processor time of this process does not count what else the machine is doing.
    """
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)
