"""Showers of any file, a batch at a time, and some of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Bool, Float32, Float64
from calovox.reconstruction import ShowerShapes
from calovox.samples.layout import VoxelLayout

__all__ = ["SelectedShowers", "ShowerBatch", "ShowerSource", "choose_among"]


@dataclass(frozen=True)
class ShowerBatch:
    """Some showers of a file; what the file does not hold is None.

    Attributes:
        fraction: Energy of each voxel as a fraction of the incident energy.
        incident_energy: Energy of the incident particle in MeV.
        eta_center: Pseudorapidity of the shower centre.
        phi_center: Azimuth of the shower centre in rad.
        dropped_fraction: Energy of the hits that no voxel holds, as a fraction.
        shapes: Reconstructed shower shapes; None without cells.
    """

    fraction: Float32[Array, "event voxel"]
    incident_energy: Float64[Array, " event"]
    eta_center: Float64[Array, " event"] | None = None
    phi_center: Float64[Array, " event"] | None = None
    dropped_fraction: Float64[Array, " event"] | None = None
    shapes: ShowerShapes | None = None

    def __len__(self) -> int:
        return len(self.incident_energy)

    @property
    def abs_eta(self) -> Float64[Array, " event"] | None:
        """abs(eta) of the shower centre."""
        return None if self.eta_center is None else np.asarray(np.abs(self.eta_center))

    def select(self, kept: Bool[Array, " event"]) -> "ShowerBatch":
        """Return some of the showers."""
        columns = {name: values for name, values in vars(self).items() if values is not None}
        return ShowerBatch(**{name: values[kept] for name, values in columns.items()})


@runtime_checkable
class ShowerSource(Protocol):
    """Showers that are read batch by batch."""

    @property
    def path(self) -> Path:
        """Their file, or the first of them."""
        ...

    @property
    def layout(self) -> VoxelLayout:
        """Where the voxels lie."""
        ...

    @property
    def has_shapes(self) -> bool:
        """Whether the showers are reconstructed."""
        ...

    def __len__(self) -> int:
        """Return the number of showers."""
        ...

    def incident_energy(self) -> Float64[Array, " event"]:
        """Return the energies of all incident particles in MeV."""
        ...

    def abs_eta(self) -> Float64[Array, " event"] | None:
        """Return abs(eta) of all shower centres; None if the file does not tell."""
        ...

    def batches(self, size: int) -> Iterator[ShowerBatch]:
        """Read all showers in order, so many at a time."""
        ...


class SelectedShowers:
    """Some of the showers of a source.

    Args:
        source: All showers.
        chosen: Which of them; None for all.
    """

    def __init__(self, source: ShowerSource, chosen: Bool[Array, " event"] | None = None) -> None:
        self.source = source
        self.path, self.layout, self.has_shapes = source.path, source.layout, source.has_shapes
        self._chosen = np.ones(len(source), dtype=bool) if chosen is None else chosen

    def __len__(self) -> int:
        """Return the number of showers."""
        return int(self._chosen.sum())

    def incident_energy(self) -> Float64[Array, " event"]:
        """Return the energies of all incident particles in MeV."""
        return np.asarray(self.source.incident_energy()[self._chosen])

    def abs_eta(self) -> Float64[Array, " event"] | None:
        """Return abs(eta) of all shower centres; None if the file does not tell."""
        abs_eta = self.source.abs_eta()
        return None if abs_eta is None else abs_eta[self._chosen]

    def equals(self, other: "SelectedShowers") -> bool:
        """Tell whether these are the same showers of the same source."""
        return self.source is other.source and np.array_equal(self._chosen, other._chosen)

    def part_of(self, batch: ShowerBatch, start: int) -> ShowerBatch | None:
        """Give those showers of a batch of the source that are chosen.

        Args:
            batch: Showers of the source.
            start: Position of its first shower in the source.

        Returns:
            The chosen ones; None if there are none.
        """
        kept = self._chosen[start : start + len(batch)]
        if kept.all():
            return batch
        return batch.select(kept) if kept.any() else None

    def batches(self, size: int) -> Iterator[ShowerBatch]:
        """Read the showers in order, at most so many at a time."""
        start = 0
        for batch in self.source.batches(size):
            part = self.part_of(batch, start)
            start += len(batch)
            if part is not None:
                yield part


def choose_among(kept: Bool[Array, " row"], chosen: Bool[Array, " event"]) -> Bool[Array, " row"]:
    """Choose some of the rows that are kept.

    Args:
        kept: Which rows of a file are kept.
        chosen: Which of these are chosen.

    Returns:
        Which rows of the file are kept from now on.

    Example:
        >>> choose_among(np.array([True, False, True]), np.array([False, True]))
        array([False, False,  True])
    """
    rows = np.zeros_like(kept)
    rows[np.flatnonzero(kept)[chosen]] = True
    return rows
