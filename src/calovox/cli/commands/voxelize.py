"""`calovox voxelize`: hits become voxels and cells, in a dataset."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from calovox.arrays import Array, Float64
from calovox.binned_shower import average_sub_voxels, write_sub_voxels
from calovox.cli.command import Job
from calovox.cli.hits_files import CurveToRemove, HitsFiles, HitsIn
from calovox.cli.settings import FileInText, FileOut, Output, PrecisionBits
from calovox.dataset import DatasetWriter
from calovox.dataset.keys import LEAST_FRACTION
from calovox.geometry import CellTable, barrel_cells
from calovox.geometry.cell_energies import CellEnergies
from calovox.hits import Hits
from calovox.phi_modulation import phi_phase
from calovox.reconstruction import Calibration, cells_to_shapes, fit_calibration, hits_to_cells
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels

__all__ = ["VOXELIZE_EXAMPLE", "VoxelizeSettings", "choose_grid", "voxelize"]

VOXELIZE_EXAMPLE = "calovox voxelize hits.h5 --grid optimal -o photons.h5"

_GRIDS = {"optimal": VoxelGrid.optimal, "regular": VoxelGrid.regular}


@dataclass(frozen=True, kw_only=True)
class VoxelizeSettings:
    """Settings of `calovox voxelize`."""

    hits: HitsIn
    output: Output
    grid: Annotated[
        str,
        typer.Option(help="Voxels: optimal (382), regular (1680), or a TOML file with rings."),
        FileInText(words=("optimal", "regular")),
    ] = "optimal"
    center: Annotated[
        Literal["hits", "photon"],
        typer.Option(help="Voxels lie round the centre of the hits, or round the photon."),
    ] = "hits"
    cells: Annotated[
        bool, typer.Option(help="Store cell energies too, and fit the calibration to them.")
    ] = True
    phi_modulation: CurveToRemove = None
    sub_voxels: Annotated[
        Path | None,
        typer.Option(help="Also average where hits lie in their voxels, into this ROOT file."),
        FileOut(),
    ] = None
    fastcalosim: Annotated[
        bool,
        typer.Option("--fastcalosim", help="Make it an event library that FastCaloSim loads."),
    ] = False
    precision_bits: PrecisionBits = None


def voxelize(settings: VoxelizeSettings, job: Job) -> str:
    """Turn hits into voxels and cells: a dataset to train with, and to compare with.

    With cells, the calibration of the cluster energy is fitted and stored in the dataset.
    """
    grid, hits = choose_grid(settings.grid), HitsFiles(settings.hits, settings.phi_modulation)
    totals = _write_dataset(settings, job, grid, hits)
    return f"{settings.output}: {totals}, {grid.n_voxels} voxels"


def choose_grid(text: str) -> VoxelGrid:
    """Make the grid that a user asked for.

    Args:
        text: ``optimal``, ``regular`` or the path of a TOML file with rings.

    Returns:
        The grid.

    Raises:
        ValueError: If it is none of these.
    """
    if text in _GRIDS:
        return _GRIDS[text]()
    if not Path(text).is_file():
        raise ValueError(f"grid: expected optimal, regular or a TOML file, got '{text}'")
    return VoxelGrid.from_toml(Path(text))


def _write_dataset(
    settings: VoxelizeSettings, job: Job, grid: VoxelGrid, hits: HitsFiles
) -> "_Totals":
    table = barrel_cells() if settings.cells else None
    totals = _Totals()
    with DatasetWriter(
        settings.output,
        grid,
        overwrite=job.overwrite,
        provenance=job.provenance
        | {"hits": hits.provenance, "phi_modulation": hits.phi_modulation},
        cell_table=None if table is None else table.name,
        precision_bits=settings.precision_bits,
        compression="gzip" if settings.fastcalosim else "blosc2",
        least_fraction=LEAST_FRACTION if settings.fastcalosim else 0.0,
    ) as writer:
        for batch in hits.batches("voxels"):
            voxels = hits_to_voxels(hits.bare(batch), grid, center=settings.center)
            phi_mod = phi_phase(_phi_center(voxels)) if settings.fastcalosim else None
            writer.append(voxels, totals.add(voxels, batch, table), phi_mod=phi_mod)
        if table is not None:
            writer.attach("calibration", totals.calibration().to_arrays())
        writer.finish()
        if settings.sub_voxels is not None:
            bare = (hits.bare(batch) for batch in hits.batches("sub-voxels"))
            average = average_sub_voxels(bare, grid, center=settings.center)
            write_sub_voxels(settings.sub_voxels, average, overwrite=job.overwrite)
    return totals


def _phi_center(voxels: Voxels) -> Float64[Array, " event"]:
    assert voxels.phi_center is not None  # made from hits
    return voxels.phi_center


@dataclass
class _Totals:
    """What is known of all events after the last batch."""

    columns: list[tuple[Array, Array, Array]] = field(default_factory=list)
    n_events: int = 0
    dropped: float = 0.0

    def add(self, voxels: Voxels, hits: Hits, table: CellTable | None) -> CellEnergies | None:
        """Count a batch, and return its cells."""
        self.n_events += len(hits)
        if voxels.dropped_fraction is not None:
            self.dropped += float(voxels.dropped_fraction.sum())
        if table is None:
            return None
        cells = hits_to_cells(hits, table)
        shapes = cells_to_shapes(cells, table)
        self.columns.append((shapes.cluster_energy, voxels.incident_energy, shapes.cluster_eta))
        return cells

    def calibration(self) -> Calibration:
        """Fit the calibration to all events."""
        energies, photon_energies, etas = (
            np.concatenate(c) for c in zip(*self.columns, strict=True)
        )
        return fit_calibration(energies, photon_energies, etas)

    def __str__(self) -> str:
        dropped = 100 * self.dropped / self.n_events
        return f"{self.n_events} showers, {dropped:.2g} % of the energy dropped"
