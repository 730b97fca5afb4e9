"""Simulation of a source of showers into files: a dataset, and hits if they are wanted."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calovox.binned_shower import HitEnergy, read_sub_voxels
from calovox.dataset import DatasetWriter
from calovox.files.hdf5 import Compression
from calovox.geometry import CellTable, Detector
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits.file import HitsWriter
from calovox.patterns import PlacementCounts
from calovox.phi_modulation.curve_file import read_curve
from calovox.phi_modulation.state import state_after_applying
from calovox.simulation.simulate import SimulatedShowers, simulate_hits, simulate_voxels
from calovox.simulation.sources import Source
from calovox.tracking import Track, silently

__all__ = ["SimulatedFiles", "simulate_source", "simulate_to_files"]


@dataclass(frozen=True)
class SimulatedFiles:
    """What was simulated into files.

    Attributes:
        n_extrapolated: Showers of photons that the models were not trained for.
        placement: How voxels were placed by patterns; None if they were not.
    """

    n_extrapolated: int = 0
    placement: PlacementCounts | None = None

    def __add__(self, batch: SimulatedShowers) -> "SimulatedFiles":
        """Count a batch."""
        extrapolated, counts = batch.voxels.extrapolated, batch.placement
        if counts is not None and self.placement is not None:
            counts = self.placement + counts
        n_more = 0 if extrapolated is None else int(extrapolated.sum())
        return SimulatedFiles(self.n_extrapolated + n_more, counts)


def simulate_source(
    source: Source,
    *,
    seed: int,
    table: CellTable | None = None,
    hit_energy: HitEnergy | None = None,
    detector: Detector | None = None,
    with_hits: bool = True,
    track: Track = silently,
) -> Iterator[SimulatedShowers]:
    """Simulate what the calorimeter sees of the showers of a source.

    Args:
        source: The showers, and what goes with them.
        seed: Seed of the run.
        table: The cells of the detector; None to stop at hits.
        hit_energy: Mean energy of a hit; None for the note's. For sources of voxels.
        detector: Where layers and cells lie; the built-in barrel by default.
        with_hits: Whether hits are wanted beside the cells; see `simulate_voxels`.
        track: Shows the progress.

    Returns:
        Batches in the order of the source.
    """
    curve = source.phi_modulation
    modulation = None if curve is None else read_curve(curve)
    if source.hits is not None:
        hits = track(source.hits, "simulation", source.number)
        return simulate_hits(hits, table=table, detector=detector, phi_modulation=modulation)
    assert source.showers is not None  # a source has one of both
    sub_voxels = source.sub_voxels if source.patterns is None else None
    return simulate_voxels(
        track(source.showers, "simulation", source.number),
        None if sub_voxels is None else read_sub_voxels(sub_voxels, source.grid),
        seed=seed,
        table=table,
        hit_energy=hit_energy,
        detector=detector,
        phi_modulation=modulation,
        patterns=source.patterns,
        with_hits=with_hits,
    )


def simulate_to_files(
    source: Source,
    output: Path,
    *,
    seed: int,
    hits: Path | None = None,
    table: CellTable | None = None,
    hit_energy: HitEnergy | None = None,
    detector: Detector | None = None,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    compression: Compression = "blosc2",
    track: Track = silently,
) -> SimulatedFiles:
    """Simulate the showers of a source, and write them.

    Args:
        source: The showers, and what goes with them.
        output: The dataset; the calibration of the source goes along.
        seed: Seed of the run.
        hits: Also write the hits, into this file; None for no hits.
        table: Store the energies of these cells too; None for none.
        hit_energy: Mean energy of a hit; None for the note's. For sources of voxels.
        detector: Where layers and cells lie; the built-in barrel by default. The files say it.
        provenance: How the files are made, but for the source.
        overwrite: Whether existing files may be replaced.
        compression: How to compress the files.
        track: Shows the progress.

    Returns:
        What was simulated.

    Raises:
        FileExistsError: If a file exists and may not be replaced.
    """
    mark = DetectorMark.of(detector)
    targets = _Targets(output, hits, table, provenance or {}, overwrite, compression, mark)
    total = SimulatedFiles()
    with targets.open(source) as append:
        for batch in simulate_source(
            source,
            seed=seed,
            table=table,
            hit_energy=hit_energy,
            detector=detector,
            with_hits=hits is not None,
            track=track,
        ):
            append(batch)
            total += batch
    return total


@dataclass(frozen=True)
class _Targets:
    """Files to be written."""

    dataset: Path
    hits: Path | None
    table: CellTable | None
    provenance: Mapping[str, Any]
    overwrite: bool
    compression: Compression
    detector: DetectorMark | None

    @contextmanager
    def open(self, source: Source) -> Iterator[Callable[[SimulatedShowers], None]]:
        """Open the dataset, and the hits file if it is wanted; the calibration goes along."""
        stored = source.modulation
        provenance = {**self.provenance, **source.provenance, "phi_modulation": stored}
        if source.phi_modulation is not None:
            stored = state_after_applying(stored, source.path)
        with ExitStack() as stack:
            dataset = stack.enter_context(
                DatasetWriter(
                    self.dataset,
                    source.grid,
                    overwrite=self.overwrite,
                    provenance=provenance,
                    cell_table=None if self.table is None else self.table.name,
                    detector=self.detector,
                    particle=source.particle,
                    compression=self.compression,
                )
            )
            hits = None
            if self.hits is not None:
                hits = stack.enter_context(
                    HitsWriter(
                        self.hits,
                        provenance=provenance,
                        phi_modulation=stored,
                        detector=self.detector,
                        particle=source.particle,
                        overwrite=self.overwrite,
                        compression=self.compression,
                    )
                )

            def append(batch: SimulatedShowers) -> None:
                dataset.append(batch.voxels, batch.cells)
                if hits is not None:
                    assert batch.hits is not None  # wanted
                    hits.append(batch.hits)

            yield append
            if source.calibration is not None:
                dataset.attach("calibration", source.calibration)
            for writer in (dataset, hits):
                if writer is not None:
                    writer.finish()
