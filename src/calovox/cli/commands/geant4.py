"""`calovox geant4`: photons through Geant4, hits into a file."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.settings import (
    Energies,
    Etas,
    FirstEvent,
    Number,
    Output,
    PrecisionBits,
    Scheduler,
    Seed,
    Workers,
)
from calovox.photons import Particle
from calovox.units import parse_quantity

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from calovox.geant4 import Geant4Settings
    from calovox.photons import Photons

__all__ = ["GEANT4", "Geant4CommandSettings", "simulate_with_geant4"]

_EXAMPLE = "calovox geant4 --energy 49GeV:98GeV --eta abs:0.2:0.25 -n 2000 --workers 2 -o hits.h5"


@dataclass(frozen=True, kw_only=True)
class Geant4CommandSettings:
    """Settings of `calovox geant4`."""

    output: Output
    energy: Energies
    eta: Etas
    number: Number
    particle: Annotated[Particle, typer.Option(help="What is simulated.")] = "photon"
    seed: Seed = 1
    first_event: FirstEvent = 0
    workers: Workers = 1
    scheduler: Scheduler = None
    cut: Annotated[str, typer.Option(metavar="LENGTH", help="Production threshold.")] = "0.1mm"
    phi_modulation: Annotated[
        bool, typer.Option(help="Modulate the collected charge along phi.")
    ] = True
    merging: Annotated[
        Literal["note", "legacy"],
        typer.Option(help="Merge hits within 0.5 mm, or within the older 1 and 5 mm."),
    ] = "note"
    precision_bits: PrecisionBits = None
    start_radius: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH",
            help="Start photons at this distance from the beam axis, as those that have not "
            "interacted before; their showers have weights.",
        ),
    ] = None
    start_share: Annotated[
        float,
        typer.Option(
            help="Share of the photons that start at --start-radius. Below 1, the weighted "
            "showers are a sample of all, to train with; at 1, of the late ones alone."
        ),
    ] = 1.0


def simulate_with_geant4(settings: Geant4CommandSettings, job: Job) -> str:
    """Simulate photons, electrons or positrons in the built-in ATLAS-like barrel with Geant4.

    Events do not depend on the number of workers or machines. A run that was stopped leaves
    finished parts in OUTPUT.shards; the same command continues from them.
    """
    from rich.console import Console

    from calovox.geant4 import generate_hits, shower_progress

    photons = _draw_photons(settings)
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    with _machines(settings.scheduler) as executor, shower_progress(photons, console) as on_shard:
        generate_hits(
            photons,
            settings.output,
            _choose_physics(settings),
            workers=settings.workers,
            executor=executor,
            overwrite=job.overwrite,
            on_shard=on_shard,
            on_damage=lambda path: console.print(f"{path} is damaged: it is made anew"),
        )
    return f"{settings.output}: {len(photons)} showers of {settings.particle}s"


def _machines(address: str | None) -> "AbstractContextManager[Executor | None]":
    if address is None:
        return nullcontext()
    from calovox.jobs.scheduler import dask_executor

    return dask_executor(address)


def _draw_photons(settings: Geant4CommandSettings) -> "Photons":
    from calovox.photons import draw_photons, event_indices, parse_energies, parse_etas

    events = event_indices(settings.first_event, settings.number)
    energy, eta = parse_energies(settings.energy), parse_etas(settings.eta)
    return draw_photons(events, energy=energy, eta=eta, seed=settings.seed)


def _choose_physics(settings: Geant4CommandSettings) -> "Geant4Settings":
    from calovox.geant4 import Geant4Settings, Response, StartRadius
    from calovox.hits.merging import MergingRadii

    start = None
    if settings.start_radius is not None:
        start = StartRadius(parse_quantity(settings.start_radius, "length"), settings.start_share)
    elif settings.start_share != 1.0:
        raise ValueError("--start-share: expected --start-radius with it, got none: where?")
    return Geant4Settings(
        seed=settings.seed,
        cut=parse_quantity(settings.cut, "length"),
        response=Response() if settings.phi_modulation else Response(modulation=None),
        precision_bits=settings.precision_bits,
        particle=settings.particle,
        merging={"note": MergingRadii.fine, "legacy": MergingRadii.coarse}[settings.merging](),
        start=start,
    )


GEANT4 = make_command("geant4", Geant4CommandSettings, simulate_with_geant4, example=_EXAMPLE)
