"""`calovox info`: what is in a file."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from calovox.cli.command import call_to_command
from calovox.cli.errors import one_line_errors
from calovox.text import printable

__all__ = ["INFO", "info"]

_EXAMPLE = "calovox info photons.h5"


def info(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, help="Any file or model of calovox.")
    ],
) -> None:
    """Show what is in any file of calovox: hits, dataset, shapes, grid, model, report, ROOT."""
    with one_line_errors(traceback=context.find_root().params["traceback"]):
        from calovox.files.formats import detect_format

        found = detect_format(file)
        if sys.stderr.isatty():  # the libraries that read it are slow to import
            typer.echo(printable(f"calovox info: {file}, {found}"), err=True)
        from calovox.info import describe_file

        lines = describe_file(file)
    shown = {printable(title): printable(text) for title, text in lines.items()}
    width = max(map(len, shown))
    for title, text in shown.items():
        typer.echo(f"{title:<{width}}  {text}")


INFO = call_to_command("info", info, help=info.__doc__, example=_EXAMPLE)
