"""`calovox export-showers`: a dataset in the layout of another program."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.settings import FileIn, FileOut, Output, Seed

__all__ = ["EXPORT_SHOWERS", "ExportShowersSettings", "export_showers_of"]

_EXAMPLE = (
    "calovox export-showers photons.h5 --layout calochallenge --binning binning.xml -o out.hdf5"
)


@dataclass(frozen=True, kw_only=True)
class ExportShowersSettings:
    """Settings of `calovox export-showers`."""

    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET",
            exists=True,
            dir_okay=False,
            help="Dataset whose rings are all divided alike in alpha.",
        ),
        FileIn(),
    ]
    output: Output
    layout: Annotated[
        Literal["calochallenge", "lemurs"],
        typer.Option(help="Layout of the result: CaloChallenge, or LEMURS and Par04."),
    ]
    binning: Annotated[
        Path | None,
        typer.Option(help="Also write the XML file of the voxels, for the CaloChallenge."),
        FileOut(),
    ] = None
    seed: Seed = 1


def export_showers_of(settings: ExportShowersSettings, job: Job) -> str:
    """Write the showers of a dataset in the layout of the CaloChallenge, or of LEMURS and Par04.

    Energies are in MeV. Azimuths that the dataset does not say are drawn from (--seed, index).
    """
    from calovox.foreign.showers import export_showers

    number = export_showers(
        settings.dataset,
        settings.output,
        settings.layout,
        binning=settings.binning,
        seed=settings.seed,
        **job.writing(),
    )
    return f"{settings.output}: {number} showers"


EXPORT_SHOWERS = make_command(
    "export-showers", ExportShowersSettings, export_showers_of, example=_EXAMPLE
)
