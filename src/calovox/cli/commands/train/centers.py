"""`calovox train centers`: where showers lie about the impact of their photons."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.settings import FileIn, Output

__all__ = ["TRAIN_CENTERS", "TrainCentersSettings", "train_centers"]

_EXAMPLE = "calovox train centers train_optimal.h5 -o centers.json"


@dataclass(frozen=True, kw_only=True)
class TrainCentersSettings:
    """Settings of `calovox train centers`."""

    datasets: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATASET",
            exists=True,
            dir_okay=False,
            help="Datasets of calovox voxelize, which know centres and photons.",
        ),
        FileIn(),
    ]
    output: Output


def train_centers(settings: TrainCentersSettings, job: Job) -> str:
    """Fit where the centre of a shower lies about the impact of its photon.

    The file that it writes is for `simulate --center` and `export --centers`.
    """
    from calovox.training.fits.centers import fit_centers_of

    model, number = fit_centers_of(settings.datasets, provenance=job.provenance)
    model.write(settings.output, overwrite=job.overwrite)
    return f"{settings.output}: centres of {number} showers"


TRAIN_CENTERS = make_command("centers", TrainCentersSettings, train_centers, example=_EXAMPLE)
