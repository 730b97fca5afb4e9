"""`calovox reconstruct`: cells become shower shapes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.settings import DetectorIn, FileIn, FileOut, Output, Seed, given_detector

__all__ = ["RECONSTRUCT", "ReconstructSettings", "reconstruct"]

_EXAMPLE = "calovox reconstruct simulated.h5 -o shapes.parquet"

_STRIP_ROWS: dict[int, Literal[1, 2]] = {1: 1, 2: 2}


@dataclass(frozen=True, kw_only=True)
class ReconstructSettings:
    """Settings of `calovox reconstruct`."""

    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="Hits file, or dataset with cells."
        ),
        FileIn(),
    ]
    output: Output
    detector: DetectorIn = None
    calibration: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Dataset whose calibration to use; the file's own one if none is given.",
        ),
        FileIn(),
    ] = None
    strip_rows: Annotated[
        int,
        typer.Option(
            min=1, max=2, help="Rows of strips in the profile of EMB1: 1 as the note, 2 as ATLAS."
        ),
    ] = 1
    seed: Seed = 1
    cells: Annotated[
        Path | None,
        typer.Option(
            help="Also write the cells, one row per shower, into this file: .root or .parquet."
        ),
        FileOut(),
    ] = None


def reconstruct(settings: ReconstructSettings, job: Job) -> str:
    """Compute the shower shapes of reference or simulated showers, one row per shower.

    With --cells, the cells of each shower go into a file for other programs as well.
    """
    from calovox.dataset.cells import open_cells, read_calibration
    from calovox.dataset.detectors import detector_of
    from calovox.reconstruction.cells_file import check_cells_name
    from calovox.reconstruction.file import reconstruct_file

    if settings.cells is not None:
        check_cells_name(settings.cells)
    detector = detector_of(settings.file, given_detector(settings.detector))
    source = open_cells(settings.file, detector.cells, seed=settings.seed)
    reconstruct_file(
        source,
        settings.output,
        calibration=read_calibration(settings.calibration or settings.file),
        strip_rows=_STRIP_ROWS[settings.strip_rows],
        cells=settings.cells,
        **job.writing(),
    )
    return f"{settings.output}: shapes of {len(source)} showers"


RECONSTRUCT = make_command("reconstruct", ReconstructSettings, reconstruct, example=_EXAMPLE)
