"""From hits to a dataset: voxels, cells, and the calibration of the cluster energy."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from calovox.arrays import Array
from calovox.binned_shower import average_sub_voxels, write_sub_voxels
from calovox.dataset.detectors import check_grid
from calovox.dataset.keys import LEAST_FRACTION
from calovox.dataset.writer import DatasetWriter
from calovox.files.hdf5 import Compression
from calovox.geometry import CellTable, Detector, atlas_barrel
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits import Hits
from calovox.hits.shares import EnergyShares, ShareCounter
from calovox.patterns.file import write_patterns
from calovox.patterns.making import PatternMaker
from calovox.phi_modulation import center_phases
from calovox.phi_modulation.bare_hits import BareHits
from calovox.reconstruction import (
    Calibration,
    cells_to_shapes,
    fit_calibration,
    has_shower_shapes,
    hits_to_cells,
)
from calovox.tracking import Track, silently
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels

__all__ = ["DatasetContent", "make_dataset"]

Center = Literal["hits", "photon"]
"""What voxels lie round: the centre of the hits, or the photon."""


@dataclass(frozen=True)
class DatasetContent:
    """What a dataset was made of.

    Attributes:
        n_events: Showers.
        dropped: Share of their energy that lies outside all voxels, on average.
        calibration: Calibration of the cluster energy; None without cells, or without the layers
            that shower shapes need.
        shares: Mean shares of the kinetic energy in the hits.
    """

    n_events: int
    dropped: float
    calibration: Calibration | None
    shares: EnergyShares

    def __str__(self) -> str:
        return (
            f"{self.n_events} showers, {100 * self.dropped:.2g} % of the energy dropped; "
            f"mean E_tot/E_kin {self.shares}"
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
        _check_takes_weights(cells=table, sub_voxels=sub_voxels, patterns=patterns)
    detector = detector or atlas_barrel()
    mark = _mark_of(detector, fastcalosim=fastcalosim)
    check_grid(grid, detector)
    totals = _Totals(ShareCounter(detector, table))
    made_from = {**(provenance or {}), "hits": hits.provenance}
    with DatasetWriter(
        output,
        grid,
        overwrite=overwrite,
        provenance={**made_from, "phi_modulation": hits.phi_modulation},
        cell_table=None if table is None else table.name,
        detector=mark,
        particle=hits.files.particle,
        precision_bits=precision_bits,
        compression="gzip" if fastcalosim else compression,
        least_fraction=LEAST_FRACTION if fastcalosim else 0.0,
    ) as writer:
        for batch in hits.files.batches("voxels", track):
            totals.shares.add(batch)
            voxels = hits_to_voxels(hits.bare(batch), grid, center=center, detector=detector)
            phi_mod = _phi_phase(voxels, hits.cells) if fastcalosim else None
            writer.append(voxels, totals.add(voxels, batch, table), phi_mod=phi_mod)
        calibration = totals.calibration() if totals.columns else None
        if calibration is not None:
            writer.attach("calibration", calibration.to_arrays())
        writer.finish()
        if sub_voxels is not None:
            bare = hits.batches("sub-voxels", track)
            average = average_sub_voxels(bare, grid, center=center, detector=detector)
            write_sub_voxels(sub_voxels, average, overwrite=overwrite)
        if patterns is not None:
            maker = PatternMaker(grid, center=center, detector=detector, eta_borders=pattern_eta)
            for batch in hits.batches("patterns", track):
                maker.add(batch)
            meta = {"provenance": made_from, "phi_modulation": hits.phi_modulation}
            write_patterns(patterns, maker.library(meta), overwrite=overwrite)
    return DatasetContent(
        totals.n_events, totals.dropped / totals.weight, calibration, totals.shares.shares()
    )


def _mark_of(detector: Detector, *, fastcalosim: bool) -> DetectorMark | None:
    """Give what files say of a detector; FastCaloSim knows the built-in one alone."""
    mark = DetectorMark.of(detector)
    if fastcalosim and mark is not None:
        raise ValueError(
            "--fastcalosim: expected the layers of the built-in barrel, got those of "
            f"{mark.name!r}"
        )
    return mark


def _check_takes_weights(**wanted: object) -> None:
    """Refuse what would count showers with weights alike."""
    options = {"cells": "leave out cells with --no-cells"}
    for name, value in wanted.items():
        if value is not None:
            advice = options.get(name, f"leave out --{name.replace('_', '-')}")
            raise ValueError(
                f"voxelize: expected showers that count alike for {name.replace('_', '-')}, got "
                f"showers with weights: {advice}"
            )


def _phi_phase(voxels: Voxels, cells: CellTable | None) -> Array:
    assert voxels.phi_center is not None  # made from hits
    return center_phases(voxels.eta_center, voxels.phi_center, cells)


@dataclass
class _Totals:
    """What is known of all events after the last batch."""

    shares: ShareCounter
    columns: list[tuple[Array, Array, Array]] = field(default_factory=list)
    n_events: int = 0
    weight: float = 0.0
    dropped: float = 0.0

    def add(self, voxels: Voxels, hits: Hits, table: CellTable | None) -> CellEnergies | None:
        """Count a batch, and return its cells."""
        weights = np.ones(len(hits)) if voxels.weight is None else voxels.weight
        self.n_events += len(hits)
        self.weight += float(weights.sum())
        if voxels.dropped_fraction is not None:
            self.dropped += float((weights * voxels.dropped_fraction).sum())
        if table is None:
            return None
        cells = hits_to_cells(hits, table)
        if not has_shower_shapes(table):
            return cells
        shapes = cells_to_shapes(cells, table)
        self.columns.append((shapes.cluster_energy, voxels.incident_energy, shapes.cluster_eta))
        return cells

    def calibration(self) -> Calibration:
        """Fit the calibration to all events."""
        energies, photon_energies, etas = (
            np.concatenate(c) for c in zip(*self.columns, strict=True)
        )
        return fit_calibration(energies, photon_energies, etas)
