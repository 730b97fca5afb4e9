"""Errors that the user can mend, and warnings: one line on stderr each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from calovox.text import printable

__all__ = ["ChecksFailedError", "one_line_errors", "warn"]

EXTRAS = {
    "calzone": "geant4",
    "distributed": "cluster",
    "jinja2": "plot",
    "joblib": "plot",
    "lightning_fabric": "train",
    "matplotlib": "plot",
    "onnx": "train",
    "onnxscript": "train",
    "safetensors": "train",
    "tensorboardX": "train",
    "torch": "train",
}
"""The extra of the package that brings a library which is not always installed."""


class ChecksFailedError(Exception):
    """A command has written its result, which fails the checks that were asked for.

    The program says so line by line and leaves with 1.
    """


@contextmanager
def one_line_errors(*, traceback: bool) -> Iterator[None]:
    """Turn errors that the user can mend into one line on stderr.

    Args:
        traceback: Leave the errors as they are, to find out where they come from.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if traceback or extra is None:
            raise
        raise typer.TyperException(
            f"this needs {error.name}: install it with pip install '.[{extra}]' in the folder of "
            "the sources"
        ) from error
    except MemoryError as error:
        if traceback:
            raise
        raise typer.TyperException(f"not enough memory: {error}") from error
    except Exception as error:
        if traceback or not _is_message_for_user(error):
            raise
        text = error.args[0] if isinstance(error, KeyError) else error
        raise typer.TyperException(str(text)) from error


def _is_message_for_user(error: Exception) -> bool:
    """Tell errors in input, files and settings from faults of the program."""
    if isinstance(error, KeyError):
        return " " in str(error.args[0])  # a sentence of ours, not a missing key
    return isinstance(error, ValueError | OSError) or type(error).__module__.startswith("calovox.")


def warn(path: Path, warnings: Sequence[str]) -> None:
    """Say on stderr what is unlikely about a result.

    Args:
        path: The result.
        warnings: One sentence each.
    """
    for text in warnings:
        typer.echo(printable(f"calovox: warning: {path}: {text}"), err=True)
