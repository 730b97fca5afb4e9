"""What all commands have in common: options, settings files, dry runs, errors, provenance."""

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from calovox import __version__
from calovox.cli.settings import (
    check_numbers,
    files_read,
    files_written,
    read_settings,
    resolved_settings,
    settings_text,
)
from calovox.files.whole import check_writable, whole_file
from calovox.text import printable

__all__ = [
    "ChecksFailedError",
    "CommandGroup",
    "Job",
    "StageCommand",
    "add_command",
    "one_line_errors",
]

Settings = TypeVar("Settings")

EXTRAS = {
    "calzone": "geant4",
    "jinja2": "plot",
    "lightning_fabric": "train",
    "matplotlib": "plot",
    "onnx": "train",
    "onnxscript": "train",
    "safetensors": "train",
    "tensorboardX": "train",
    "torch": "train",
}
"""The extra of the package that brings a library which is not always installed."""


STAGES = (
    *("geant4", "voxelize", "phi-modulation", "train", "distill", "export"),
    *("simulate", "reconstruct", "evaluate", "benchmark", "info"),
)
"""The commands in the order of the stages."""


@dataclass(frozen=True)
class Job:
    """One run of a command.

    Attributes:
        overwrite: Whether existing results may be replaced.
        provenance: Program, command and settings, to be stored in the result.
    """

    overwrite: bool
    provenance: dict[str, Any]


class ChecksFailedError(Exception):
    """A command has written its result, which fails the checks that were asked for.

    The program says so line by line and leaves with 1.
    """


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

    def list_commands(self, ctx: Any) -> list[str]:
        """List commands in the order of the stages; those of a group as they were added."""
        names = super().list_commands(ctx)
        return sorted(names, key=lambda name: STAGES.index(name) if name in STAGES else -1)


class StageCommand(TyperCommand):
    """A command of the program."""

    context_class = typer.Context


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
            f"this needs {error.name}: install it with pip install 'calovox[{extra}]'"
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


def add_command(
    app: typer.Typer,
    name: str,
    settings_type: type[Settings],
    run: Callable[[Settings, Job], str],
    *,
    example: str,
    preview: Callable[[Settings], list[str]] | None = None,
    continues: bool = False,
) -> None:
    """Add a command to the program.

    Args:
        app: The program.
        name: Name of the command.
        settings_type: Frozen dataclass, keyword only, with a typer option or argument in the
            annotation of each field, and a field `output`.
        run: Does the work and returns one line that sums up the result; its docstring is the
            help.
        example: One real call.
        preview: Gives further lines for a dry run.
        continues: Whether the command itself decides if an existing output may be written to,
            and stores the settings inside of it.
    """
    actions = _Actions(run, preview, continues)

    def read_defaults(context: typer.Context, path: Path | None) -> Path | None:
        if path is not None:
            with one_line_errors(traceback=False):
                context.default_map = read_settings(path, settings_type)
        return path

    def callback(
        context: typer.Context, *, force: bool, dry_run: bool, config: Path | None, **values: Any
    ) -> None:
        with one_line_errors(traceback=context.find_root().params["traceback"]):
            _run(name, settings_type(**values), actions, force=force, dry_run=dry_run)

    hints = {
        "context": typer.Context,
        **get_type_hints(settings_type, include_extras=True),
        "force": Annotated[bool, typer.Option("--force", help="Replace existing results.")],
        "config": Annotated[
            Path | None,
            typer.Option(
                is_eager=True,
                exists=True,
                dir_okay=False,
                callback=read_defaults,
                help="TOML file with values for the options above.",
            ),
        ],
        "dry_run": Annotated[
            bool, typer.Option("--dry-run", help="Show the settings and what would be done.")
        ],
    }
    defaults = {"force": False, "config": None, "dry_run": False}
    callback.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                field,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=hint,
                default=defaults.get(field, _default(settings_type, field)),
            )
            for field, hint in hints.items()
        ]
    )
    callback.__annotations__ = hints
    app.command(name, cls=StageCommand, help=inspect.getdoc(run), epilog=f"Example: {example}")(
        callback
    )


def _default(settings_type: type, field: str) -> Any:
    return getattr(settings_type, field, inspect.Parameter.empty)


@dataclass(frozen=True)
class _Actions:
    """What a command does: see `add_command`."""

    run: Callable[[Any, Job], str]
    preview: Callable[[Any], list[str]] | None
    continues: bool


def _run(name: str, settings: Any, actions: _Actions, *, force: bool, dry_run: bool) -> None:
    check_numbers(settings)
    for path in files_written(settings):
        check_writable(path, overwrite=force or actions.continues)
    values = resolved_settings(settings, settings.output.parent)
    if dry_run:
        typer.echo(settings_text(resolved_settings(settings, Path())), nl=False)
        read = ", ".join(map(str, files_read(settings))) or "nothing"
        typer.echo(printable(f"# calovox {name} would read {read}"))
        written = ", ".join(map(str, files_written(settings)))
        typer.echo(printable(f"# and write {written}"))
        for line in actions.preview(settings) if actions.preview is not None else ():
            typer.echo(printable(f"# {line}"))
        return
    provenance = {"program": f"calovox {__version__}", "command": name, "settings": values}
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
    record = settings.output.with_name(settings.output.name + ".config.toml")
    with whole_file(record, overwrite=True) as partial:
        partial.write_text(f"# calovox {__version__}, {name}\n{settings_text(values)}")
        yield
