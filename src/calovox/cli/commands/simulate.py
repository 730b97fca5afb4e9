"""`calovox simulate`: photons become voxels, hits and cells."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.settings import (
    Accelerator,
    Compress,
    DetectorIn,
    FileIn,
    FileInText,
    FileOut,
    FirstEvent,
    ModelIn,
    Output,
    PartEvents,
    Scheduler,
    Seed,
    given_detector,
)
from calovox.units import parse_quantity

if TYPE_CHECKING:
    from calovox.binned_shower import HitEnergy
    from calovox.geometry import Detector
    from calovox.jobs.scheduler import Part
    from calovox.simulation.photon_choice import PhotonChoice
    from calovox.simulation.sources import Source

__all__ = ["SIMULATE", "SimulateSettings", "simulate"]

_EXAMPLE = (
    "calovox simulate --model exported --energy 65GeV --eta 0.2 -n 10000 --cells -o simulated.h5"
)


@dataclass(frozen=True, kw_only=True)
class SimulateSettings:
    """What to simulate, with which model, and how far."""

    output: Output
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|PATH",
            help="A shipped model, a folder of calovox export, an ONNX file of it, a file of "
            "calovox train parametric, a model of another package, or a dataset: a library of "
            "showers.",
        ),
        ModelIn(),
    ]
    matching: Annotated[
        Literal["perfect", "displaced", "nearest", "random"] | None,
        typer.Option(
            help="Repeat the library's showers, at their place or at new azimuths, or choose "
            "one for each new photon. [default: perfect]",
        ),
    ] = None
    sub_voxels: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|none",
            help="ROOT file: where hits lie in voxels. [default: the model's]",
        ),
        FileInText(words=("none",)),
    ] = None
    phi_modulation: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|none", help="Curves to apply to the hits. [default: the model's]"
        ),
        FileInText(words=("none",)),
    ] = None
    center: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|photon",
            help="File of calovox train centers: how shower centres scatter about photons; or "
            "photon: no scatter, and photons of a dataset at its shower centres. "
            "[default: the model's]",
        ),
        FileInText(words=("photon",)),
    ] = None
    energy: Annotated[
        str | None,
        typer.Option(metavar="ENERGY", help="Energies of new photons, as in calovox geant4."),
    ] = None
    eta: Annotated[
        str | None,
        typer.Option(metavar="ETA", help="Their pseudorapidities, as in calovox geant4."),
    ] = None
    photons: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="New photons: those of a dataset or a hits file, or the columns energy (MeV), "
            "eta and phi of a Parquet, CSV or ROOT file.",
        ),
        FileIn(),
    ] = None
    number: Annotated[
        int | None,
        typer.Option(
            "--number", "-n", min=1, help="How many. [default: all of the library or file]"
        ),
    ] = None
    first_event: FirstEvent = 0
    seed: Seed = 1
    allow_extrapolation: Annotated[
        bool,
        typer.Option(
            "--allow-extrapolation",
            help="Simulate photons outside the model's trained range too, and flag them.",
        ),
    ] = False
    cells: Annotated[bool, typer.Option(help="Store cell energies too.")] = False
    detector: DetectorIn = None
    hits: Annotated[
        Path | None, typer.Option(help="Also write the hits, into this file."), FileOut()
    ] = None
    e_hit: Annotated[
        str | None,
        typer.Option(
            metavar="ENERGY",
            help="Mean energy of a hit with --placement note [default: 4MeV, 6MeV at "
            "0.75 <= |eta| <= 0.8].",
        ),
    ] = None
    placement: Annotated[
        Literal["patterns", "note"] | None,
        typer.Option(
            help="Place hits by patterns of Geant4 showers, or as in the note and in "
            "FastCaloSim. [default: patterns for models of the package and for libraries, if "
            "there are some for the grid; else note]",
        ),
    ] = None
    patterns: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Library of patterns of calovox voxelize --patterns. [default: the package's]",
        ),
        FileIn(),
    ] = None
    accelerator: Accelerator = "cpu"
    compression: Compress = "blosc2"
    scheduler: Scheduler = None
    part_events: PartEvents = 1000


def simulate(settings: SimulateSettings, job: Job) -> str:
    """Simulate photons: voxels of a trained model or of a library become hits and cells.

    FastCaloSimV2 makes the hits itself; its voxels are those of its hits, on the optimal grid.

    The result does not depend on how many photons are simulated at once.
    """
    from calovox.dataset.detectors import check_grid
    from calovox.geometry.detector_files import choose_detector
    from calovox.simulation.files import simulate_to_files

    if settings.scheduler is not None:
        return _simulate_on_machines(settings, settings.scheduler, job)
    own = given_detector(settings.detector)
    source = _open_source(settings, own)
    detector = choose_detector(own, {source.path: source.detector})
    check_grid(source.grid, detector)
    made = simulate_to_files(
        source,
        settings.output,
        seed=settings.seed,
        hits=settings.hits,
        table=detector.cells if settings.cells else None,
        detector=detector,
        hit_energy=_choose_hit_energy(settings.e_hit, source),
        compression=settings.compression,
        **job.writing(),
    )
    summary = f"{settings.output}: {source.number} showers, {source.grid.n_voxels} voxels"
    summary += f", {made.n_extrapolated} extrapolated" * (made.n_extrapolated > 0)
    if source.hits is not None:
        return summary
    how = "as in the note" if made.placement is None else f"by patterns ({made.placement})"
    return f"{summary}; hits placed {how}"


def _simulate_on_machines(settings: SimulateSettings, address: str, job: Job) -> str:
    """Give parts of the showers to the machines of a scheduler, and merge their files."""
    from calovox.jobs.scheduler import PartsOfRun, dask_executor

    if settings.number is None:
        raise ValueError("--scheduler: expected -n as well, got none: how many showers are cut?")
    outputs = [settings.output, *([] if settings.hits is None else [settings.hits])]
    parts = PartsOfRun.cut(settings.first_event, settings.number, settings.part_events, outputs)
    how = job.writing()
    with parts.kept(job.provenance, overwrite=job.overwrite), dask_executor(address) as executor:
        parts.run(executor, partial(_simulate_part, settings, job), track=how["track"])
        parts.merge(overwrite=job.overwrite, track=how["track"])
    return f"{settings.output}: {settings.number} showers of {len(parts.parts)} tasks"


def _simulate_part(settings: SimulateSettings, job: Job, part: "Part") -> None:
    """Simulate some of the showers, on any machine, as a job of its own would."""
    output, *hits = part.outputs
    changed = replace(
        settings,
        first_event=part.first,
        number=part.number,
        output=output,
        hits=hits[0] if hits else None,
        scheduler=None,
    )
    events = {"first_event": part.first, "number": part.number}
    made_with = {**job.provenance["settings"], **events}
    simulate(changed, Job(overwrite=True, provenance={**job.provenance, "settings": made_with}))


def _open_source(settings: SimulateSettings, detector: "Detector | None") -> "Source":
    from calovox.simulation.placement import place_source
    from calovox.simulation.sources import open_source

    source = open_source(
        settings.model,
        _choose_photons(settings),
        seed=settings.seed,
        matching=settings.matching,
        sub_voxels=settings.sub_voxels,
        phi_modulation=settings.phi_modulation,
        allow_extrapolation=settings.allow_extrapolation,
        center=settings.center,
        cells=None if detector is None else detector.cells,
        accelerator=settings.accelerator,
    )
    return place_source(
        source,
        settings.placement,
        patterns=settings.patterns,
        note_options={"--e-hit": settings.e_hit, "--sub-voxels": settings.sub_voxels},
    )


def _choose_photons(settings: SimulateSettings) -> "PhotonChoice":
    from calovox.photons import parse_energies, parse_etas
    from calovox.simulation.photon_choice import PhotonChoice

    energy, eta = settings.energy, settings.eta
    return PhotonChoice(
        energy=None if energy is None else parse_energies(energy),
        eta=None if eta is None else parse_etas(eta),
        file=settings.photons,
        number=settings.number,
        first=settings.first_event,
    )


def _choose_hit_energy(text: str | None, source: "Source") -> "HitEnergy | None":
    from calovox.binned_shower import HitEnergy

    if text is None:
        return None
    if source.hits is not None:
        raise ValueError(
            f"--e-hit is for models of voxels, and {source.path} makes hits: leave it out"
        )
    energy = parse_quantity(text, "energy")
    return HitEnergy(default=energy, transition=energy)


SIMULATE = make_command("simulate", SimulateSettings, simulate, example=_EXAMPLE)
