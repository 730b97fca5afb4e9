"""Tasks that are done side by side in processes, as many as there are cores.

The variable LOKY_MAX_CPU_COUNT of the environment bounds their number.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["side_by_side"]

_Result = TypeVar("_Result")


def side_by_side(
    function: Callable[..., _Result], tasks: Iterable[tuple[Any, ...]], n_tasks: int
) -> Iterator[_Result]:
    """Call a function once per task.

    Each process has one thread: small tasks in two processes end sooner than in two threads each.

    Args:
        function: What is called.
        tasks: Arguments of each call; made when a process is free, so that few are in memory.
        n_tasks: How many there are.

    Yields:
        Results in the order of the tasks.

    Raises:
        ModuleNotFoundError: If joblib is not installed.
    """
    from joblib import Parallel, cpu_count, delayed

    workers = Parallel(n_jobs=max(min(cpu_count(), n_tasks), 1), return_as="generator")
    yield from workers(delayed(function)(*task) for task in tasks)
