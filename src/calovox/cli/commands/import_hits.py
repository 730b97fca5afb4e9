"""`calovox import`: hits of other programs become a hits file, showers a dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.errors import warn
from calovox.cli.settings import (
    Compress,
    DetectorIn,
    FileIn,
    Output,
    PrecisionBits,
    given_detector,
)
from calovox.text import printable
from calovox.units import parse_quantity

if TYPE_CHECKING:
    from calovox.foreign.description import Description
    from calovox.foreign.guessing import Guess
    from calovox.foreign.showers import ShowerSource

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
            help="Hits in csv, Parquet, ROOT (also EDM4hep) or HDF5, in order; or one file of "
            "showers of the CaloChallenge, LEMURS or Par04.",
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
    binning: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="XML file of the voxels of the CaloChallenge."
        ),
        FileIn(),
    ] = None
    eta: Annotated[
        float | None,
        typer.Option(
            min=-10.0,
            max=10.0,
            help="Pseudorapidity of showers of the CaloChallenge. [default: 0]",
        ),
    ] = None
    ring: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH",
            help="Width of the rings of LEMURS and Par04. [default: 4.65mm, silicon and tungsten]",
        ),
    ] = None
    detector: DetectorIn = None
    precision_bits: PrecisionBits = None
    compression: Compress = "blosc2"


def import_files(settings: ImportSettings, job: Job) -> str:
    """Turn hits of other programs into a hits file, and showers into a dataset.

    What the columns mean is guessed, where names and values leave no doubt. --dry-run prints the
    description, to be changed and given with --description.
    """
    from calovox.foreign.make import ForeignHits, import_hits
    from calovox.geometry.detector_files import choose_detector

    if _has_showers(settings):
        return _import_showers(settings, job)
    description = _describe(settings)
    detector = choose_detector(given_detector(settings.detector), {})
    content = import_hits(
        ForeignHits(settings.files, description, settings.photons or (), detector),
        settings.output,
        precision_bits=settings.precision_bits,
        compression=settings.compression,
        **job.writing(),
    )
    warn(settings.output, content.shares.warnings())
    return f"{settings.output}: {content}"


def _has_showers(settings: ImportSettings) -> bool:
    from calovox.foreign.showers import layout_of

    if layout_of(settings.files[0]) is not None:
        return True
    for option in ("binning", "eta", "ring"):
        if getattr(settings, option) is not None:
            raise ValueError(
                f"--{option} is for showers of the CaloChallenge, LEMURS or Par04, and "
                f"{settings.files[0]} has none: leave it out"
            )
    return False


def _import_showers(settings: ImportSettings, job: Job) -> str:
    from calovox.foreign.showers import import_showers

    content = import_showers(
        _open_showers(settings),
        settings.output,
        detector=given_detector(settings.detector),
        compression=settings.compression,
        precision_bits=settings.precision_bits,
        **job.writing(),
    )
    warn(settings.output, content.shares.warnings())
    return f"{settings.output}: {content}"


def _open_showers(settings: ImportSettings) -> "ShowerSource":
    from calovox.foreign.showers import ShowerOptions, open_foreign_showers

    for option in ("photons", "description"):
        if getattr(settings, option):
            raise ValueError(f"--{option} is for hits, and {settings.files[0]} has showers")
    if len(settings.files) > 1:
        raise ValueError(f"expected one file of showers, got {len(settings.files)}")
    ring = None if settings.ring is None else parse_quantity(settings.ring, "length")
    if ring is not None and ring <= 0.0:
        raise ValueError(f"--ring: expected more than 0, got {settings.ring}")
    return open_foreign_showers(
        settings.files[0], ShowerOptions(settings.binning, settings.eta, ring)
    )


def _describe(settings: ImportSettings) -> "Description":
    from calovox.foreign.description_file import read_description

    if settings.description is not None:
        return read_description(settings.description)
    guess = _guess(settings)
    description = guess.description()
    typer.echo(printable(f"calovox: guessed: {guess.summary()} (--dry-run shows why)"), err=True)
    return description


def _guess(settings: ImportSettings) -> "Guess":
    from calovox.foreign.guessing import guess_description

    photons = settings.photons[0] if settings.photons else None
    return guess_description(settings.files[0], photons, given_detector(settings.detector))


def _show_description(settings: ImportSettings) -> str:
    """Write the description that would be used."""
    from calovox.foreign.description_file import format_sections, read_description

    if _has_showers(settings):
        source = _open_showers(settings)
        return (
            f"# {len(source)} showers of {source.layout} on {source.grid.n_voxels} voxels of "
            f"{len(source.grid.numbers)} layers\n"
        )
    if settings.description is not None:
        return format_sections(read_description(settings.description).to_dict(), {})
    return _guess(settings).text()


IMPORT = make_command(
    "import", ImportSettings, import_files, example=_EXAMPLE, document=_show_description
)
