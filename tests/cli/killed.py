"""Run a command to its end, kill it again and again, and run it to its end once more.

usage: killed.py SEED COMMAND...

The present folder holds copies of the same inputs in `whole`, `again` and `killed`. Every run is a
fork of this process, which has imported what the command needs, so that nearly all of its time is
spent on files. It is killed at one of the changes that it makes to files, or at any time.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import uproot

CHANGES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
N_KILLS = 3  # at changes of files, and as many at any time
NOTES = "modules.json"


def start(words: list[str], folder: str, on_change: Callable[[], object]) -> int:
    """Start a command in a fork, and return the number of the process."""
    process = os.fork()
    if process:
        return process
    os.setpgid(0, 0)
    notes = Path(NOTES).absolute()
    os.chdir(folder)
    here = os.getcwd()

    def watch(event: str, details: tuple[Any, ...]) -> None:
        named = event in CHANGES and isinstance(details[0], str | os.PathLike)
        if named and os.path.abspath(os.fspath(details[0])).startswith(here):
            on_change()

    code = 1
    try:
        from calovox.cli import app

        sys.addaudithook(watch)
        code = app(words, standalone_mode=False, prog_name="calovox") or 0
        notes.write_text(json.dumps([name for name in sys.modules if name.startswith("calovox.")]))
    except BaseException as error:
        print(repr(error), file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(code)


def finish(process: int) -> int:
    """Wait for a process and all that it has started, and return its exit status."""
    _, status = os.waitpid(process, 0)
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        try:
            os.killpg(process, 0)
        except ProcessLookupError:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    raise AssertionError("processes are left")


def count_changes(words: list[str]) -> int:
    """Run the command, remember what it imports, and return the number of its changes."""
    counts = Path("counts").absolute()
    with counts.open("ab", buffering=0) as file:
        assert finish(start(words, "whole", lambda: file.write(b"."))) == 0
    for name in json.loads(Path(NOTES).read_text()):
        import_module(name)
    return counts.stat().st_size


def kill_at_change(words: list[str], number: int) -> int:
    left = number

    def count() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return finish(start(words, "killed", count))


def kill_after(words: list[str], seconds: float) -> int:
    process = start(words, "killed", lambda: None)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return finish(process)


def contents(folder: Path) -> dict[str, Any]:
    """Give what is in all files; the hidden ones, too."""
    return {
        str(path.relative_to(folder)): _content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("events.")  # one of each start
    }


def _content(path: Path) -> Any:
    if path.suffix != ".root":
        return path.read_bytes()
    with uproot.open(path) as file:  # without the times at which they were written
        return {name: _numbers(read) for name, read in file.items()}


def _numbers(read: Any) -> bytes:
    if hasattr(read, "values"):
        return bytes(read.values(flow=True).tobytes())
    return bytes(read.member("fElements").tobytes())


def check_finals(words: list[str], whole: dict[str, Any]) -> None:
    """What stands under a final name is whole; parts are hidden, or in a folder that says so."""
    if words[0] in ("train", "distill"):
        return
    for name, content in contents(Path("killed")).items():
        parts = Path(name).parts
        if not any(part.startswith(".") or part.endswith(".shards") for part in parts):
            assert content == whole[name], name


def main(seed: int, words: list[str]) -> None:
    n_changes = count_changes(words)
    whole = contents(Path("whole"))
    began = time.monotonic()
    assert finish(start(words, "again", lambda: None)) == 0
    duration = time.monotonic() - began
    assert contents(Path("again")) == whole, "the command does not repeat itself"
    rng = np.random.default_rng(seed)
    codes = []
    for _ in range(N_KILLS):
        codes.append(kill_at_change(words, int(rng.integers(n_changes))))
        check_finals(words, whole)
        codes.append(kill_after(words, rng.random() * duration))
        check_finals(words, whole)
    codes.append(finish(start(words, "killed", lambda: None)))
    found = contents(Path("killed"))
    assert found.keys() == whole.keys(), found.keys() ^ whole.keys()
    for name, content in whole.items():
        assert found[name] == content, f"{name} differs"
    print(json.dumps({"changes": n_changes, "seconds": duration, "codes": codes}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
