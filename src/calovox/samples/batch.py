"""Showers of any file, a batch at a time, as the scores need them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from calovox.arrays import Array, Bool, Float32, Float64
from calovox.samples.layout import VoxelLayout

if TYPE_CHECKING:
    from calovox.reconstruction import ShowerShapes

__all__ = ["SelectedShowers", "ShowerBatch", "ShowerSource"]


@dataclass(frozen=True)
class ShowerBatch:
    """Some showers of a file.

    Attributes:
        fraction: Energy of each voxel as a fraction of the incident energy.
        incident_energy: Energy of the incident particle in MeV.
        abs_eta: abs(eta) of the shower centre; None if the file does not tell.
        shapes: Reconstructed shower shapes; None without cells.
    """

    fraction: Float32[Array, "event voxel"]
    incident_energy: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"] | None
    shapes: "ShowerShapes | None"

    def __len__(self) -> int:
        return len(self.incident_energy)

    def select(self, kept: Bool[Array, " event"]) -> "ShowerBatch":
        """Return some of the showers."""
        return ShowerBatch(
            self.fraction[kept],
            self.incident_energy[kept],
            None if self.abs_eta is None else self.abs_eta[kept],
            None if self.shapes is None else self.shapes[kept],
        )


@runtime_checkable
class ShowerSource(Protocol):
    """A file of showers."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def layout(self) -> VoxelLayout:
        """Where its voxels lie."""
        ...

    @property
    def has_shapes(self) -> bool:
        """Whether its showers are reconstructed."""
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
        chosen: Which of them.
    """

    def __init__(self, source: ShowerSource, chosen: Bool[Array, " event"]) -> None:
        self._source, self._chosen = source, chosen
        self.path, self.layout, self.has_shapes = source.path, source.layout, source.has_shapes

    def __len__(self) -> int:
        """Return the number of showers."""
        return int(self._chosen.sum())

    def incident_energy(self) -> Float64[Array, " event"]:
        """Return the energies of all incident particles in MeV."""
        return np.asarray(self._source.incident_energy()[self._chosen])

    def abs_eta(self) -> Float64[Array, " event"] | None:
        """Return abs(eta) of all shower centres; None if the file does not tell."""
        abs_eta = self._source.abs_eta()
        return None if abs_eta is None else abs_eta[self._chosen]

    def batches(self, size: int) -> Iterator[ShowerBatch]:
        """Read the showers in order, at most so many at a time."""
        start = 0
        for batch in self._source.batches(size):
            kept = self._chosen[start : start + len(batch)]
            start += len(batch)
            if kept.any():
                yield batch.select(kept)
