"""`calovox voxelize`: hits become voxels and cells, in a dataset."""

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from calovox.cli.command import Job, make_command
from calovox.cli.errors import warn
from calovox.cli.settings import (
    Compress,
    CurveToRemove,
    DetectorIn,
    FileInText,
    FileOut,
    HitsIn,
    Output,
    PartEvents,
    PrecisionBits,
    Scheduler,
    given_detector,
)

if TYPE_CHECKING:
    from calovox.dataset.voxelizing import Voxelizer
    from calovox.jobs.scheduler import Part
    from calovox.patterns.step_fitting import WantedStep

__all__ = ["VOXELIZE", "VoxelizeSettings", "voxelize"]

_EXAMPLE = "calovox voxelize hits.h5 --grid optimal -o photons.h5"


@dataclass(frozen=True, kw_only=True)
class VoxelizeSettings:
    """Settings of `calovox voxelize`."""

    hits: HitsIn
    output: Output
    grid: Annotated[
        str,
        typer.Option(
            help="Voxels: optimal (382), regular (1680), compact (121), or a TOML file with rings."
        ),
        FileInText(words=("optimal", "regular", "compact")),
    ] = "optimal"
    center: Annotated[
        Literal["hits", "photon"],
        typer.Option(help="Voxels lie round the centre of the hits, or round the photon."),
    ] = "hits"
    cells: Annotated[
        bool, typer.Option(help="Store cell energies too, and fit the calibration to them.")
    ] = True
    detector: DetectorIn = None
    phi_modulation: CurveToRemove = None
    sub_voxels: Annotated[
        Path | None,
        typer.Option(help="Also average where hits lie in their voxels, into this ROOT file."),
        FileOut(),
    ] = None
    patterns: Annotated[
        Path | None,
        typer.Option(
            help="Also collect patterns of deposits in voxels, into this file, for calovox "
            "simulate --placement patterns. Take other showers than those of a reference.",
        ),
        FileOut(),
    ] = None
    pattern_eta: Annotated[
        str | None,
        typer.Option(
            metavar="BORDER[,...]",
            help="Keep patterns of ranges of abs(eta) apart, with these borders between them.",
        ),
    ] = None
    pattern_most: Annotated[
        int,
        typer.Option(
            min=1,
            help="Keep at most so many patterns of a radial bin and an energy, of all ranges of "
            "abs(eta) together.",
        ),
    ] = 300
    pattern_sides: Annotated[
        bool,
        typer.Option(
            "--pattern-sides/--no-pattern-sides",
            help="Keep patterns with the sides of their voxels, by which they are chosen. Without "
            "is better for grids of few voxels.",
        ),
    ] = True
    pattern_step: Annotated[
        list[str],
        typer.Option(
            metavar="LAYER:ABS_ETA[:RATIO]",
            help="Fit how much the density changes there in a layer, for the patterns, or take "
            "RATIO; may be repeated.",
        ),
    ] = ()  # type: ignore[assignment]
    fastcalosim: Annotated[
        bool,
        typer.Option("--fastcalosim", help="Make it an event library that FastCaloSim loads."),
    ] = False
    precision_bits: PrecisionBits = None
    compression: Compress = "blosc2"
    scheduler: Scheduler = None
    part_events: PartEvents = 1000


def voxelize(settings: VoxelizeSettings, job: Job) -> str:
    """Turn hits into voxels and cells: a dataset to train with, and to compare with.

    With cells, the calibration of the cluster energy is fitted and stored in the dataset.
    """
    how = _voxelizer(settings)
    if settings.scheduler is None:
        return _make_dataset(settings, how, job, [])
    from calovox.jobs.scheduler import PartsOfRun, dask_executor

    files, outputs = how.hits.files, [settings.output]
    parts = PartsOfRun.cut(0, len(files), settings.part_events, outputs)
    made_from = {**job.provenance, "hits": files.provenance}
    with parts.kept(made_from, overwrite=job.overwrite):
        with dask_executor(settings.scheduler) as executor:
            make = partial(_voxelize_part, settings)
            parts.run(executor, make, track=job.writing()["track"])
        return _make_dataset(settings, how, job, [part.outputs[0] for part in parts.parts])


