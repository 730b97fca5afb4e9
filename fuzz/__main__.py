"""`python -m fuzz`: read mutated files for some minutes, or so many of them."""

import argparse
import itertools
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy: processes that fork have no threads

from fuzz.session import Session, new_seed  # noqa: E402
from fuzz.targets import TARGETS  # noqa: E402
from fuzz.worker import Case  # noqa: E402

_SLOWEST: Final = "paused run"
_TURNS: Final = 8


def main() -> int:
    """Run the fuzzer; leave with 1 if an input fails."""
    options = _parse()
    seed = new_seed() if options.seed is None else options.seed
    print(f"seed {seed}: again with make fuzz SEED={seed}", flush=True)
    shutil.rmtree(options.output, ignore_errors=True)
    session = Session(options.output, n_workers=options.workers, limit_s=options.limit)
    session.run(_cases(options, seed))
    print(session.report(), flush=True)
    return 1 if session.tally.n_failures else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, help="so many inputs, however long it takes")
    parser.add_argument("--minutes", type=float, default=5.0, help="without --inputs")
    parser.add_argument("--seed", type=int, help="drawn if not given")
    parser.add_argument("--only", choices=sorted(TARGETS), action="append", help="targets")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds per input")
    parser.add_argument("--output", type=Path, default=Path("build/fuzz"))
    return parser.parse_args()


def _cases(options: argparse.Namespace, seed: int) -> Iterator[Case]:
    names = options.only or _in_turns()
    done: Counter[str] = Counter()
    end = time.monotonic() + 60.0 * options.minutes
    for count in itertools.count():
        if options.inputs is None and time.monotonic() > end:
            return
        if options.inputs is not None and count >= options.inputs:
            return
        name = names[count % len(names)]
        yield Case(name, options.first + done[name], seed)
        done[name] += 1


def _in_turns() -> list[str]:
    """List the targets as they take turns: one that trains takes ten times longer than others."""
    quick = [name for name in TARGETS if name != _SLOWEST]
    return [*quick * _TURNS, _SLOWEST]


if __name__ == "__main__":
    sys.exit(main())
