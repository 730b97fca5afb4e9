"""`calovox simulate`: photons become voxels, hits and cells."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from calovox.binned_shower import HitEnergy, ShowerLibrary, read_sub_voxels
from calovox.cli.command import Job
from calovox.cli.progress import track
from calovox.cli.settings import FileIn, FileOut, Output, Seed
from calovox.dataset import DatasetReader, DatasetWriter
from calovox.geometry import barrel_cells
from calovox.hits.file import HitsWriter
from calovox.phi_modulation.curve_file import read_curve
from calovox.phi_modulation.state import state_after_applying
from calovox.photons import draw_photons, parse_energies, parse_etas
from calovox.simulate import BATCH, SimulatedShowers, match_photons, simulate_voxels
from calovox.units import parse_quantity
from calovox.voxelization import Voxels

__all__ = ["SIMULATE_EXAMPLE", "SimulateSettings", "simulate"]

SIMULATE_EXAMPLE = (
    "calovox simulate --model photons.h5 --sub-voxels sub_voxels.root --cells -o simulated.h5"
)


@dataclass(frozen=True, kw_only=True)
class SimulateSettings:
    """Settings of `calovox simulate`."""

    output: Output
    model: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="Dataset: a library of showers."),
        FileIn(),
    ]
    matching: Annotated[
        Literal["perfect", "displaced", "nearest", "random"],
        typer.Option(
            help="Repeat the library's showers, at their place or at new azimuths, or choose "
            "one for each new photon."
        ),
    ] = "perfect"
    sub_voxels: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="ROOT file: where hits lie in voxels."),
        FileIn(),
    ] = None
    phi_modulation: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Curves to be put into the hits."),
        FileIn(),
    ] = None
    energy: Annotated[
        str | None,
        typer.Option(metavar="ENERGY", help="Energies of new photons, as in calovox geant4."),
    ] = None
    eta: Annotated[
        str | None,
        typer.Option(metavar="ETA", help="Pseudorapidities of new photons, as there."),
    ] = None
    number: Annotated[
        int | None,
        typer.Option("--number", "-n", min=1, help="How many; all of the library if perfect."),
    ] = None
    seed: Seed = 1
    cells: Annotated[bool, typer.Option(help="Store cell energies too.")] = False
    hits: Annotated[
        Path | None, typer.Option(help="Also write the hits, into this file."), FileOut()
    ] = None
    e_hit: Annotated[
        str | None,
        typer.Option(
            metavar="ENERGY",
            help="Mean energy of a hit [default: 4MeV, 6MeV at 0.75 <= |eta| <= 0.8].",
        ),
    ] = None


def simulate(settings: SimulateSettings, job: Job) -> str:
    """Simulate photons with BinnedShower: voxels of a library become hits and cells.

    The result does not depend on how many photons are simulated at once.
    """
    library = DatasetReader(settings.model)
    number, showers = _choose_showers(settings, library)
    path = settings.sub_voxels
    curve = settings.phi_modulation
    with _writers(settings, job, library) as append:
        for batch in simulate_voxels(
            track(showers, "simulation", number),
            None if path is None else read_sub_voxels(path, library.grid),
            seed=settings.seed,
            table=barrel_cells() if settings.cells else None,
            hit_energy=_choose_hit_energy(settings.e_hit),
            phi_modulation=None if curve is None else read_curve(curve),
        ):
            append(batch)
    return f"{settings.output}: {number} showers, {library.grid.n_voxels} voxels"


def _choose_showers(
    settings: SimulateSettings, library: DatasetReader
) -> tuple[int, Iterator[Voxels]]:
    """Return the number of showers and the batches of their voxels."""
    chosen = {"--energy": settings.energy, "--eta": settings.eta}
    if settings.matching in ("perfect", "displaced"):
        for option, value in chosen.items():
            if value is not None:
                raise ValueError(
                    f"{option} is for new photons: leave it out, or use --matching nearest"
                )
        if settings.matching == "displaced":
            number = settings.number or len(library)
            return number, _displaced_showers(library, number, settings.seed)
        number = min(len(library), settings.number or len(library))
        return number, _first_showers(library, number)
    needed = {**chosen, "-n": settings.number}
    for option in needed:
        if needed[option] is None:
            raise ValueError(f"--matching {settings.matching} needs {option}: which photons?")
    return _new_showers(settings, library)


def _first_showers(library: DatasetReader, number: int) -> Iterator[Voxels]:
    for start in range(0, number, BATCH):
        yield library.read(slice(start, min(start + BATCH, number)))


def _displaced_showers(library: DatasetReader, number: int, seed: int) -> Iterator[Voxels]:
    showers = ShowerLibrary(library.read()).match_displaced(number, seed=seed)
    for start in range(0, number, BATCH):
        yield showers[start : start + BATCH]


def _new_showers(
    settings: SimulateSettings, library: DatasetReader
) -> tuple[int, Iterator[Voxels]]:
    assert settings.matching in ("nearest", "random")
    assert settings.number is not None
    photons = draw_photons(
        np.arange(settings.number),
        energy=parse_energies(str(settings.energy)),
        eta=parse_etas(str(settings.eta)),
        seed=settings.seed,
    )
    showers = ShowerLibrary(library.read(), phi_mod=library.phi_mod())
    return settings.number, match_photons(
        showers, photons, matching=settings.matching, seed=settings.seed
    )


def _choose_hit_energy(text: str | None) -> HitEnergy | None:
    if text is None:
        return None
    energy = parse_quantity(text, "energy")
    return HitEnergy(default=energy, transition=energy)


@contextmanager
def _writers(
    settings: SimulateSettings, job: Job, library: DatasetReader
) -> Iterator[Callable[[SimulatedShowers], None]]:
    """Open the dataset, and the hits file if it is wanted; the calibration goes along."""
    stored = library.provenance.get("phi_modulation")
    provenance = job.provenance | {"library": library.provenance, "phi_modulation": stored}
    if settings.phi_modulation is not None:
        stored = state_after_applying(stored, settings.model)
    with ExitStack() as stack:
        dataset = stack.enter_context(
            DatasetWriter(
                settings.output,
                library.grid,
                overwrite=job.overwrite,
                provenance=provenance,
                cell_table=barrel_cells().name if settings.cells else None,
            )
        )
        hits = None
        if settings.hits is not None:
            hits = stack.enter_context(
                HitsWriter(
                    settings.hits,
                    provenance=provenance,
                    phi_modulation=stored,
                    overwrite=job.overwrite,
                )
            )

        def append(batch: SimulatedShowers) -> None:
            dataset.append(batch.voxels, batch.cells)
            if hits is not None:
                hits.append(batch.hits)

        yield append
        calibration = library.attached("calibration")
        if calibration is not None:
            dataset.attach("calibration", calibration)