def _make_dataset(
    settings: VoxelizeSettings, how: "Voxelizer", job: Job, parts: list[Path]
) -> str:
    """Write the dataset, of parts if there are some."""
    from calovox.dataset.make import make_dataset

    content = make_dataset(
        how.hits,
        settings.output,
        how.grid,
        center=how.center,
        table=how.table,
        detector=how.detector,
        fastcalosim=how.fastcalosim,
        precision_bits=settings.precision_bits,
        compression=settings.compression,
        sub_voxels=settings.sub_voxels,
        patterns=settings.patterns,
        pattern_eta=_borders(settings),
        pattern_most=settings.pattern_most,
        pattern_sides=settings.pattern_sides,
        pattern_steps=_steps(settings),
        parts=parts,
        **job.writing(),
    )
    warn(settings.output, content.shares.warnings())
    return f"{settings.output}: {content}, {how.grid.n_voxels} voxels"


def _voxelize_part(settings: VoxelizeSettings, part: "Part") -> None:
    """Voxelize some of the showers, on any machine."""
    from calovox.dataset.parts import make_part

    rows = slice(part.first, part.first + part.number)
    make_part(_voxelizer(settings), rows, part.outputs[0])


def _voxelizer(settings: VoxelizeSettings) -> "Voxelizer":
    from calovox.dataset.voxelizing import Voxelizer
    from calovox.geometry.detector_files import choose_detector
    from calovox.hits.files import HitsFiles
    from calovox.phi_modulation.bare_hits import BareHits
    from calovox.voxelization.choice import choose_grid

    own = given_detector(settings.detector)
    detector = choose_detector(own, HitsFiles(settings.hits, takes_weights=True).detectors)
    return Voxelizer(
        hits=BareHits(
            settings.hits,
            settings.phi_modulation,
            None if own is None else own.cells,
            takes_weights=True,
        ),
        grid=choose_grid(settings.grid, detector.layers),
        center=settings.center,
        table=detector.cells if settings.cells else None,
        detector=detector,
        fastcalosim=settings.fastcalosim,
    )


def _borders(settings: VoxelizeSettings) -> tuple[float, ...]:
    """Read the borders of `--pattern-eta`."""
    text = settings.pattern_eta
    if text is None:
        return ()
    if settings.patterns is None:
        raise ValueError("--pattern-eta is for --patterns FILE: give that, too, or leave it out")
    try:
        borders = tuple(float(part) for part in text.split(","))
    except ValueError:
        borders = ()
    if not borders or not all(low < high for low, high in pairwise((0.0, *borders, math.inf))):
        raise ValueError(
            f"--pattern-eta: expected values of abs(eta) that rise from above 0, with commas, got "
            f"'{text}'"
        )
    return borders


def _steps(settings: VoxelizeSettings) -> "tuple[WantedStep, ...]":
    """Read the steps of `--pattern-step`."""
    if settings.pattern_step and settings.patterns is None:
        raise ValueError("--pattern-step is for --patterns FILE: give that, too, or leave it out")
    steps: list[WantedStep] = []
    for text in settings.pattern_step:
        step = _read_step(text)
        if step is None or any(step[:2] == other[:2] for other in steps):
            raise ValueError(
                "--pattern-step: expected LAYER:ABS_ETA, as in 3:0.8, or LAYER:ABS_ETA:RATIO, "
                f"each once, got '{text}'"
            )
        steps.append(step)
    return tuple(steps)


def _read_step(text: str) -> "WantedStep | None":
    """Read a step; None if it is none."""
    from calovox.patterns.step_fitting import WantedStep

    layer, *rest = text.split(":")
    try:
        numbers = [float(number) for number in rest]
        step = WantedStep(int(layer), *numbers)
    except (TypeError, ValueError):
        return None
    return step if all(0.0 < number < math.inf for number in numbers) else None


VOXELIZE = make_command("voxelize", VoxelizeSettings, voxelize, example=_EXAMPLE)
