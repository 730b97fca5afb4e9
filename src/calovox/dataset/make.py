"""From hits to a dataset: voxels, cells, and the calibration of the cluster energy."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from calovox.binned_shower import average_sub_voxels, write_sub_voxels
from calovox.dataset.keys import LEAST_FRACTION
from calovox.dataset.parts import read_parts
from calovox.dataset.strata import ScaledWeights
from calovox.dataset.voxelizing import Center, Voxelizer, check_takes_weights
from calovox.dataset.writer import DatasetWriter
from calovox.files.hdf5 import Compression
from calovox.geometry import CellTable, Detector, atlas_barrel
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits.shares import EnergyShares
from calovox.patterns.file import write_patterns
from calovox.patterns.library import DensityStep
from calovox.patterns.making import PatternMaker
from calovox.patterns.step_fitting import WantedStep, collect_patterns
from calovox.phi_modulation.bare_hits import BareHits
from calovox.reconstruction import Calibration
from calovox.tracking import Track, silently
from calovox.voxelization import VoxelGrid

__all__ = ["DatasetContent", "make_dataset"]


@dataclass(frozen=True)
class DatasetContent:
    """What a dataset was made of.

    Attributes:
        n_events: Showers.
        dropped: Share of their energy that lies outside all voxels, on average.
        calibration: Calibration of the cluster energy; None without cells, or without the layers
            that shower shapes need.
        shares: Mean shares of the kinetic energy in the hits.
        steps: Steps of the density that were fitted for the patterns.
        weights: The weights, if they were scaled; None if they are those of the hits, or none.
    """

    n_events: int
    dropped: float
    calibration: Calibration | None
    shares: EnergyShares
    steps: tuple[DensityStep, ...] = ()
    weights: ScaledWeights | None = None

    def __str__(self) -> str:
        return (
            f"{self.n_events} showers, {100 * self.dropped:.2g} % of the energy dropped; "
            f"mean E_tot/E_kin {self.shares}"
            + "".join(f"; {step}" for step in self.steps)
            + ("" if self.weights is None else f"; {self.weights}")
        )


def make_dataset(
    hits: BareHits,
    output: Path,
    grid: VoxelGrid,
    *,
    center: Center = "hits",
    table: CellTable | None = None,
    detector: Detector | None = None,
    fastcalosim: bool = False,
    precision_bits: int | None = None,
    compression: Compression = "blosc2",
    sub_voxels: Path | None = None,
    patterns: Path | None = None,
    pattern_eta: tuple[float, ...] = (),
    pattern_most: int | None = PatternMaker.most,
    pattern_sides: bool = True,
    pattern_steps: Sequence[WantedStep] = (),
    parts: Sequence[Path] = (),
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> DatasetContent:
    """Turn hits into voxels and cells, and fit the calibration to the cells.

    Voxels are made of the bare hits, cells of the hits as they are.

    Args:
        hits: The hits files.
        output: The dataset.
        grid: The voxels.
        center: What the voxels lie round.
        table: The cells of the detector; None for no cells and no calibration.
        detector: Where the layers lie; the built-in barrel by default.
        fastcalosim: Whether to make it an event library that FastCaloSim loads.
        precision_bits: How many bits of energies to keep; None for all.
        compression: How to compress; an event library for FastCaloSim has gzip.
        sub_voxels: ROOT file for the average places of hits in their voxels; None for none.
        patterns: File for patterns of deposits in their voxels; None for none.
        pattern_eta: Borders between the ranges of abs(eta) that patterns are kept apart by.
        pattern_most: How many patterns of a radial bin and a stored energy are kept at most; None
            for all.
        pattern_sides: Whether patterns are kept with the sides of their voxels.
        pattern_steps: Steps of the density that the patterns are to know.
        parts: Files of `make_part` with all events, in order, in place of voxels and cells of the
            hits; the dataset is the same, byte for byte.
        provenance: How the dataset is made, but for the hits.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Returns:
        What was written.

    Raises:
        FileExistsError: If a file exists and may not be replaced.
        ValueError: If the hits cannot be used, or have weights and more than voxels is asked for.
    """
    if hits.files.weighted:
        check_takes_weights(cells=table, sub_voxels=sub_voxels, patterns=patterns)
    for step in pattern_steps:
        if step.layer not in grid.numbers:
            raise ValueError(
                f"voxelize: expected pattern steps in layers {list(grid.numbers)}, got "
                f"{step.layer}"
            )
    detector = detector or atlas_barrel()
    steps: tuple[DensityStep, ...] = ()
    voxelizer = Voxelizer(hits, grid, center, table, detector, fastcalosim)
    totals = voxelizer.totals()
    showers = read_parts(parts, totals, track) if parts else voxelizer.batches(totals, track=track)
    weights = voxelizer.scaled_weights
    made_from = {**(provenance or {}), "hits": hits.provenance}
    if weights is not None:
        made_from["weight_strata"] = weights.provenance
    with DatasetWriter(
        output,
        grid,
        overwrite=overwrite,
        provenance={**made_from, "phi_modulation": hits.phi_modulation},
        cell_table=None if table is None else table.name,
        detector=DetectorMark.of(detector),
        particle=hits.files.particle,
        precision_bits=precision_bits,
        compression="gzip" if fastcalosim else compression,
        least_fraction=LEAST_FRACTION if fastcalosim else 0.0,
    ) as writer:
        for batch in showers:
            writer.append(batch.voxels, batch.cells, phi_mod=batch.phi_mod)
        calibration = totals.calibration()
        if calibration is not None:
            writer.attach("calibration", calibration.to_arrays())
        writer.finish()
        if sub_voxels is not None:
            batches = hits.batches("sub-voxels", track)
            average = average_sub_voxels(batches, grid, center=center, detector=detector)
            write_sub_voxels(sub_voxels, average, overwrite=overwrite)
        if patterns is not None:
            library = collect_patterns(
                lambda title: hits.batches(title, track),
                partial(
                    PatternMaker,
                    grid,
                    most=pattern_most,
                    eta_borders=pattern_eta,
                    center=center,
                    detector=detector,
                    knows_sides=pattern_sides,
                ),
                pattern_steps,
                {"provenance": made_from, "phi_modulation": hits.phi_modulation},
            )
            write_patterns(patterns, library, overwrite=overwrite)
            steps = library.steps
    return DatasetContent(
        totals.n_events,
        totals.dropped / totals.weight,
        calibration,
        totals.shares.shares(),
        steps,
        weights,
    )
