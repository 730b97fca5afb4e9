"""Processes that read inputs, and the watch over them: who dies or does not end is replaced."""

import multiprocessing
import multiprocessing.connection
import shutil
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Final

from fuzz.outcomes import Kind, Outcome
from fuzz.worker import INPUT, Case, Result, serve

__all__ = ["Watch"]

_FORK: Final = multiprocessing.get_context("fork")
_MOST_INPUTS: Final = 2000
"""Inputs per process: what libraries leave behind does not pile up."""


class _Process:
    """One process, and what it is doing."""

    def __init__(self, corpus: Path, workplace: Path) -> None:
        self.workplace = workplace
        self.pipe, theirs = _FORK.Pipe()
        self.process: ForkProcess = _FORK.Process(target=serve, args=(theirs, corpus, workplace))
        self.process.start()
        theirs.close()
        self.case: Case | None = None
        self.doing = ("", "")
        self.since = 0.0
        self.n_inputs = 0

    def start(self, case: Case) -> None:
        self.case, self.doing, self.since = case, ("", ""), time.monotonic()
        self.n_inputs += 1
        self.pipe.send(case)

    def end(self) -> None:
        self.pipe.close()
        self.process.join(5.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class Watch:
    """Reads cases in several processes.

    Args:
        corpus: Folder of the seed files.
        folder: Where the processes work.
        n_workers: How many processes.
        limit_s: Seconds after which an input counts as one without end.
        keep: Is given every result, and the folder of its input as long as that exists.
    """

    def __init__(
        self,
        corpus: Path,
        folder: Path,
        *,
        n_workers: int,
        limit_s: float,
        keep: Callable[[Result, Path], None],
    ) -> None:
        self._corpus, self._folder = corpus, folder
        self._limit_s, self._keep = limit_s, keep
        self._processes = [self._new(number) for number in range(n_workers)]

    def run(self, cases: Iterator[Case]) -> None:
        """Read all cases.

        Args:
            cases: Which ones.
        """
        try:
            for position in range(len(self._processes)):
                self._next(position, cases)
            while any(process.case is not None for process in self._processes):
                self._wait(cases)
        finally:
            for process in self._processes:
                process.end()
                shutil.rmtree(process.workplace, ignore_errors=True)

    def _new(self, number: int) -> _Process:
        return _Process(self._corpus, self._folder / f"worker_{number}")

    def _next(self, position: int, cases: Iterator[Case]) -> None:
        process = self._processes[position]
        process.case = None
        case = next(cases, None)
        if case is None:
            return
        if process.n_inputs >= _MOST_INPUTS:
            process.end()
            process = self._processes[position] = self._new(position)
        process.start(case)

    def _wait(self, cases: Iterator[Case]) -> None:
        pipes: list[Connection] = [p.pipe for p in self._processes if p.case is not None]
        ready = multiprocessing.connection.wait(pipes, timeout=0.5)
        for position, process in enumerate(self._processes):
            if process.case is None:
                continue
            if process.pipe in ready:
                self._hear(position, cases)
            elif time.monotonic() - process.since > self._limit_s:
                process.process.kill()
                self._lost(position, "hang", f"no end after {self._limit_s:g} s", cases)

    def _hear(self, position: int, cases: Iterator[Case]) -> None:
        process = self._processes[position]
        try:
            message = process.pipe.recv()
        except (EOFError, ConnectionResetError):
            process.process.join()
            self._lost(position, "crash", f"exit code {process.process.exitcode}", cases)
            return
        if isinstance(message, Result):
            self._keep(message, process.workplace / INPUT)
            self._next(position, cases)
        else:
            process.doing = message

    def _lost(self, position: int, kind: Kind, reason: str, cases: Iterator[Case]) -> None:
        process = self._processes[position]
        case, (reader, change) = process.case, process.doing
        assert case is not None
        terminal = process.workplace.with_suffix(".txt").read_text(errors="replace")[-3000:]
        # without a reader, a library that changes the file met damage of an earlier change
        found = kind if reader else "unmade"
        outcome = Outcome(found, f"{reason}\n{terminal}", f"{reader}: {reason}")
        seconds = time.monotonic() - process.since
        self._keep(Result(case, outcome, reader, change, seconds), process.workplace / INPUT)
        process.end()
        self._processes[position] = self._new(position)
        self._next(position, cases)
