"""`calovox phi-modulation`: learn the curves from hits, remove them, apply them."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from calovox.cli.command import Job
from calovox.cli.progress import track
from calovox.cli.settings import FileIn, FileOut, Output, Seed
from calovox.hits import Hits, HitsReader, HitsWriter
from calovox.phi_modulation import (
    Modulation,
    PhiModulation,
    apply_phi_modulation,
    remove_phi_modulation,
)
from calovox.phi_modulation.average_shower import AverageProfile, average_profile, join_averages
from calovox.phi_modulation.curve_file import read_curve, write_curve, write_curve_root
from calovox.phi_modulation.fit import FitResult, FitSettings, fit_phi_modulation
from calovox.phi_modulation.profile import (
    PhaseProfiles,
    concatenate_profiles,
    hits_to_profiles,
    replay_profiles,
)
from calovox.phi_modulation.state import (
    modulation_state,
    state_after_applying,
    state_after_removing,
)
from calovox.units import parse_quantity

__all__ = [
    "APPLY_EXAMPLE",
    "FIT_EXAMPLE",
    "REMOVE_EXAMPLE",
    "CurveSettings",
    "FitCommandSettings",
    "apply_curve",
    "fit_curve",
    "remove_curve",
]

FIT_EXAMPLE = "calovox phi-modulation fit hits.h5 --replay 100 -o curve.h5"
REMOVE_EXAMPLE = "calovox phi-modulation remove hits.h5 --curve curve.h5 -o removed.h5"
APPLY_EXAMPLE = "calovox phi-modulation apply removed.h5 --curve curve.h5 -o applied.h5"

_DEFAULTS = FitSettings()
_AVERAGE_COPIES = 20


@dataclass(frozen=True, kw_only=True)
class FitCommandSettings:
    """Settings of `calovox phi-modulation fit`."""

    hits: Annotated[
        list[Path],
        typer.Argument(metavar="HITS", exists=True, dir_okay=False, help="Hits files, in order."),
        FileIn(),
    ]
    output: Output
    replay: Annotated[
        int,
        typer.Option(
            min=0,
            help="Place each shower so often, at random azimuths; 0 takes showers as they are. "
            "Needs hits of calovox geant4, whose modulation is known.",
        ),
    ] = 0
    root: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write the ROOT files of FastCaloSim, here."),
        FileOut(),
    ] = None
    eta_edges: Annotated[
        str, typer.Option(metavar="EDGES", help="Borders of the |eta| ranges, one curve each.")
    ] = ",".join(f"{edge:g}" for edge in _DEFAULTS.eta_edges)
    min_energy: Annotated[
        str, typer.Option(metavar="ENERGY", help="Showers below are not used.")
    ] = "130GeV"
    layer_weight: Annotated[
        float, typer.Option(min=0.0, help="Weight of a flat E(T) in each layer.")
    ] = _DEFAULTS.layer_weight
    noise_weight: Annotated[
        float, typer.Option(min=0.0, help="Weight of the second differences of the curves.")
    ] = _DEFAULTS.noise_weight
    symmetry_weight: Annotated[
        float, typer.Option(min=0.0, help="Weight of the asymmetry of the curves.")
    ] = _DEFAULTS.symmetry_weight
    steps: Annotated[int, typer.Option(min=1, help="Steps of Adam.")] = _DEFAULTS.steps
    bootstrap: Annotated[
        int, typer.Option(min=2, help="Resamplings that give the uncertainties.")
    ] = _DEFAULTS.n_bootstrap
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


def fit_curve(settings: FitCommandSettings, job: Job) -> str:
    """Learn the phi modulation of each layer from showers, by making E_tot(T) flat.

    T is the position of the shower centre relative to its cell. Curves that the showers do not
    constrain are named at the end; each bin has a bootstrap uncertainty.
    """
    readers = [HitsReader(path) for path in settings.hits]
    details = _fit_settings(settings)
    profiles, average = _read_profiles(readers, settings)
    result = fit_phi_modulation(profiles, details, seed=settings.seed)
    truth = _truth(readers[0])
    write_curve(
        settings.output,
        result,
        settings=details,
        truth=None if truth is None else PhiModulation.from_function(truth),
        average=average,
        overwrite=job.overwrite,
    )
    if settings.root is not None:
        settings.root.mkdir(exist_ok=True)
        write_curve_root(settings.root, result.modulation, overwrite=job.overwrite)
    return "\n".join([f"{settings.output}: {_describe(result)}", *result.warnings])


def remove_curve(settings: CurveSettings, job: Job) -> str:
    """Divide hit energies by the phi modulation at their place.

    A file without modulation is refused.
    """
    reader = HitsReader(settings.hits)
    state = state_after_removing(reader.phi_modulation, settings.hits)
    modulation = read_curve(settings.curve)
    batches = (remove_phi_modulation(hits, modulation) for hits in reader.batches())
    return _write_hits(settings, job, reader, batches, state)


def apply_curve(settings: CurveSettings, job: Job) -> str:
    """Multiply hit energies by the phi modulation at their place.

    A file that has the modulation is refused.
    """
    reader = HitsReader(settings.hits)
    state = state_after_applying(reader.phi_modulation, settings.hits)
    modulation = read_curve(settings.curve)
    batches = (apply_phi_modulation(hits, modulation) for hits in reader.batches())
    return _write_hits(settings, job, reader, batches, state)


def _write_hits(
    settings: CurveSettings,
    job: Job,
    reader: HitsReader,
    batches: Iterator[Hits],
    state: Mapping[str, Any],
) -> str:
    with HitsWriter(
        settings.output,
        overwrite=job.overwrite,
        provenance=job.provenance | {"hits": reader.provenance},
        phi_modulation=state,
    ) as writer:
        for hits in track(batches, "phi modulation", len(reader)):
            writer.append(hits)
    return f"{settings.output}: {len(reader)} showers, phi modulation {state['state']}"


def _fit_settings(settings: FitCommandSettings) -> FitSettings:
    try:
        edges = tuple(float(part) for part in settings.eta_edges.split(","))
    except ValueError:
        raise ValueError(
            f"--eta-edges: expected numbers with commas between, got '{settings.eta_edges}'"
        ) from None
    if not (edges[0] >= 0.0 and edges[-1] < math.inf and np.all(np.diff(edges) > 0.0)):
        raise ValueError(
            f"--eta-edges: expected finite |eta| that rise, got '{settings.eta_edges}'"
        )
    return FitSettings(
        eta_edges=edges,
        min_energy=parse_quantity(settings.min_energy, "energy"),
        layer_weight=settings.layer_weight,
        noise_weight=settings.noise_weight,
        symmetry_weight=settings.symmetry_weight,
        steps=settings.steps,
        n_bootstrap=settings.bootstrap,
    )


def _read_profiles(
    readers: list[HitsReader], settings: FitCommandSettings
) -> tuple[PhaseProfiles, AverageProfile | None]:
    total = sum(len(reader) for reader in readers)
    batches = (hits for reader in readers for hits in reader.batches())
    truth = _truth(readers[0])
    if settings.replay > 0 and truth is None:
        raise ValueError(f"--replay: {settings.hits[0]} does not hold its true modulation")
    profiles, averages = [], []
    for hits in track(batches, "profiles", total):
        if truth is None or settings.replay == 0:
            profiles.append(hits_to_profiles(hits))
        else:
            profiles.append(
                replay_profiles(hits, truth, copies=settings.replay, seed=settings.seed)
            )
        if truth is not None:
            averages.append(
                average_profile(hits, truth, copies=_AVERAGE_COPIES, seed=settings.seed)
            )
    return concatenate_profiles(profiles), join_averages(averages) if averages else None


def _truth(reader: HitsReader) -> Modulation | None:
    """Return the generator's modulation, if the hits hold it and the file knows it."""
    stored = reader.phi_modulation
    if stored is None or modulation_state(stored) != "present" or "cosines" not in stored:
        return None
    from calovox.geant4 import TruePhiModulation

    return TruePhiModulation.from_dict(stored)


def _describe(result: FitResult) -> str:
    spread = [
        f"{before.std() / before.mean():.2%} to {after.std() / after.mean():.2%}"
        for before, after in zip(result.response_before, result.response_after, strict=True)
    ]
    n_showers = " + ".join(map(str, result.n_showers))
    return f"{n_showers} showers, std of E_tot(T) from {' and from '.join(spread)}"
