"""`calovox export-showers`: a dataset or hits in the layout of another program."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.errors import warn
from calovox.cli.settings import (
    DetectorIn,
    FileIn,
    FileOut,
    Output,
    PlacesIn,
    Seed,
    check_scale,
    given_detector,
)

if TYPE_CHECKING:
    from calovox.foreign.points import PointLayout

__all__ = ["EXPORT_SHOWERS", "ExportShowersSettings", "export_showers_of"]

_EXAMPLE = (
    "calovox export-showers photons.h5 --layout calochallenge --binning binning.xml -o out.hdf5"
)


@dataclass(frozen=True, kw_only=True)
class ExportShowersSettings:
    """Settings of `calovox export-showers`."""

    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Dataset whose rings are all divided alike in alpha, for calochallenge and "
            "lemurs; hits file for calogan, hgcal and showerdata.",
        ),
        FileIn(),
    ]
    output: Output
    layout: Annotated[
        Literal["calochallenge", "lemurs", "calogan", "hgcal", "showerdata"],
        typer.Option(help="Layout of the result."),
    ]
    binning: Annotated[
        Path | None,
        typer.Option(help="Also write the XML file of the voxels, for the CaloChallenge."),
        FileOut(),
    ] = None
    places: PlacesIn = None
    scale: Annotated[
        float, typer.Option(help="Every energy is multiplied by it, as the sampling fraction.")
    ] = 1.0
    detector: DetectorIn = None
    seed: Seed = 1


def export_showers_of(settings: ExportShowersSettings, job: Job) -> str:
    """Write showers in the layout of another program: of the voxels of a dataset, or of hits.

    Azimuths that a dataset does not say are drawn from (--seed, index).
    """
    layout = settings.layout
    check_scale(settings.scale)
    if layout == "calochallenge" or layout == "lemurs":
        return _export_voxels(settings, layout, job)
    return _export_hits(settings, layout, job)


def _export_voxels(
    settings: ExportShowersSettings, layout: Literal["calochallenge", "lemurs"], job: Job
) -> str:
    from calovox.foreign.showers import export_showers

    _check_kind(settings, "dataset", "voxelize writes one")
    for option in ("places", "detector"):
        if getattr(settings, option) is not None:
            raise ValueError(f"--{option} is not for --layout {layout}: leave it out")
    number = export_showers(
        settings.file,
        settings.output,
        layout,
        binning=settings.binning,
        seed=settings.seed,
        scale=settings.scale,
        **job.writing(),
    )
    return f"{settings.output}: {number} showers"


def _export_hits(settings: ExportShowersSettings, layout: "PointLayout", job: Job) -> str:
    from calovox.foreign.points import export_points

    _check_kind(settings, "hits", "simulate --hits writes one")
    if settings.binning is not None:
        raise ValueError("--binning is for --layout calochallenge: leave it out")
    number, outside = export_points(
        settings.file,
        settings.output,
        layout,
        detector=given_detector(settings.detector),
        places=settings.places,
        scale=settings.scale,
        **job.writing(),
    )
    if outside > 0.1:
        warn(settings.output, [f"{100.0 * outside:.3g} % of the energy is beside all cells"])
    lost = f", {100.0 * outside:.3g} % of the energy beside all cells" if outside else ""
    return f"{settings.output}: {number} showers{lost}"


def _check_kind(settings: ExportShowersSettings, wanted: str, hint: str) -> None:
    from calovox.files.formats import detect_format

    kind = detect_format(settings.file)
    if kind != wanted:
        raise ValueError(
            f"{settings.file}: --layout {settings.layout} takes a {wanted} file, got "
            f"{kind or 'another one'}: {hint}"
        )


EXPORT_SHOWERS = make_command(
    "export-showers", ExportShowersSettings, export_showers_of, example=_EXAMPLE
)
