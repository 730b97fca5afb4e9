"""Calling the program the way a user does, inside this process."""

from functools import cache
from typing import Any

import typer
from typer.main import get_command

from calovox.cli import app

__all__ = ["RefusedError", "run_command"]


class RefusedError(Exception):
    """The program has refused its input with one line."""


def run_command(*arguments: str) -> None:
    """Run a command of the program.

    Args:
        *arguments: What stands behind `calovox` on the command line.

    Raises:
        RefusedError: If it leaves with 2.
        Exception: Whatever would end in a traceback.
    """
    code = _program().main(list(arguments), standalone_mode=False)
    if code == 2:
        raise RefusedError(f"calovox {arguments[0]}")


@cache
def _program() -> Any:
    assert isinstance(app, typer.Typer)
    return get_command(app)
