"""`calovox phi-modulation`: learn the curves from hits, remove them, apply them."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.options import Group
from calovox.cli.progress import track
from calovox.cli.settings import DetectorIn, FileIn, FileOut, HitsIn, Output, Seed, given_detector
from calovox.phi_modulation.fit_settings import FitSettings
from calovox.units import parse_quantity

if TYPE_CHECKING:
    from calovox.geometry import CellTable

__all__ = [
    "APPLY",
    "FIT",
    "REMOVE",
    "CurveSettings",
    "FitCommandSettings",
    "apply_curve",
    "fit_curve",
    "remove_curve",
]

_FIT_EXAMPLE = "calovox phi-modulation fit hits.h5 --replay 100 -o curve.h5"
_REMOVE_EXAMPLE = "calovox phi-modulation remove hits.h5 --curve curve.h5 -o removed.h5"
_APPLY_EXAMPLE = "calovox phi-modulation apply removed.h5 --curve curve.h5 -o applied.h5"

_DEFAULTS = FitSettings()
_OPTIONS = Group(
    without=("eta_edges", "min_energy", "n_phases", "learning_rate", "min_showers"),
    renamed=(("n_bootstrap", "bootstrap"),),
)


@dataclass(frozen=True, kw_only=True)
class FitCommandSettings:
    """Settings of `calovox phi-modulation fit`."""

    hits: HitsIn
    output: Output
    replay: Annotated[
        int,
        typer.Option(
            min=0,
            help="Place each shower this many times at random azimuths; 0 leaves it where it is. "
            "Needs hits of calovox geant4, whose modulation is known.",
        ),
    ] = 0
    detector: DetectorIn = None
    root: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write ROOT files for FastCaloSim into it."),
        FileOut(),
    ] = None
    eta_edges: Annotated[
        str, typer.Option(metavar="EDGES", help="Borders of the |eta| ranges, one curve each.")
    ] = ",".join(f"{edge:g}" for edge in _DEFAULTS.eta_edges)
    min_energy: Annotated[
        str, typer.Option(metavar="ENERGY", help="Lowest energy of the showers used.")
    ] = "130GeV"
    fit: Annotated[FitSettings, _OPTIONS] = _DEFAULTS
    seed: Seed = 1


@dataclass(frozen=True, kw_only=True)
class CurveSettings:
    """Settings of `calovox phi-modulation remove` and `apply`."""

    hits: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Hits file."), FileIn()]
    curve: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="Curves of calovox phi-modulation fit."),
        FileIn(),
    ]
    output: Output
    detector: DetectorIn = None


def fit_curve(settings: FitCommandSettings, job: Job) -> str:
    """Learn the phi modulation of each layer from showers, by making E_tot(T) flat.

    T is the position of the shower centre relative to its cell. Curves that the showers do not
    constrain are set to 1 and named at the end, as are those that keep a sine part; each bin has a
    bootstrap uncertainty.
    """
    from calovox.geant4.truth import read_true_modulation
    from calovox.phi_modulation.files import fit_to_files

    result = fit_to_files(
        settings.hits,
        settings.output,
        _fit_settings(settings),
        seed=settings.seed,
        truth=read_true_modulation(settings.hits[0]),
        replay=settings.replay,
        cells=_read_cells(settings.detector, settings.hits),
        root=settings.root,
        overwrite=job.overwrite,
        track=track,
    )
    return "\n".join([f"{settings.output}: {result}", *result.warnings])


def remove_curve(settings: CurveSettings, job: Job) -> str:
    """Divide hit energies by the phi modulation at their place.

    A file without modulation is refused.
    """
    from calovox.phi_modulation.files import remove_from_file

    number = remove_from_file(
        settings.hits,
        settings.curve,
        settings.output,
        cells=_read_cells(settings.detector, settings.hits),
        **job.writing(),
    )
    return f"{settings.output}: {number} showers, phi modulation removed"


def apply_curve(settings: CurveSettings, job: Job) -> str:
    """Multiply hit energies by the phi modulation at their place.

    A file that has the modulation is refused.
    """
    from calovox.phi_modulation.files import apply_to_file

    number = apply_to_file(
        settings.hits,
        settings.curve,
        settings.output,
        cells=_read_cells(settings.detector, settings.hits),
        **job.writing(),
    )
    return f"{settings.output}: {number} showers, phi modulation present"


def _read_cells(path: Path | None, hits: list[Path] | Path) -> "CellTable | None":
    from calovox.geometry.detector_files import check_barrel
    from calovox.hits.file import HitsReader

    own = given_detector(path)
    files = hits if isinstance(hits, list) else [hits]
    check_barrel(
        "phi-modulation",
        own,
        {file: HitsReader(file, takes_weights=True).detector for file in files},
    )
    return None if own is None else own.cells


def _fit_settings(settings: FitCommandSettings) -> FitSettings:
    try:
        edges = tuple(float(part) for part in settings.eta_edges.split(","))
    except ValueError:
        raise ValueError(
            f"--eta-edges: expected numbers with commas between, got '{settings.eta_edges}'"
        ) from None
    rising = all(low < high for low, high in pairwise(edges))
    if not (edges[0] >= 0.0 and edges[-1] < math.inf and rising):
        raise ValueError(
            f"--eta-edges: expected finite |eta| that rise, got '{settings.eta_edges}'"
        )
    energy = parse_quantity(settings.min_energy, "energy")
    return replace(settings.fit, eta_edges=edges, min_energy=energy)


FIT = make_command("fit", FitCommandSettings, fit_curve, example=_FIT_EXAMPLE)
REMOVE = make_command("remove", CurveSettings, remove_curve, example=_REMOVE_EXAMPLE)
APPLY = make_command("apply", CurveSettings, apply_curve, example=_APPLY_EXAMPLE)
