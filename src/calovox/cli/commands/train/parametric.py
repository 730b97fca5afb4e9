"""`calovox train parametric`: FastCaloSimV2 is fitted to hits, without a network."""

from dataclasses import dataclass
from typing import Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.progress import track
from calovox.cli.settings import (
    CurveToRemove,
    DetectorIn,
    HitsIn,
    Output,
    given_detector,
    parse_range,
)

__all__ = ["TRAIN_PARAMETRIC", "TrainParametricSettings", "train_parametric"]

_EXAMPLE = "calovox train parametric train_*.h5 --energy 256MeV:524.288GeV -o parametrisation.h5"


@dataclass(frozen=True, kw_only=True)
class TrainParametricSettings:
    """Settings of `calovox train parametric`."""

    hits: HitsIn
    output: Output
    eta: Annotated[
        str,
        typer.Option(
            metavar="LOW:HIGH",
            help="Take showers with |eta| from LOW to below HIGH, multiples of 0.05.",
        ),
    ] = "0:1.35"
    energy: Annotated[
        str | None,
        typer.Option(
            metavar="LOW:HIGH",
            help="Store the powers of two in it, 256MeV:524.288GeV; by default all with showers.",
        ),
    ] = None
    phi_modulation: CurveToRemove = None
    detector: DetectorIn = None


def train_parametric(settings: TrainParametricSettings, job: Job) -> str:
    """Fit FastCaloSimV2, the parametric simulation of AtlFast3, to hits.

    The file that it writes is a model for simulate, benchmark and info.
    """
    from calovox.geometry.detector_files import check_barrel
    from calovox.models.parametric.file import write_parametric
    from calovox.models.parametric.fit import fit_parametric
    from calovox.phi_modulation.bare_hits import BareHits

    own = given_detector(settings.detector)
    hits = BareHits(settings.hits, settings.phi_modulation, None if own is None else own.cells)
    check_barrel("train parametric", own, hits.files.detectors)
    energy = settings.energy
    model = fit_parametric(
        lambda title: hits.batches(title, track),
        eta_range=parse_range("--eta", settings.eta, None),
        energy_range=None if energy is None else parse_range("--energy", energy, "energy"),
        phi_modulation=hits.phi_modulation,
        provenance=job.provenance | {"hits": hits.provenance},
        particle=hits.files.particle,
    )
    write_parametric(settings.output, model, overwrite=job.overwrite)
    return f"{settings.output}: {model!r}, {model.n_showers.min()} showers or more in a sample"


TRAIN_PARAMETRIC = make_command(
    "parametric", TrainParametricSettings, train_parametric, example=_EXAMPLE
)
