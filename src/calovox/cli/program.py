"""The program as a whole: its help, its exit codes, and commands that are imported when called."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from calovox.text import printable

__all__ = ["CommandGroup", "LazyCommand", "make_app"]


class CommandGroup(TyperGroup):
    """The program: shows its help when called without arguments, and errors as one line."""

    context_class = typer.Context

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the program and leave it with 0, or with 2 after an error of the user."""
        arguments = list(sys.argv[1:] if args is None else args) or ["--help"]
        try:
            code = super().main(
                arguments, prog_name, complete_var, False, windows_expand_args, **extra
            )
        except typer.Abort:
            code = 130
        except typer.TyperException as error:
            typer.echo("calovox: " + printable(" ".join(error.format_message().split())), err=True)
            code = 2
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else 0)
        return code


class LazyCommand(TyperCommand):
    """A command whose module is imported when it is called, not when the program starts.

    Args:
        name: Name of the command.
        place: Module and name of what `make_command` returned there, ``module:NAME``.
        help: First line of its help.
    """

    def __init__(self, name: str, place: str, help: str) -> None:  # noqa: A002 (as typer has it)
        super().__init__(name, help=help)
        self._place = place

    def load(self) -> TyperCommand:
        """Import the command.

        Returns:
            The command.
        """
        module, _, name = self._place.partition(":")
        command: TyperCommand = getattr(import_module(module), name)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Read the arguments as the command itself does."""
        return self.load().make_context(info_name, args, parent, **extra)


def make_app(commands: Sequence[TyperCommand | CommandGroup], **options: Any) -> typer.Typer:
    """Make a program of commands; it needs a callback for its own options.

    Args:
        commands: In the order of the help.
        options: Name and help.

    Returns:
        The program.
    """

    class Program(CommandGroup):
        def __init__(self, **attributes: Any) -> None:
            super().__init__(**{**attributes, "commands": commands})

    return typer.Typer(
        cls=Program, add_completion=False, pretty_exceptions_enable=False, **options
    )
