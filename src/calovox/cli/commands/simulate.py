"""`calovox simulate`: photons become voxels, hits and cells."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from calovox.binned_shower import HitEnergy, read_sub_voxels
from calovox.cli.command import Job
from calovox.cli.commands.simulate_settings import SimulateSettings
from calovox.cli.progress import track
from calovox.cli.sources import Source, open_source
from calovox.dataset import DatasetWriter
from calovox.geometry import barrel_cells
from calovox.hits.file import HitsWriter
from calovox.phi_modulation.curve_file import read_curve
from calovox.phi_modulation.state import state_after_applying
from calovox.simulation.simulate import SimulatedShowers, simulate_hits, simulate_voxels
from calovox.units import parse_quantity

__all__ = ["SIMULATE_EXAMPLE", "simulate"]

SIMULATE_EXAMPLE = (
    "calovox simulate --model exported --energy 65GeV --eta 0.2 -n 10000 --cells -o simulated.h5"
)


def simulate(settings: SimulateSettings, job: Job) -> str:
    """Simulate photons: voxels of a trained model or of a library become hits and cells.

    FastCaloSimV2 makes the hits itself; its voxels are those of its hits, on the optimal grid.

    The result does not depend on how many photons are simulated at once.
    """
    source = open_source(settings)
    n_extrapolated = 0
    with _writers(settings, job, source) as append:
        for batch in _simulate_source(settings, source):
            append(batch)
            if batch.voxels.extrapolated is not None:
                n_extrapolated += int(batch.voxels.extrapolated.sum())
    summary = f"{settings.output}: {source.number} showers, {source.grid.n_voxels} voxels"
    return summary + f", {n_extrapolated} extrapolated" * (n_extrapolated > 0)


def _simulate_source(settings: SimulateSettings, source: Source) -> Iterator[SimulatedShowers]:
    table = barrel_cells() if settings.cells else None
    sub_voxels, curve = source.sub_voxels, source.phi_modulation
    modulation = None if curve is None else read_curve(curve)
    if source.hits is not None:
        hits = track(source.hits, "simulation", source.number)
        return simulate_hits(hits, table=table, phi_modulation=modulation)
    assert source.showers is not None  # a source has one of both
    return simulate_voxels(
        track(source.showers, "simulation", source.number),
        None if sub_voxels is None else read_sub_voxels(sub_voxels, source.grid),
        seed=settings.seed,
        table=table,
        hit_energy=_choose_hit_energy(settings.e_hit),
        phi_modulation=modulation,
    )


def _choose_hit_energy(text: str | None) -> HitEnergy | None:
    if text is None:
        return None
    energy = parse_quantity(text, "energy")
    return HitEnergy(default=energy, transition=energy)


@contextmanager
def _writers(
    settings: SimulateSettings, job: Job, source: Source
) -> Iterator[Callable[[SimulatedShowers], None]]:
    """Open the dataset, and the hits file if it is wanted; the calibration goes along."""
    stored = source.modulation
    provenance = job.provenance | source.provenance | {"phi_modulation": stored}
    if source.phi_modulation is not None:
        stored = state_after_applying(stored, Path(settings.model))
    with ExitStack() as stack:
        dataset = stack.enter_context(
            DatasetWriter(
                settings.output,
                source.grid,
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
        if source.calibration is not None:
            dataset.attach("calibration", source.calibration)
        for writer in (dataset, hits):
            if writer is not None:
                writer.finish()
