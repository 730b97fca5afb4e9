"""What came of an input, told apart as the command line does."""

import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import typer

from calovox.cli.errors import ChecksFailedError, one_line_errors
from fuzz.commands import RefusedError

__all__ = ["FAILURES", "Kind", "Outcome", "call_reader"]

Kind = Literal["unmade", "refused", "accepted", "traceback", "noise", "escape", "hang", "crash"]

FAILURES: Final[tuple[Kind, ...]] = ("traceback", "noise", "escape", "hang", "crash")
"""Outcomes that must not be: several lines instead of one, warnings on the terminal, files opened
or written elsewhere, no end, the end of the process. "unmade" is none: a library crashed while the
file was changed, before anything of calovox read it."""


@dataclass(frozen=True)
class Outcome:
    """What came of an input.

    Attributes:
        kind: Which kind of outcome.
        reason: For people: the refusal, or the last lines of the traceback.
        place: Where a traceback comes from; failures of one place are one kind of failure.
    """

    kind: Kind
    reason: str = ""
    place: str = ""


def call_reader(read: Callable[[Path, Path], None], folder: Path, out: Path) -> Outcome:
    """Read an input, and tell what came of it.

    Args:
        read: What reads it.
        folder: The input.
        out: An empty folder for what it writes.

    Returns:
        The outcome.
    """
    noise: list[str] = []
    sys.unraisablehook = lambda hint: noise.append(f"in {hint.object!r}: {hint.exc_value!r}")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        outcome = _classify(read, folder, out)
    noise += [f"{entry.category.__name__}: {entry.message}" for entry in told]
    if noise and outcome.kind in ("refused", "accepted"):
        place = told[0].filename + f":{told[0].lineno}" if told else "unraisable"
        return Outcome("noise", "\n".join(noise), place)
    return outcome


def _classify(read: Callable[[Path, Path], None], folder: Path, out: Path) -> Outcome:
    try:
        with one_line_errors(traceback=False):
            read(folder, out)
    except typer.TyperException as problem:
        return Outcome("refused", " ".join(problem.format_message().split()))
    except (RefusedError, ChecksFailedError) as problem:
        return Outcome("refused", str(problem))
    except (Exception, SystemExit) as problem:
        return Outcome("traceback", traceback.format_exc(limit=-12), _place(problem))
    return Outcome("accepted")


def _place(problem: BaseException) -> str:
    """Name the error, and the last line of calovox that it passed."""
    frames: list[Any] = traceback.extract_tb(problem.__traceback__)
    ours = [frame for frame in frames if "calovox/" in frame.filename]
    last = (ours or frames)[-1]
    name = last.filename.rpartition("calovox/")[2]
    return f"{type(problem).__name__} in {name}:{last.lineno}"
