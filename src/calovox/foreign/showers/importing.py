"""Showers of other programs become a dataset, with their own voxels.

A layout is known by its keys. Those whose voxels are rings about the shower are read; of the
others, the message says why they are not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import h5py
import numpy as np

from calovox.dataset import DatasetWriter
from calovox.dataset.detectors import check_grid
from calovox.files.damage import one_line
from calovox.files.hdf5 import Compression, open_for_reading
from calovox.files.whole import file_hash
from calovox.foreign.showers.calochallenge import CaloChallengeShowers
from calovox.foreign.showers.lemurs import DEFAULT_RING, LemursShowers
from calovox.foreign.tables.table import ForeignFileError
from calovox.geometry import Detector
from calovox.geometry.detector_files.mark import DetectorMark
from calovox.hits.shares import EnergyShares
from calovox.tracking import Track, silently
from calovox.voxelization import VoxelGrid, Voxels

__all__ = [
    "ImportedShowers",
    "ShowerOptions",
    "ShowerSource",
    "import_showers",
    "layout_of",
    "open_foreign_showers",
]

_READ: Final[Mapping[str, frozenset[str]]] = {
    "CaloChallenge": frozenset({"showers", "incident_energies"}),
    "LEMURS and Par04": frozenset({"showers", "incident_energy", "incident_theta"}),
}
_NOT_READ: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "HGCal showers of CaloDiffusion": (
        frozenset({"showers", "gen_info"}),
        "its cells are hexagons, and where they lie is in another file",
    ),
    "CaloGAN": (
        frozenset({"layer_0", "layer_1", "layer_2", "energy"}),
        "its voxels are rectangles, not rings about the shower",
    ),
    "point clouds of showerdata": (
        frozenset({"showers", "energies"}),
        "it has points, not voxels",
    ),
}
_NUMBERS_OF_A_BATCH: Final = 8_000_000
_MOST_OF_A_BATCH: Final = 2000
_KEYS_SHOWN: Final = 8


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


def layout_of(path: Path) -> str | None:
    """Tell by its keys which layout of showers a file has.

    Args:
        path: Any file.

    Returns:
        Its name, which may be that of a layout that is not read; None if it has none of them.

    Raises:
        ForeignFileError: If it is a damaged HDF5 file.
    """
    if not h5py.is_hdf5(path):
        return None
    with open_for_reading(path, ForeignFileError) as file:
        keys = frozenset(file)
    layouts = {**_READ, **{name: wanted for name, (wanted, _) in _NOT_READ.items()}}
    return next((name for name, wanted in layouts.items() if wanted <= keys), None)


def open_foreign_showers(path: Path, options: ShowerOptions | None = None) -> ShowerSource:
    """Open a file of showers.

    Args:
        path: The file.
        options: What it does not say.

    Returns:
        Its showers.

    Raises:
        ForeignFileError: If its layout is not read, or it is damaged.
        ValueError: If an option is missing, or is not for this layout.
    """
    given, layout = options or ShowerOptions(), layout_of(path)
    if layout == "CaloChallenge":
        _refuse(layout, {"--ring": given.ring})
        if given.binning is None:
            raise ValueError(
                f"{path} is a file of the CaloChallenge: give the XML file of its voxels with "
                "--binning"
            )
        eta = 0.0 if given.eta is None else given.eta
        return CaloChallengeShowers(path, given.binning, eta=eta)
    if layout == "LEMURS and Par04":
        _refuse(layout, {"--binning": given.binning, "--eta": given.eta})
        return LemursShowers(path, ring=DEFAULT_RING if given.ring is None else given.ring)
    with open_for_reading(path, ForeignFileError) as file:
        names = ", ".join(one_line(key) for key in sorted(file)[:_KEYS_SHOWN]) or "nothing"
    known = "; ".join(f"{name} ({', '.join(sorted(keys))})" for name, keys in _READ.items())
    if layout is not None:
        raise ForeignFileError(
            f"{path}: the layout of {layout} is not read: {_NOT_READ[layout][1]}. Known layouts "
            f"are {known}"
        )
    raise ForeignFileError(f"{path}: expected showers of {known}, got the keys {names}")


def import_showers(
    source: ShowerSource,
    output: Path,
    *,
    detector: Detector | None = None,
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
        provenance={**(provenance or {}), **made_from},
        detector=DetectorMark.of(detector),
        overwrite=overwrite,
        compression=compression,
        precision_bits=precision_bits,
    ) as writer:
        for voxels in track(source.batches(size), "showers", len(source)):
            writer.append(voxels)
            total += voxels.layer_energy.sum(axis=0)
    shares = dict(zip(grid.numbers, (total / len(source)).tolist(), strict=True))
    return ImportedShowers(source.layout, grid.n_voxels, EnergyShares(len(source), shares))


def _refuse(layout: str, options: Mapping[str, object]) -> None:
    for option, value in options.items():
        if value is not None:
            raise ValueError(f"{option} is not for showers of {layout}: leave it out")
