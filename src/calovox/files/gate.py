"""The gate that every HDF5 or ROOT file passes before it is opened.

Their libraries can crash on a damaged file, or loop for ever. `calovox.files.objects` therefore
checks each file in a process of its own. One process per running program is
started with the first file (0.2 s) and checks all files (a few ms each, more for many chunks). It
is a fresh Python, not a fork: forking a program with threads is not safe. A file that has passed
is not checked again until it changes.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Lock
from typing import Final

from calovox.files.objects import PLAIN, READY, REFUSED

__all__ = ["file_problem"]

_LIMIT_S: Final = 3.0  # of processor time: a slow disk or a busy machine is no fault of the file
_BYTES_PER_S: Final = 2**30

_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from calovox.files.objects import serve; serve()"
)


def file_problem(
    path: Path, *, limit_s: float = _LIMIT_S, fault: str = "is truncated or damaged"
) -> str | None:
    """Tell why an HDF5 or ROOT file is refused.

    Args:
        path: The file.
        limit_s: Seconds of processor time that its check may take, and one more per GiB.
        fault: What is said of a file that cannot be read.

    Returns:
        One line that names the file; none if nothing is wrong with it.

    Raises:
        RuntimeError: If no process can be started.
    """
    # a process of its own for each fork, and a lock that no thread held when it forked
    gate = _GATES.setdefault(os.getpid(), _Gate())
    return gate.problem(path, limit_s, fault)


class _Gate:
    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._passed: dict[str, tuple[int, ...]] = {}

    def problem(self, path: Path, limit_s: float, fault: str) -> str | None:
        place, stat = os.path.abspath(path), path.stat()
        state = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        with self._lock:
            if self._passed.get(place) == state:
                return None
            limit = limit_s + stat.st_size // _BYTES_PER_S
            kind, reason = self._ask(place, limit)
            if kind == "crash":  # if something else ended the process, a second try goes well
                kind, reason = self._ask(place, limit)
            if kind == PLAIN:
                self._passed[place] = state
                return None
        return f"{path}{'' if kind == REFUSED else f' {fault}'}: {reason}"

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, place: str, limit: float) -> tuple[str, str]:
        """Give the answer of the process, and what went wrong."""
        if self._process is None:
            self._process = _start()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        answer = ""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps([place, limit]) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        if answer:
            kind, reason = json.loads(answer)
            return kind, reason
        process.communicate()
        self._process = None
        if process.returncode == -signal.SIGPROF:
            return "hang", f"its library did not come to its end in {limit:g} s"
        return "crash", f"its library crashed on it (exit status {process.returncode})"


def _start() -> subprocess.Popen[str]:
    # a session of its own: Ctrl-C is for the program, which may go on
    process = subprocess.Popen(
        [sys.executable, "-c", _START, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != READY:
        process.kill()
        process.communicate()
        raise RuntimeError(f"files cannot be checked: {sys.executable} does not start")
    return process


_GATES: dict[int, _Gate] = {}


@atexit.register
def _close() -> None:
    gate = _GATES.pop(os.getpid(), None)
    if gate is not None:
        gate.close()
