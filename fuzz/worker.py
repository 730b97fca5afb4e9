"""A process that makes inputs and reads them, one after the other, as told through a pipe."""

import contextlib
import faulthandler
import os
import resource
import shutil
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import numpy as np

from fuzz.outcomes import Outcome, call_reader
from fuzz.outside import Outside
from fuzz.targets import TARGETS, make_input

__all__ = ["INPUT", "Case", "Result", "serve"]

INPUT: Final = "input"
_OUTPUT: Final = "output"
_TERMINAL: Final = "terminal.txt"
_MEMORY: Final = 2 * 2**30


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        target: Name of its target.
        number: Its number.
        seed: Seed of the run.
    """

    target: str
    number: int
    seed: int

    def rng(self) -> np.random.Generator:
        """Give the random numbers that decide everything about the input."""
        return np.random.default_rng([self.seed, zlib.crc32(self.target.encode()), self.number])


@dataclass(frozen=True)
class Result:
    """What came of an input.

    Attributes:
        case: The input.
        outcome: What came of it.
        reader: What read it.
        change: How it was changed.
        seconds: How long it was read.
    """

    case: Case
    outcome: Outcome
    reader: str
    change: str
    seconds: float


def serve(pipe: Connection, corpus: Path, workplace: Path) -> None:
    """Read inputs until there are no more.

    For each case that comes through the pipe, the reader's name and the change are sent before
    the input is read, and the result after it.

    Args:
        pipe: Gives cases, None at the end.
        corpus: Folder of the seed files.
        workplace: Folder of this process; it is made anew.
    """
    shutil.rmtree(workplace, ignore_errors=True)
    workplace.mkdir(parents=True)
    # the terminal of a reader is a file: commands tell their progress
    terminal = os.open(workplace.with_suffix(".txt"), os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(terminal, stream)
    faulthandler.enable()
    outside = Outside(workplace)
    home = workplace / "home"
    home.mkdir()
    os.chdir(home)  # what is written by a relative path appears in an empty folder
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (case := pipe.recv()) is not None:
        os.ftruncate(terminal, 0)
        os.lseek(terminal, 0, os.SEEK_SET)
        pipe.send(_read(case, pipe, corpus, workplace, outside))


def _read(
    case: Case, pipe: Connection, corpus: Path, workplace: Path, outside: Outside
) -> Result | None:
    folder, out = workplace / INPUT, workplace / _OUTPUT
    _clean(workplace)
    out.mkdir()
    rng = case.rng()
    read, change = make_input(TARGETS[case.target], corpus, folder, rng)
    pipe.send((read.__name__, change))
    outside.forget()
    started = time.perf_counter()
    with _limited_memory():
        outcome = call_reader(read, folder, out)
    seconds = time.perf_counter() - started
    problem = outside.problem({INPUT, _OUTPUT, "home"})
    if problem is None and any((workplace / "home").iterdir()):
        problem = "wrote into the folder that it was started in"
    if problem is not None:
        outcome = Outcome("escape", problem, problem)
    return Result(case, outcome, read.__name__, change, seconds)


def _clean(workplace: Path) -> None:
    """Remove the last input, and what it may have left elsewhere."""
    for path in [*workplace.iterdir(), *(workplace / "home").iterdir()]:
        if path.name not in ("outside", "home"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
    """Let an input take no more than `_MEMORY` beyond what the process has before."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    used = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData"))
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (used + _MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
