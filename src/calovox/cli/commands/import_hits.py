"""`calovox import`: hits of other programs become a hits file, showers a dataset or hits."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.errors import warn
from calovox.cli.settings import (
    Compress,
    DetectorIn,
    FileIn,
    Output,
    PlacesIn,
    PrecisionBits,
    check_scale,
    given_detector,
)
from calovox.photons import Particle
from calovox.text import printable
from calovox.units import parse_quantity

if TYPE_CHECKING:
    from calovox.foreign.description import Description
    from calovox.foreign.guessing import Guess
    from calovox.foreign.points import ImportedPoints, PointSource
    from calovox.foreign.showers import ImportedShowers, ShowerSource

__all__ = ["IMPORT", "ImportSettings", "import_files"]

_OF_SHOWERS: Final = ("binning", "eta", "ring", "places", "scale", "particle")
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
            "showers of the CaloChallenge, LEMURS or Par04, HGCal, CaloGAN or showerdata.",
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
    places: PlacesIn = None
    scale: Annotated[
        float | None,
        typer.Option(
            help="Every energy of showers is multiplied by it, as 1 over the sampling fraction. "
            "[default: 1]",
        ),
    ] = None
    particle: Annotated[
        Particle | None,
        typer.Option(help="What made the showers, if their file does not say. [default: photon]"),
    ] = None
    detector: DetectorIn = None
    precision_bits: PrecisionBits = None
    compression: Compress = "blosc2"


def import_files(settings: ImportSettings, job: Job) -> str:
    """Turn hits of other programs into a hits file, and showers into a dataset or hits.

    What the columns mean is guessed, where names and values leave no doubt. --dry-run prints the
    description, to be changed and given with --description.
    """
    from calovox.foreign.make import ForeignHits, import_hits
    from calovox.geometry.detector_files import choose_detector

    layout = _layout(settings)
    if layout is not None:
        return _import_showers(settings, layout, job)
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


def _layout(settings: ImportSettings) -> str | None:
    """Tell the layout of showers; refuse options that are not for what the files have."""
    from calovox.foreign.layouts import LAYOUTS, layout_of

    name = layout_of(settings.files[0])
    if name is None:
        for option in _OF_SHOWERS:
            if getattr(settings, option) is not None:
                raise ValueError(
                    f"--{option} is for showers of {', '.join(LAYOUTS)}, and {settings.files[0]} "
                    "has none of these: leave it out"
                )
        return None
    for option in ("photons", "description"):
        if getattr(settings, option):
            raise ValueError(f"--{option} is for hits, and {settings.files[0]} has showers")
    for option in (*_OF_SHOWERS, "detector"):
        if getattr(settings, option) is not None and option not in LAYOUTS[name].options:
            raise ValueError(f"--{option} is not for showers of {name}: leave it out")
    if len(settings.files) > 1:
        raise ValueError(f"expected one file of showers, got {len(settings.files)}")
    return name


def _import_showers(settings: ImportSettings, layout: str, job: Job) -> str:
    from calovox.foreign.layouts import LAYOUTS

    scale = check_scale(1.0 if settings.scale is None else settings.scale)
    common: dict[str, Any] = {
        "scale": scale,
        "compression": settings.compression,
        "precision_bits": settings.precision_bits,
        **job.writing(),
    }
    content: ImportedShowers | ImportedPoints
    if LAYOUTS[layout].gives == "hits":
        from calovox.foreign.points import import_points

        points = _open_points(settings)
        content = import_points(points, settings.output, particle=settings.particle, **common)
    else:
        from calovox.foreign.showers import import_showers

        content = import_showers(
            _open_showers(settings),
            settings.output,
            detector=given_detector(settings.detector),
            particle=settings.particle or "photon",
            **common,
        )
    warn(settings.output, content.shares.warnings())
    return f"{settings.output}: {content}"


def _open_showers(settings: ImportSettings) -> "ShowerSource":
    from calovox.foreign.showers import ShowerOptions, open_foreign_showers

    ring = None if settings.ring is None else parse_quantity(settings.ring, "length")
    if ring is not None and ring <= 0.0:
        raise ValueError(f"--ring: expected more than 0, got {settings.ring}")
    return open_foreign_showers(
        settings.files[0], ShowerOptions(settings.binning, settings.eta, ring)
    )


def _open_points(settings: ImportSettings) -> "PointSource":
    from calovox.foreign.points import PointOptions, open_foreign_points

    options = PointOptions(given_detector(settings.detector), settings.places)
    return open_foreign_points(settings.files[0], options)


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

    layout = _layout(settings)
    if layout is not None:
        return _show_layout(settings, layout)
    if settings.description is not None:
        return format_sections(read_description(settings.description).to_dict(), {})
    return _guess(settings).text()


def _show_layout(settings: ImportSettings, layout: str) -> str:
    from calovox.foreign.layouts import LAYOUTS

    if LAYOUTS[layout].gives == "hits":
        points = _open_points(settings)
        return (
            f"# {len(points)} showers of {layout}, as hits in {len(points.detector.layers)} "
            f"layers of the detector '{points.detector.name}'\n"
        )
    source = _open_showers(settings)
    return (
        f"# {len(source)} showers of {layout} on {source.grid.n_voxels} voxels of "
        f"{len(source.grid.numbers)} layers\n"
    )


IMPORT = make_command(
    "import", ImportSettings, import_files, example=_EXAMPLE, document=_show_description
)
