"""Samples that are judged: reconstructed showers, read once.

A sample may be spread over several files of one grid, each with photons of its own range. The
reconstructed shower shapes stay in memory. Voxels do not: they are read batch by batch when they
are needed. Reference and simulations share one calibration of the energy: the one stored with the
first file of the reference, or else one fitted to the reference.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry.barrel import BARREL_NAMES, BARREL_NUMBERS
from calovox.reconstruction import (
    ATLAS_VARIABLES,
    SHAPE_VARIABLES,
    Calibration,
    ShowerShapes,
    concatenate_shapes,
    fit_calibration,
)
from calovox.samples.batch import ShowerBatch, ShowerSource
from calovox.samples.layout import VoxelLayout
from calovox.samples.reading import read_batches
from calovox.samples.regions import REGIONS, Region
from calovox.samples.showers import AverageShower, sum_showers
from calovox.samples.source import SourceChain
from calovox.tracking import Track, silently
from calovox.voxelization import VoxelGrid

__all__ = [
    "OBSERVABLES",
    "Sample",
    "calibrate",
    "check_common_energies",
    "files_of",
    "reconstruct",
]

OBSERVABLES: Final = (*SHAPE_VARIABLES, *ATLAS_VARIABLES)
"""Everything that is compared: the note's nine observables, then ATLAS's two ratios."""

_COLUMNS: Final = ("incident_energy", "eta_center", "phi_center", "dropped_fraction")


@dataclass(frozen=True)
class Sample:
    """Reconstructed showers of one sample, and where their voxels are read.

    Attributes:
        label: How the report calls it.
        voxels: Its files, without shapes.
        energy: Kinetic energies in MeV.
        eta_center: Pseudorapidity of the shower centres.
        phi_center: Azimuth of the shower centres in rad; None if not stored.
        dropped_fraction: Share of each event's energy outside the grid; None if not stored.
        shapes: Shower shapes of the events.
        averages: Average showers of the regions that have events.
    """

    label: str
    voxels: SourceChain
    energy: Float64[Array, " event"]
    eta_center: Float64[Array, " event"]
    phi_center: Float64[Array, " event"] | None
    dropped_fraction: Float64[Array, " event"] | None
    shapes: ShowerShapes
    averages: tuple[AverageShower, ...]

    has_shapes = True

    def __len__(self) -> int:
        return len(self.energy)

    @property
    def path(self) -> Path:
        """The first file."""
        return self.voxels.path

    @property
    def grid(self) -> VoxelGrid:
        """The voxels."""
        return self.voxels.datasets[0].grid

    @property
    def layer_names(self) -> dict[int, str]:
        """Names of the layers of the shapes, by their numbers."""
        numbers = self.shapes.numbers
        if numbers == BARREL_NUMBERS:
            return dict(BARREL_NAMES)
        known = dict(zip(self.grid.numbers, self.grid.layer_names, strict=True))
        return {number: known.get(number, f"layer_{number}") for number in numbers}

    @property
    def layout(self) -> VoxelLayout:
        """Where they lie."""
        return self.voxels.layout

    @property
    def n_extrapolated(self) -> int:
        """Showers left out, of photons that the model was not trained for."""
        return sum(source.n_extrapolated for source in self.voxels.datasets)

    def incident_energy(self) -> Float64[Array, " event"]:
        """Return the kinetic energies in MeV."""
        return self.energy

    def abs_eta(self) -> Float64[Array, " event"]:
        """Return abs(eta) of the shower centres."""
        return np.asarray(np.abs(self.eta_center))

    def batches(self, size: int) -> Iterator[ShowerBatch]:
        """Read the voxels of all showers, so many at a time; the shapes are known.

        Args:
            size: Showers per batch, the last may have fewer.

        Yields:
            Showers in order, with shapes.
        """
        start = 0
        for batch in self.voxels.batches(size):
            yield replace(batch, shapes=self.shapes[start : start + len(batch)])
            start += len(batch)


def files_of(source: ShowerSource) -> tuple[ShowerSource, ...]:
    """Give the files that showers are read from.

    Args:
        source: A sample, a chain of files, or a file.

    Returns:
        Its files, in order.
    """
    chain = source.voxels if isinstance(source, Sample) else source
    return chain.sources if isinstance(chain, SourceChain) else (chain,)


def reconstruct(
    source: SourceChain,
    label: str,
    *,
    regions: Sequence[Region] = REGIONS,
    track: Track = silently,
) -> Sample:
    """Read a source and reconstruct its cells; the energies are not calibrated yet.

    Args:
        source: Datasets with cell energies.
        label: How the report calls the sample.
        regions: Where showers are averaged.
        track: Shows the progress over showers.

    Returns:
        The sample.

    Raises:
        ValueError: If a file has no cell energies.
    """
    for path, reason in source.without_shapes.items():
        raise ValueError(
            f"{path} {reason} to evaluate: `calovox voxelize` and `calovox simulate` write them"
        )
    columns: dict[str, list[Any]] = {name: [] for name in (*_COLUMNS, "shapes")}
    sums = [(np.zeros(source.layout.n_voxels), 0) for _ in regions]
    for batch in read_batches(source, f"Reconstructing {label}", track):
        for name, parts in columns.items():
            parts.append(getattr(batch, name))
        added = [sum_showers(batch, region) for region in regions]
        sums = [(a + b, n + m) for (a, n), (b, m) in zip(sums, added, strict=True)]
    grid = source.datasets[0].grid
    return Sample(
        label=label,
        voxels=source.voxels_alone(),
        energy=np.concatenate(columns["incident_energy"]),
        eta_center=np.concatenate(columns["eta_center"]),
        phi_center=_join(columns["phi_center"]),
        dropped_fraction=_join(columns["dropped_fraction"]),
        shapes=concatenate_shapes(columns["shapes"]),
        averages=tuple(
            AverageShower(region, grid, total / count, count)
            for region, (total, count) in zip(regions, sums, strict=True)
            if count > 0
        ),
    )


def calibrate(samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], Calibration, bool]:
    """Calibrate all samples alike.

    Args:
        samples: The reference, whose first file may hold the calibration, then simulations.

    Returns:
        The calibrated samples, the calibration, and whether the file held it.
    """
    first = samples[0]
    stored = first.voxels.datasets[0].calibration
    calibration = stored
    if calibration is None:
        shapes = first.shapes
        calibration = fit_calibration(shapes.cluster_energy, first.energy, shapes.cluster_eta)
    calibrated = tuple(
        replace(sample, shapes=sample.shapes.calibrated(calibration)) for sample in samples
    )
    return calibrated, calibration, stored is not None


def check_common_energies(reference: Sample, sample: Sample) -> None:
    """Refuse a simulation that has no energy of its reference.

    Args:
        reference: Showers of Geant4.
        sample: Simulated showers.

    Raises:
        ValueError: If their ranges of energy do not overlap.
    """
    (low, high), (first, last) = ((s.energy.min(), s.energy.max()) for s in (reference, sample))
    if last < low or high < first:
        raise ValueError(
            f"{sample.label}: expected energies of its reference, {low:.7g} to {high:.7g} MeV, "
            f"got {first:.7g} to {last:.7g} MeV: simulate the same photons"
        )


def _join(parts: Sequence[Array | None]) -> Array | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None
