"""How all benchmarks time a call, how large they are, and how they end."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from calovox.geant4 import Geant4DataError

__all__ = ["LACKING", "best_time", "cost_in_process", "count", "print_cost", "rounds", "run"]

LACKING = 3
"""Exit status of a benchmark that lacks data or a library."""

_FEW = 20
_quick = False


def best_time(function: Callable[[], Any], repeats: int = 5) -> float:
    """Call once to compile, then return the least processor time of some calls, in seconds.

    Processor time of this process does not count what else the machine is doing.
    """
    function()
    times = []
    for _ in range(rounds(repeats)):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return max(min(times), 1e-9)


def print_cost(step: Callable[[Path], None], folder: Path) -> None:
    """Print processor and wall time of a step in s, and the peak memory in MiB."""
    start, processor = time.monotonic(), time.process_time()
    step(folder)
    seconds = time.process_time() - processor, time.monotonic() - start
    print(*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def cost_in_process(module: str, step: str, folder: Path) -> tuple[float, float, float]:
    """Give what `print_cost` prints in a process of its own, on one core.

    The module is started with the name of the step and ``--folder``.
    """
    command = [sys.executable, "-m", module, step, "--folder", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    processor, wall, peak = map(float, result.stdout.split()[-3:])
    return processor, wall, peak


def count(number: int) -> int:
    """Give a number of showers, hits or calls, or only a few of them with ``--quick``."""
    return min(number, _FEW) if _quick else number


def rounds(number: int) -> int:
    """Give how often something is measured: once with ``--quick``."""
    return 1 if _quick else number


def run(main: Callable[[], None]) -> None:
    """Run a benchmark; say in one line what it lacks, and leave with `LACKING` then.

    With ``--quick``, it is as small as possible: its numbers say that it works, and nothing else.
    """
    global _quick
    _quick = "--quick" in sys.argv
    sys.argv = [word for word in sys.argv if word != "--quick"]
    try:
        main()
    except (Geant4DataError, ModuleNotFoundError, FileNotFoundError) as error:
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        sys.exit(LACKING)
