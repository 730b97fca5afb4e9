"""How all benchmarks time a call, how large they are, and how they end."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from calovox.geant4 import Geant4DataError

__all__ = ["LACKING", "best_time", "count", "rounds", "run"]

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
