"""What all files of cells or points give: hits with their detector."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.foreign.tables.table import ForeignFileError
from calovox.geometry import Detector
from calovox.hits import Hits
from calovox.photons import Particle, Photons

__all__ = ["PointSource", "check_energies", "make_photons"]


@runtime_checkable
class PointSource(Protocol):
    """A file of showers of another program that are cells or points.

    Attributes:
        layout: What the layout is called.
        path: The file.
        detector: Where its layers lie.
        particle: What made the showers; None if the file does not say.
        n_numbers: Numbers that are read for one shower.
    """

    layout: str
    path: Path
    detector: Detector
    particle: Particle | None
    n_numbers: int

    def __len__(self) -> int:
        """Return the number of showers."""
        ...

    def batches(self, size: int) -> Iterator[Hits]:
        """Read all showers as hits, so many showers at a time."""
        ...


def check_energies(path: Path, energy: Array, event: Int64[Array, " point"]) -> Bool[Array, "..."]:
    """Tell which energies are above 0.

    Args:
        path: The file, for the message.
        energy: Energies.
        event: Number of the event of each, for the message.

    Returns:
        Where there is energy.

    Raises:
        ForeignFileError: If an energy is negative or not finite.
    """
    good = (energy >= 0.0) & (energy < np.inf)
    if not good.all():
        point = int(np.flatnonzero(~good)[0])
        raise ForeignFileError(
            f"{path}: expected energies that are finite and not negative, got {energy[point]} in "
            f"event {event[point]}"
        )
    return np.asarray(energy > 0.0)


def make_photons(
    path: Path,
    energy: Float64[Array, " event"],
    eta: Float64[Array, " event"],
    phi: Float64[Array, " event"],
    first: int,
) -> Photons:
    """Make the photons of some events of a file.

    Args:
        path: The file, for the message.
        energy: Kinetic energies in MeV.
        eta: Pseudorapidities.
        phi: Azimuths in rad, [-pi, pi).
        first: Number of the first event in the file.

    Returns:
        The photons, whose indices are their numbers in the file.

    Raises:
        ForeignFileError: If an energy or a direction is none.
    """
    index = np.arange(first, first + len(energy), dtype=np.int64)
    try:
        return Photons(energy=energy, eta=eta, phi=phi, index=index)
    except ValueError as problem:
        raise ForeignFileError(f"{path}: {problem}") from problem
