"""One run of the fuzzer: seed files, processes, counts."""

import io
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzz.corpus import make_corpus
from fuzz.outcomes import call_reader
from fuzz.tally import Tally
from fuzz.targets import TARGETS
from fuzz.watch import Watch
from fuzz.worker import Case, Result

__all__ = ["Session", "new_seed"]

_EVERY_S = 30.0


class Session:
    """One run of the fuzzer.

    Args:
        folder: Where seed files and failing inputs go; it is made.
        n_workers: Processes that read.
        limit_s: Seconds after which an input counts as one without end.

    Attributes:
        tally: Counts of all outcomes.
    """

    def __init__(self, folder: Path, *, n_workers: int, limit_s: float) -> None:
        self._folder = folder.resolve()
        self._corpus = self._folder / "corpus"
        self._n_workers, self._limit_s = n_workers, limit_s
        self._told = time.monotonic()
        self.tally = Tally(self._folder)
        self._corpus.mkdir(parents=True)
        # in a process of its own: libraries that compute start threads, and this one will fork
        process = get_context("fork").Process(target=_prepare, args=(self._corpus,))
        process.start()
        process.join()
        if process.exitcode != 0:
            raise RuntimeError("the seed files could not be made, or a reader refuses its own")

    def run(self, cases: Iterator[Case]) -> None:
        """Read inputs.

        Args:
            cases: Which ones.
        """
        watch = Watch(
            self._corpus,
            self._folder,
            n_workers=self._n_workers,
            limit_s=self._limit_s,
            keep=self._count,
        )
        watch.run(cases)
        self.tally.write(self._folder / "counts.json")

    def report(self) -> str:
        """Sum up: counts, failures, the slowest input."""
        lines = [self.tally.table(), ""]
        slowest = self.tally.slowest
        if slowest is not None:
            lines.append(
                f"slowest: {slowest.seconds:.1f} s, {slowest.case.target} {slowest.case.number}"
            )
        lines += self.tally.failures()
        failed = self.tally.n_failures
        lines.append(f"{self.tally.n_inputs} inputs, {failed} failed; kept in {self._folder}")
        return "\n".join(lines)

    def _count(self, result: Result, folder: Path) -> None:
        self.tally.add(result, folder)
        if time.monotonic() - self._told > _EVERY_S:
            self._told = time.monotonic()
            print(f"{self.tally.n_inputs} inputs, {self.tally.n_failures} failed", flush=True)


def new_seed() -> int:
    """Draw a seed."""
    return secrets.randbelow(2**31)


def _prepare(corpus: Path) -> None:
    """Make the seed files, and read them as they are: kernels are compiled without haste."""
    quiet = io.StringIO()
    with redirect_stdout(quiet), redirect_stderr(quiet), TemporaryDirectory(dir=corpus) as place:
        make_corpus(corpus)
        for name, target in TARGETS.items():
            for needed in (*target.changed, *(target.keep or ())):
                if not (corpus / target.folder / needed).exists():
                    raise RuntimeError(f"{name}: there is no {needed} to be changed")
            for read in dict.fromkeys(target.reads):
                out = Path(place) / f"{name}_{read.__name__}"
                out.mkdir()
                shutil.copytree(corpus / target.folder, out / "input")
                (out / "output").mkdir()
                outcome = call_reader(read, out / "input", out / "output")
                if outcome.kind != "accepted":
                    raise RuntimeError(f"{name}: {read.__name__}: {outcome}")
