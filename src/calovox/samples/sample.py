"""Datasets read for evaluation: what each event looks like after reconstruction.

A dataset is read once, in batches. A sample may be spread over several files of one grid, each
with photons of its own range. Reference and simulations share one calibration of the energy: that
stored with the first file of the reference, or else one fitted to the reference. Showers of
photons outside the range that their model was trained for are left out, and counted.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.dataset import DatasetReader
from calovox.geometry.barrel import barrel_cells
from calovox.geometry.cells import CellTable
from calovox.reconstruction import (
    ATLAS_VARIABLES,
    SHAPE_VARIABLES,
    Calibration,
    ShowerShapes,
    concatenate_shapes,
    fit_calibration,
)
from calovox.samples.reconstructed import check_cell_table, read_reconstructed
from calovox.samples.regions import REGIONS, Region
from calovox.samples.showers import AverageShower, sum_showers
from calovox.samples.tracking import Track, silently
from calovox.text import check_name
from calovox.voxelization import VoxelGrid

__all__ = [
    "OBSERVABLES",
    "REFERENCE_LABEL",
    "Sample",
    "SampleFiles",
    "calibrate",
    "check_files_once",
    "read_sample",
    "read_samples",
]

OBSERVABLES: Final = (*SHAPE_VARIABLES, *ATLAS_VARIABLES)
"""Everything that is compared: the note's nine observables, then ATLAS's two ratios."""

REFERENCE_LABEL: Final = "Geant4"

_EVENTS_PER_BATCH: Final = 2000
_COLUMNS: Final = ("incident_energy", "eta_center", "phi_center", "dropped_fraction")


@dataclass(frozen=True)
class SampleFiles:
    """Datasets that are compared with each other.

    Attributes:
        reference: Dataset of Geant4.
        simulated: Datasets of simulations by the names the report gives them.
        binning: Where the voxels lie, if they are files of the CaloChallenge.
        min_energy: Energy in MeV below which a voxel counts as empty.
    """

    reference: Path
    simulated: Mapping[str, Path]
    binning: Path | None = None
    min_energy: float = 0.0

    def __post_init__(self) -> None:
        _check_names(self.simulated)


@dataclass(frozen=True)
class Sample:
    """Reconstructed showers of one dataset.

    Attributes:
        label: How the report calls it.
        grid: The dataset's voxels.
        energy: Kinetic energies in MeV.
        eta_center: Pseudorapidity of the shower centres.
        phi_center: Azimuth of the shower centres in rad; None if not stored.
        dropped_fraction: Share of each event's energy outside the grid; None if not stored.
        shapes: Shower shapes of the events.
        averages: Average showers of the regions that have events.
        n_extrapolated: Showers left out, of photons that the model was not trained for.
    """

    label: str
    grid: VoxelGrid
    energy: Float64[Array, " event"]
    eta_center: Float64[Array, " event"]
    phi_center: Float64[Array, " event"] | None
    dropped_fraction: Float64[Array, " event"] | None
    shapes: ShowerShapes
    averages: tuple[AverageShower, ...]
    n_extrapolated: int = 0

    def __len__(self) -> int:
        return len(self.energy)


def read_sample(
    paths: Sequence[Path],
    label: str,
    *,
    table: CellTable | None = None,
    regions: tuple[Region, ...] = REGIONS,
    track: Track = silently,
) -> Sample:
    """Read datasets and reconstruct their cells; the energies are not calibrated yet.

    Args:
        paths: One dataset or more with cell energies, all of one grid.
        label: How the report calls the sample.
        table: The cells of the detector; the built-in barrel if none is given.
        regions: Where showers are averaged.
        track: Shows the progress over showers.

    Returns:
        The sample.

    Raises:
        ValueError: If a dataset has no events, no cell energies, those of another table, another
            grid than the first, or is given twice, or no event is of a photon that the model was
            trained for.
    """
    table = barrel_cells() if table is None else table
    readers = _open(paths, table)
    grid = readers[0].grid
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    shapes: list[ShowerShapes] = []
    sums = [(np.zeros(grid.n_voxels), 0) for _ in regions]
    batches = (read_reconstructed(reader, _EVENTS_PER_BATCH, table) for reader in readers)
    n_read = sum(map(len, readers))
    for batch in track(chain.from_iterable(batches), f"Reconstructing {label}", n_read):
        assert batch.shapes is not None  # a table was given
        voxels = batch.voxels
        if len(voxels) == 0:
            continue
        shapes.append(batch.shapes)
        for name, parts in columns.items():
            parts.append(getattr(voxels, name))
        added = [sum_showers(voxels, region) for region in regions]
        sums = [(a + b, n + m) for (a, n), (b, m) in zip(sums, added, strict=True)]
    n_events = sum(map(len, shapes))
    if n_events == 0:
        raise ValueError(f"{label}: expected photons that the model was trained for, got none")
    return Sample(
        label=label,
        grid=grid,
        energy=np.concatenate(columns["incident_energy"]),
        eta_center=np.concatenate(columns["eta_center"]),
        phi_center=_join(columns["phi_center"]),
        dropped_fraction=_join(columns["dropped_fraction"]),
        shapes=concatenate_shapes(shapes),
        averages=tuple(
            AverageShower(region, grid, total / count, count)
            for region, (total, count) in zip(regions, sums, strict=True)
            if count > 0
        ),
        n_extrapolated=n_read - n_events,
    )


def calibrate(reference: Path, samples: list[Sample]) -> tuple[list[Sample], Calibration, bool]:
    """Calibrate all samples alike.

    Args:
        reference: A dataset of the first sample: the one that may hold the calibration.
        samples: The reference, then simulations.

    Returns:
        The calibrated samples, the calibration, and whether the dataset held it.
    """
    first = samples[0]
    stored = DatasetReader(reference).attached("calibration")
    if stored is not None:
        calibration = Calibration.from_arrays(stored)
    else:
        shapes = first.shapes
        calibration = fit_calibration(shapes.cluster_energy, first.energy, shapes.cluster_eta)
    calibrated = [
        replace(sample, shapes=sample.shapes.calibrated(calibration)) for sample in samples
    ]
    return calibrated, calibration, stored is not None


def read_samples(
    reference: Sequence[Path],
    simulated: Mapping[str, Sequence[Path]],
    *,
    table: CellTable | None = None,
    track: Track = silently,
) -> tuple[list[Sample], Calibration, bool]:
    """Read reference and simulations, and calibrate them alike.

    Args:
        reference: Datasets of Geant4, one or more.
        simulated: Datasets of each simulation by the names the report gives them.
        table: The cells of the detector; the built-in barrel if none is given.
        track: Shows the progress over showers.

    Returns:
        The reference followed by the simulations, the calibration, and whether it was stored.

    Raises:
        ValueError: If a simulation bears the name of the reference, or has no energy of it.
    """
    _check_names(simulated)
    files = {REFERENCE_LABEL: reference, **simulated}
    samples = [
        read_sample(paths, label, table=table, track=track) for label, paths in files.items()
    ]
    for sample in samples[1:]:
        _check_common_energies(samples[0], sample)
    return calibrate(reference[0], samples)


def check_files_once(paths: Sequence[Path]) -> None:
    """Refuse a file that is given twice for one sample: its events would count twice.

    Args:
        paths: The files of one sample.

    Raises:
        ValueError: If two are the same.
    """
    if len({path.resolve() for path in paths}) < len(paths):
        raise ValueError(f"expected each file once, got {', '.join(map(str, paths))}")


def _open(paths: Sequence[Path], table: CellTable) -> list[DatasetReader]:
    check_files_once(paths)
    readers = [DatasetReader(path) for path in paths]
    for reader in readers:
        if len(reader) == 0:
            raise ValueError(f"{reader.path}: expected events to evaluate, got none")
        check_cell_table(reader, table)
        if reader.grid != readers[0].grid:
            raise ValueError(
                f"{reader.path}: expected the grid of {readers[0].path}, with which it forms one "
                f"sample, got '{reader.grid.name}'"
            )
    return readers


def _check_common_energies(reference: Sample, sample: Sample) -> None:
    (low, high), (first, last) = ((s.energy.min(), s.energy.max()) for s in (reference, sample))
    if last < low or high < first:
        raise ValueError(
            f"{sample.label}: expected energies of its reference, {low:.7g} to {high:.7g} MeV, "
            f"got {first:.7g} to {last:.7g} MeV: simulate the same photons"
        )


def _check_names(simulated: Collection[str]) -> None:
    for name in simulated:
        check_name("simulated", name)
    if REFERENCE_LABEL in simulated:
        raise ValueError(f"simulated: '{REFERENCE_LABEL}' is the reference, choose another name")


def _join(parts: Sequence[Array | None]) -> Array | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None
