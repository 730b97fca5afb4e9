"""What all commands have in common: options, settings files, dry runs, provenance."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from calovox import __version__
from calovox.cli.errors import ChecksFailedError, one_line_errors
from calovox.cli.options import make_settings, options_of
from calovox.cli.values import (
    check_numbers,
    files_read,
    files_written,
    read_settings,
    resolved_settings,
    settings_text,
    without_effect,
)
from calovox.text import printable

__all__ = ["Job", "StageCommand", "call_to_command", "make_command"]

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Job:
    """One run of a command.

    Attributes:
        overwrite: Whether existing results may be replaced.
        provenance: Program, command and settings, to be stored in the result.
    """

    overwrite: bool
    provenance: dict[str, Any]

    def writing(self) -> dict[str, Any]:
        """Give what every function of the library that writes a file is told."""
        from calovox.cli.progress import track

        return {"overwrite": self.overwrite, "provenance": self.provenance, "track": track}


class StageCommand(TyperCommand):
    """A command of the program."""

    context_class = typer.Context


def make_command(
    name: str,
    settings_type: type[Settings],
    run: Callable[[Settings, Job], str],
    *,
    example: str,
    preview: Callable[[Settings], list[str]] | None = None,
    document: Callable[[Settings], str] | None = None,
    continues: bool = False,
) -> TyperCommand:
    """Make a command of the program.

    Args:
        name: Name of the command.
        settings_type: Frozen dataclass, keyword only, with a typer option or argument in the
            annotation of each field, and a field `output`.
        run: Does the work and returns one line that sums up the result; its docstring is the
            help.
        example: One real call.
        preview: Gives further lines for a dry run.
        document: Gives a TOML document that a dry run prints, with all else as comments before it.
        continues: Whether the command itself decides if an existing output may be written to,
            and stores the settings inside of it.

    Returns:
        The command.
    """
    actions = _Actions(run, preview, document, continues)

    def read_defaults(context: typer.Context, path: Path | None) -> Path | None:
        if path is not None:
            with one_line_errors(traceback=False):
                context.default_map = read_settings(path, settings_type)
        return path

    def callback(
        context: typer.Context, *, force: bool, dry_run: bool, config: Path | None, **values: Any
    ) -> None:
        with one_line_errors(traceback=context.find_root().params["traceback"]):
            check_numbers(values)
            called = " ".join(["calovox", *context.command_path.split()[1:]])
            made = make_settings(settings_type, values)
            _run(name, called, made, actions, force=force, dry_run=dry_run)

    parameters = list(_parameters(settings_type, read_defaults))
    callback.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    callback.__annotations__ = {entry.name: entry.annotation for entry in parameters}
    return call_to_command(name, callback, help=inspect.getdoc(run), example=example)


def _parameters(
    settings_type: type, read_defaults: Callable[[typer.Context, Path | None], Path | None]
) -> Iterator[inspect.Parameter]:
    """Write the options of a command, its own and the common ones, as typer reads them."""
    config = typer.Option(
        is_eager=True,
        exists=True,
        dir_okay=False,
        callback=read_defaults,
        help="TOML file with values for the options above.",
    )
    force = typer.Option("--force", help="Replace existing results.")
    dry_run = typer.Option("--dry-run", help="Show the settings and what would be done.")
    for name, hint, default in (
        ("context", typer.Context, MISSING),
        *((option.name, option.hint, option.default) for option in options_of(settings_type)),
        ("force", Annotated[bool, force], False),
        ("config", Annotated[Path | None, config], None),
        ("dry_run", Annotated[bool, dry_run], False),
    ):
        yield inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hint,
            default=inspect.Parameter.empty if default is MISSING else default,
        )


def call_to_command(
    name: str,
    callback: Callable[..., None],
    *,
    help: str | None,  # noqa: A002 (as typer has it)
    example: str,
) -> TyperCommand:
    """Make a command of a function whose parameters are its options.

    Args:
        name: Name of the command.
        callback: Called with the options.
        help: What the command does.
        example: One real call.

    Returns:
        The command.
    """
    alone = typer.Typer(add_completion=False)
    alone.command(name, cls=StageCommand, help=help, epilog=f"Example: {example}")(callback)
    command = typer.main.get_command(alone)
    assert isinstance(command, StageCommand)
    return command


@dataclass(frozen=True)
class _Actions:
    """What a command does: see `make_command`."""

    run: Callable[[Any, Job], str]
    preview: Callable[[Any], list[str]] | None
    document: Callable[[Any], str] | None
    continues: bool


def _run(
    name: str, called: str, settings: Any, actions: _Actions, *, force: bool, dry_run: bool
) -> None:
    from calovox.files.whole import check_writable

    for path in files_written(settings):
        check_writable(path, overwrite=force or actions.continues)
    values = resolved_settings(settings, settings.output.parent)
    if dry_run:
        text = settings_text(resolved_settings(settings, Path()))
        if actions.document is not None:
            text = "".join(f"# {line}\n" for line in text.splitlines())
        typer.echo(text, nl=False)
        read = ", ".join(map(str, files_read(settings))) or "nothing"
        typer.echo(printable(f"# {called} would read {read}"))
        written = ", ".join(map(str, files_written(settings)))
        typer.echo(printable(f"# and write {written}"))
        for line in actions.preview(settings) if actions.preview is not None else ():
            typer.echo(printable(f"# {line}"))
        if actions.document is not None:
            typer.echo(printable("\n" + actions.document(settings)), nl=False)
        return
    if sys.stderr.isatty():  # the libraries of a stage are slow to import
        read = ", ".join(map(str, files_read(settings))) or "nothing to read"
        typer.echo(printable(f"{called}: {read}, to {settings.output}"), err=True)
    aside = without_effect(settings)
    made_with = {key: value for key, value in values.items() if key not in aside}
    provenance = {"program": f"calovox {__version__}", "command": name, "settings": made_with}
    job = Job(overwrite=force, provenance=provenance)
    failed = None
    with nullcontext() if actions.continues else _record(name, settings, values):
        try:
            typer.echo(printable(actions.run(settings, job)))
        except ChecksFailedError as error:
            failed = error
    if failed is not None:
        typer.echo(printable(str(failed)), err=True)
        raise typer.Exit(1)


@contextmanager
def _record(name: str, settings: Any, values: dict[str, Any]) -> Iterator[None]:
    """Write the settings first, so that they cannot fail behind the result, and show them last."""
    from calovox.files.whole import whole_file

    record = settings.output.with_name(settings.output.name + ".config.toml")
    with whole_file(record, overwrite=True) as partial:
        partial.write_text(f"# calovox {__version__}, {name}\n{settings_text(values)}")
        yield
