"""Showers of other programs become a dataset, with their own voxels.

These are the layouts whose voxels are rings about the shower.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np

from calovox.dataset import DatasetWriter
from calovox.dataset.detectors import check_grid
from calovox.files.hdf5 import Compression
from calovox.files.whole import file_hash
from calovox.foreign.layouts import layout_of, unknown_layout
from calovox.foreign.showers.calochallenge import CaloChallengeShowers
from calovox.foreign.showers.lemurs import DEFAULT_RING, LemursShowers
from calovox.foreign.tables.table import ForeignFileError
from calovox.geometry import Detector
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits.shares import EnergyShares
from calovox.photons import Particle
from calovox.tracking import Track, silently
from calovox.voxelization import VoxelGrid, Voxels

__all__ = [
    "ImportedShowers",
    "ShowerOptions",
    "ShowerSource",
    "import_showers",
    "open_foreign_showers",
]

_NUMBERS_OF_A_BATCH: Final = 8_000_000
_MOST_OF_A_BATCH: Final = 2000


@runtime_checkable
class ShowerSource(Protocol):
    """A file of showers of another program."""

    layout: str
    path: Path
    grid: VoxelGrid

    def __len__(self) -> int:
        """Return the number of showers."""
        ...

    def batches(self, size: int) -> Iterator[Voxels]:
        """Read all showers, so many at a time."""
        ...


@dataclass(frozen=True)
class ShowerOptions:
    """What files of showers do not say.

    Attributes:
        binning: XML file of the voxels of a file of the CaloChallenge.
        eta: Pseudorapidity of its showers.
        ring: Width of the rings of LEMURS in mm.
    """

    binning: Path | None = None
    eta: float | None = None
    ring: float | None = None


@dataclass(frozen=True)
class ImportedShowers:
    """What was written.

    Attributes:
        layout: The layout of the file.
        n_voxels: Voxels of a shower.
        shares: Mean shares of the kinetic energy in the layers.
    """

    layout: str
    n_voxels: int
    shares: EnergyShares

    def __str__(self) -> str:
        return (
            f"{self.shares.n_events} showers of {self.layout}, {self.n_voxels} voxels; mean "
            f"E_tot/E_kin {self.shares.total:.3g}"
        )


def open_foreign_showers(path: Path, options: ShowerOptions | None = None) -> ShowerSource:
    """Open a file of showers.

    Args:
        path: The file.
        options: What it does not say.

    Returns:
        Its showers.

    Raises:
        ForeignFileError: If its layout is not one of these, or it is damaged.
        ValueError: If the binning is missing.
    """
    given, layout = options or ShowerOptions(), layout_of(path)
    if layout == "CaloChallenge":
        if given.binning is None:
            raise ValueError(
                f"{path} is a file of the CaloChallenge: give the XML file of its voxels with "
                "--binning"
            )
        eta = 0.0 if given.eta is None else given.eta
        return CaloChallengeShowers(path, given.binning, eta=eta)
    if layout == "LEMURS and Par04":
        return LemursShowers(path, ring=DEFAULT_RING if given.ring is None else given.ring)
    raise unknown_layout(path)


def import_showers(
    source: ShowerSource,
    output: Path,
    *,
    detector: Detector | None = None,
    scale: float = 1.0,
    particle: Particle = "photon",
    compression: Compression = "blosc2",
    precision_bits: int | None = None,
    provenance: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    track: Track = silently,
) -> ImportedShowers:
    """Write showers of another program as a dataset.

    Args:
        source: The showers.
        output: The dataset.
        detector: Where the layers lie; None if it is not known.
        scale: Every energy is multiplied by it.
        particle: What made the showers, which the files do not say.
        compression: How to compress the file.
        precision_bits: How many bits of energies to keep; None for all.
        provenance: How the file is made, but for the showers.
        overwrite: Whether an existing file may be replaced.
        track: Shows the progress.

    Returns:
        What was written.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
        ForeignFileError: If the showers cannot be read.
    """
    if len(source) == 0:
        raise ForeignFileError(f"{source.path}: expected showers, got none")
    grid, total = source.grid, np.zeros(len(source.grid.numbers))
    if detector is not None:
        check_grid(grid, detector)
    size = max(1, min(_MOST_OF_A_BATCH, _NUMBERS_OF_A_BATCH // grid.n_voxels))
    made_from = {"layout": source.layout, "files": {source.path.name: file_hash(source.path)}}
    with DatasetWriter(
        output,
        grid,
        provenance={**(provenance or {}), **made_from, "scale": scale},
        detector=DetectorMark.of(detector),
        particle=particle,
        overwrite=overwrite,
        compression=compression,
        precision_bits=precision_bits,
    ) as writer:
        for voxels in track(source.batches(size), "showers", len(source)):
            scaled = replace(voxels, energy=voxels.energy * np.float32(scale))
            writer.append(scaled)
            total += scaled.layer_energy.sum(axis=0)
    shares = dict(zip(grid.numbers, (total / len(source)).tolist(), strict=True))
    return ImportedShowers(source.layout, grid.n_voxels, EnergyShares(len(source), shares))
