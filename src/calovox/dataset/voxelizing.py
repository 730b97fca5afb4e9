"""Hits of files become voxels and cells, batch by batch, and what all of them say together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np

from calovox.arrays import Array
from calovox.dataset.detectors import check_grid
from calovox.dataset.strata import ScaledWeights, scale_weights
from calovox.geometry import CellTable, Detector
from calovox.geometry.cell_energies import CellEnergies
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits import Hits
from calovox.hits.shares import ShareCounter
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

__all__ = ["Center", "Totals", "VoxelizedShowers", "Voxelizer", "check_takes_weights"]

Center = Literal["hits", "photon"]
"""What voxels lie round: the centre of the hits, or the photon."""


@dataclass(frozen=True)
class VoxelizedShowers:
    """Some events of a dataset.

    Attributes:
        voxels: Their voxels.
        cells: Their cells; None without cells.
        phi_mod: Position of the shower centre in its cell in phi, rad; for event libraries alone.
    """

    voxels: Voxels
    cells: CellEnergies | None
    phi_mod: Array | None

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.voxels)


def check_takes_weights(**wanted: object) -> None:
    """Refuse what would count showers with weights alike.

    Args:
        wanted: What is asked for, by option; None for what is not.

    Raises:
        ValueError: If anything is.
    """
    options = {"cells": "leave out cells with --no-cells"}
    for name, value in wanted.items():
        if value is not None:
            advice = options.get(name, f"leave out --{name.replace('_', '-')}")
            raise ValueError(
                f"voxelize: expected showers that count alike for {name.replace('_', '-')}, got "
                f"showers with weights: {advice}"
            )


@dataclass
class Totals:
    """What is known of all events after the last batch.

    Attributes:
        shares: Shares of the kinetic energy in the hits.
        columns: Energies of clusters by layer, kinetic energies, and eta of the clusters.
        n_events: Events.
        weight: Sum of their weights.
        dropped: Weighted sum of the shares of energy outside all voxels.
    """

    shares: ShareCounter
    columns: list[tuple[Array, Array, Array]] = field(default_factory=list)
    n_events: int = 0
    weight: float = 0.0
    dropped: float = 0.0

    def add(self, voxels: Voxels, hits: Hits, table: CellTable | None) -> CellEnergies | None:
        """Count a batch, and return its cells.

        Args:
            voxels: The events.
            hits: Their hits.
            table: The cells of the detector; None for no cells.

        Returns:
            Their cells.
        """
        self.shares.add(hits)
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

    def calibration(self) -> Calibration | None:
        """Fit the calibration to all events.

        Returns:
            The calibration; None without cells, or without the layers that shower shapes need.
        """
        if not self.columns:
            return None
        energies, photon_energies, etas = (
            np.concatenate(c) for c in zip(*self.columns, strict=True)
        )
        return fit_calibration(energies, photon_energies, etas)

    def to_arrays(self) -> dict[str, Array]:
        """Give all of it as arrays, for a file.

        Returns:
            Arrays by name.
        """
        arrays = {"sums": np.array([self.n_events, self.weight, self.dropped])}
        if self.columns:
            names = ("cluster_energy", "photon_energy", "cluster_eta")
            joined = (np.concatenate(column) for column in zip(*self.columns, strict=True))
            arrays |= dict(zip(names, joined, strict=True))
        return arrays | {f"share_{k}": v for k, v in self.shares.to_arrays().items()}

    def add_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Add the events of a file.

        Args:
            arrays: What `to_arrays` gave.
        """
        n_events, weight, dropped = arrays["sums"].tolist()
        self.n_events += int(n_events)
        self.weight += weight
        self.dropped += dropped
        if "cluster_energy" in arrays:
            names = ("cluster_energy", "photon_energy", "cluster_eta")
            first, second, third = (arrays[name] for name in names)
            self.columns.append((first, second, third))
        self.shares.add_arrays(
            {k.removeprefix("share_"): v for k, v in arrays.items() if k.startswith("share_")}
        )


@dataclass(frozen=True)
class Voxelizer:
    """How hits become a dataset.

    Attributes:
        hits: The hits files.
        grid: The voxels.
        center: What the voxels lie round.
        table: The cells of the detector; None for no cells.
        detector: Where the layers lie.
        fastcalosim: Whether the events are for an event library that FastCaloSim loads.
    """

    hits: BareHits
    grid: VoxelGrid
    center: Center
    table: CellTable | None
    detector: Detector
    fastcalosim: bool

    def __post_init__(self) -> None:
        mark = DetectorMark.of(self.detector)
        if self.fastcalosim and mark is not None:
            raise ValueError(
                "--fastcalosim: expected the layers of the built-in barrel, got those of "
                f"{mark.name!r}"
            )
        check_grid(self.grid, self.detector)
        if self.hits.files.weighted:
            check_takes_weights(cells=self.table)

    @cached_property
    def scaled_weights(self) -> ScaledWeights | None:
        """Weights of all showers, scaled by strata; None if those of the files are kept."""
        return scale_weights(self.hits.files) if self.hits.files.weighted else None

    def totals(self) -> Totals:
        """Start to count.

        Returns:
            Totals of no events.
        """
        return Totals(ShareCounter(self.detector, self.table))

    def batches(
        self, totals: Totals, rows: slice = slice(None), track: Track = silently
    ) -> Iterator[VoxelizedShowers]:
        """Convert events.

        Args:
            totals: Counts them.
            rows: Which of the events, in the order of the files; all by default.
            track: Shows the progress.

        Yields:
            Voxels of the bare hits, and cells of the hits as they are.
        """
        start, _, _ = rows.indices(len(self.hits))
        for read in self.hits.files.batches("voxels", track, rows):
            hits = self._weighted(read, start)
            start += len(hits)
            voxels = hits_to_voxels(
                self.hits.bare(hits), self.grid, center=self.center, detector=self.detector
            )
            phi_mod = self._phi_phase(voxels) if self.fastcalosim else None
            yield VoxelizedShowers(voxels, totals.add(voxels, hits, self.table), phi_mod)

    def _weighted(self, hits: Hits, start: int) -> Hits:
        """Give showers from a row on their scaled weights."""
        if self.scaled_weights is None:
            return hits
        weight = self.scaled_weights.values[start : start + len(hits)]
        return replace(hits, photons=replace(hits.photons, weight=weight))

    def _phi_phase(self, voxels: Voxels) -> Array:
        assert voxels.phi_center is not None  # made from hits
        return center_phases(voxels.eta_center, voxels.phi_center, self.hits.cells)
