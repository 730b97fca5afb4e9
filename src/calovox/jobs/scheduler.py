"""Work of a run as tasks of dask.distributed, on the machines of its scheduler.

The engine is theirs: tasks of a lost worker are given to another one, and its page shows how far
they are. All machines share the folder of the result.

References:
    M. Rocklin, *Dask: Parallel Computation with Blocked algorithms and Task Scheduling*,
    SciPy 2015, https://distributed.dask.org
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from calovox.files.whole import check_writable, whole_file
from calovox.jobs.merge import merge_files
from calovox.tracking import Track, silently

__all__ = ["Part", "PartsOfRun", "SchedulerError", "dask_executor", "dask_side_by_side"]

_RETRIES: Final = 2
_TIMEOUT: Final = "30s"


class SchedulerError(RuntimeError):
    """A scheduler that cannot be reached, or whose workers were lost."""


@dataclass(frozen=True)
class Part:
    """Some consecutive events of a run, and the files that they go into.

    Attributes:
        first: Index of the first event.
        number: How many events.
        outputs: The files, in the order of those of the run.
    """

    first: int
    number: int
    outputs: tuple[Path, ...]

    def __len__(self) -> int:
        return self.number

    @property
    def finished(self) -> bool:
        """Whether all files are there: each appears as a whole."""
        return all(path.is_file() for path in self.outputs)


@dataclass(frozen=True)
class PartsOfRun:
    """The parts of a run; their files are kept until all of them are there.

    Attributes:
        outputs: Files of the run.
        parts: All parts, by rising index of the first event. The files of each lie in
            ``<output>.parts`` beside that of the run.
    """

    outputs: tuple[Path, ...]
    parts: tuple[Part, ...]

    @classmethod
    def cut(cls, first: int, number: int, size: int, outputs: Sequence[Path]) -> "PartsOfRun":
        """Cut a run.

        Args:
            first: Index of the first event.
            number: How many events.
            size: Events of a part; the last may have fewer.
            outputs: Files of the run.
        """
        parts = []
        for start in range(first, first + number, size):
            files = (_folder(path) / f"{start}{path.suffix}" for path in outputs)
            parts.append(Part(start, min(size, first + number - start), tuple(files)))
        return cls(tuple(outputs), tuple(parts))

    @contextmanager
    def kept(self, provenance: Mapping[str, Any], *, overwrite: bool = False) -> Iterator[None]:
        """Keep finished parts until the files of the run are there, and remove them then.

        Args:
            provenance: How the run is made: parts of a run that is made otherwise are refused.
            overwrite: Whether existing files of the run may be replaced.

        Raises:
            FileExistsError: If a file of the run exists and may not be replaced.
            SchedulerError: If there are parts of another run.
        """
        text = json.dumps([provenance, [part.number for part in self.parts]], indent=1)
        for path in self.outputs:
            check_writable(path, overwrite=overwrite)
            record = _folder(path) / "run.json"
            if record.is_file() and record.read_text(encoding="utf-8") != text:
                raise SchedulerError(
                    f"{record.parent} has parts of another run: remove it, or give the same "
                    "options again to continue"
                )
            record.parent.mkdir(exist_ok=True)
            with whole_file(record, overwrite=True) as partial:
                partial.write_text(text, encoding="utf-8")
        yield
        for path in self.outputs:
            shutil.rmtree(_folder(path))

    def run(
        self, executor: Executor, make: Callable[[Part], object], *, track: Track = silently
    ) -> None:
        """Make the parts that are not there yet.

        Args:
            executor: What runs tasks.
            make: Makes the files of a part, each as a whole; it is sent to the workers.
            track: Shows the progress.
        """
        missing = [part for part in self.parts if not part.finished]
        futures = {executor.submit(_in_folder, Path.cwd(), make, part): part for part in missing}

        def finished() -> Iterator[Part]:
            yield from (part for part in self.parts if part not in missing)
            for future in as_completed(futures):
                future.result()
                yield futures[future]

        try:
            for _ in track(finished(), "parts", sum(map(len, self.parts))):
                pass
        finally:
            for future in futures:
                future.cancel()

    def merge(self, *, overwrite: bool = False, track: Track = silently) -> None:
        """Make the files of the run of those of its parts.

        Args:
            overwrite: Whether existing files of the run may be replaced.
            track: Shows the progress.
        """
        for number, output in enumerate(self.outputs):
            paths = [part.outputs[number] for part in self.parts]
            merge_files(paths, output, overwrite=overwrite, track=track)


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """Connect to a scheduler.

    Args:
        address: Where it is, as ``tcp://host:8786``, or the path of its scheduler file.

    Yields:
        What runs tasks on its workers.

    Raises:
        SchedulerError: If it cannot be reached, or has lost the workers of one task repeatedly.
        ModuleNotFoundError: If dask.distributed is not installed.
    """
    with _connected(address) as client:
        yield client.get_executor(retries=_RETRIES, pure=False)


@contextmanager
def dask_side_by_side(address: str) -> Iterator[None]:
    """Let the workers of a scheduler do what `calovox.side_by_side` does.

    Args:
        address: As for `dask_executor`.

    Raises:
        SchedulerError: As for `dask_executor`.
        ModuleNotFoundError: If dask.distributed or joblib is not installed.
    """
    from joblib import parallel_config

    with _connected(address), parallel_config(backend="dask"):
        yield


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    from distributed import Client, KilledWorker

    where = {"scheduler_file" if Path(address).is_file() else "address": address}
    try:
        client = Client(**where, timeout=_TIMEOUT)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as problem:
        raise SchedulerError(
            f"--scheduler: expected the address of a dask scheduler, as tcp://host:8786, or its "
            f"scheduler file, got {address}: {problem}"
        ) from problem
    with client:
        try:
            yield client
        except KilledWorker as problem:
            raise SchedulerError(
                "the workers of one task were lost again and again (out of memory?), at last "
                f"{problem.last_worker.address}: finished parts are kept, run again to continue"
            ) from None


def _in_folder(folder: Path, run: Callable[[Part], object], part: Part) -> None:
    """Work where the command was called: relative paths hold from there."""
    os.chdir(folder)
    run(part)


def _folder(output: Path) -> Path:
    return output.with_name(f"{output.name}.parts")
