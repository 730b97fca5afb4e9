"""`calovox show`: one shower as a picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.settings import DetectorIn, FileIn, FileInText, FileOut, given_detector

__all__ = ["SHOW", "ShowSettings", "show"]

_EXAMPLE = "calovox show photons.h5 --event 7 --view cells -o shower.png"


@dataclass(frozen=True, kw_only=True)
class ShowSettings:
    """Settings of `calovox show`."""

    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="Hits file or dataset, any origin."
        ),
        FileIn(),
    ]
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The picture: a name with .png, .svg or .pdf."),
        FileOut(),
    ]
    event: Annotated[int, typer.Option(min=0, help="Position of the shower in the file.")] = 0
    view: Annotated[
        Literal["voxels", "cells", "profile"],
        typer.Option(help="Its voxels, its cells, or the energies of its layers."),
    ] = "voxels"
    layer: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            max=254,
            help="Number of a layer, may be repeated. [default: all, twelve at most]",
        ),
    ] = None
    grid: Annotated[
        str | None,
        typer.Option(
            metavar="GRID",
            help="Voxels of hits, as in calovox voxelize. [default: optimal]",
        ),
        FileInText(words=("optimal", "regular", "compact")),
    ] = None
    detector: DetectorIn = None


def show(settings: ShowSettings, job: Job) -> str:
    """Draw one shower: its voxels, its cells, or its longitudinal profile."""
    from calovox.dataset.detectors import detector_of
    from calovox.drawing import draw_shower, read_shower, save_shower
    from calovox.voxelization.choice import choose_grid

    detector = detector_of(settings.file, given_detector(settings.detector))
    shower = read_shower(
        settings.file,
        settings.event,
        grid=None if settings.grid is None else choose_grid(settings.grid, detector.layers),
        detector=detector,
    )
    figure = draw_shower(shower, settings.view, settings.layer)
    save_shower(figure, settings.output, overwrite=job.overwrite)
    return f"{settings.output}: {shower.title}, {settings.view}"


SHOW = make_command("show", ShowSettings, show, example=_EXAMPLE)
