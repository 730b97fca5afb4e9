"""`calovox import`: hits of other programs become a hits file."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calovox.cli.command import Job, make_command, warn
from calovox.cli.settings import CellsTable, FileIn, Output, PrecisionBits
from calovox.text import printable

if TYPE_CHECKING:
    from calovox.foreign.description import Description
    from calovox.foreign.guessing import Guess

__all__ = ["IMPORT", "ImportSettings", "import_files"]

_EXAMPLE = "calovox import hits.csv --photons primaries.csv -o hits.h5"


@dataclass(frozen=True, kw_only=True)
class ImportSettings:
    """Settings of `calovox import`."""

    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Hits in csv, Parquet, ROOT (also EDM4hep) or HDF5, in order.",
        ),
        FileIn(),
    ]
    output: Output
    photons: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Photons of the events, if in another file; one for all files, or one for each.",
        ),
        FileIn(),
    ] = None
    description: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="TOML file that says what the columns mean. [default: guessed, see --dry-run]",
        ),
        FileIn(),
    ] = None
    cells_table: CellsTable = None
    precision_bits: PrecisionBits = None


def import_files(settings: ImportSettings, job: Job) -> str:
    """Turn hits of other programs into a hits file.

    What the columns mean is guessed, where names and values leave no doubt. --dry-run prints the
    description, to be changed and given with --description.
    """
    from calovox.foreign.make import ForeignHits, import_hits
    from calovox.geometry import read_barrel

    description = _describe(settings)
    own = None if settings.cells_table is None else read_barrel(settings.cells_table).cells
    content = import_hits(
        ForeignHits(settings.files, description, settings.photons or ()),
        settings.output,
        cells=own,
        precision_bits=settings.precision_bits,
        **job.writing(),
    )
    warn(settings.output, content.shares.warnings())
    return f"{settings.output}: {content}"


def _describe(settings: ImportSettings) -> "Description":
    from calovox.foreign.description import read_description

    if settings.description is not None:
        return read_description(settings.description)
    guess = _guess(settings)
    description = guess.description()
    typer.echo(printable(f"calovox: guessed: {guess.summary()} (--dry-run shows why)"), err=True)
    return description


def _guess(settings: ImportSettings) -> "Guess":
    from calovox.foreign.guessing import guess_description

    return guess_description(settings.files[0], settings.photons[0] if settings.photons else None)


def _show_description(settings: ImportSettings) -> str:
    """Write the description that would be used."""
    from calovox.foreign.description import format_sections, read_description

    if settings.description is not None:
        return format_sections(read_description(settings.description).to_dict(), {})
    return _guess(settings).text()


IMPORT = make_command(
    "import", ImportSettings, import_files, example=_EXAMPLE, document=_show_description
)
