"""The program `calovox`: one command per stage, in the order of the stages."""

from typing import Annotated

import typer

from calovox import __version__
from calovox.cli.command import CommandGroup

__all__ = ["app", "main"]

app = typer.Typer(
    name="calovox",
    cls=CommandGroup,
    help="Fast photon showers in the ATLAS barrel calorimeter, from Geant4 to shower shapes.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"calovox {__version__}")
        raise typer.Exit


@app.callback()
def program(
    *,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error comes from.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Set options of the whole program."""


def main() -> None:
    """Run the program."""
    app()
