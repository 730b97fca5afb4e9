"""A bounded number of showers, drawn at random from a file of any size."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.samples.batch import ShowerBatch, ShowerSource
from calovox.samples.tracking import Track, silently

__all__ = [
    "ShowerRows",
    "choose_rows",
    "draw_showers",
    "read_batches",
    "read_showers",
    "stack_conditions",
]

_NUMBERS_PER_BATCH: Final = 2_000_000
_LARGEST_BATCH: Final = 4096


@dataclass(frozen=True)
class ShowerRows:
    """Some showers.

    Attributes:
        fraction: Energy of each voxel as a fraction of the incident energy.
        energy: Incident energies in MeV.
        abs_eta: abs(eta) of the shower centres; None if it is not known.
    """

    fraction: Float32[Array, "event voxel"]
    energy: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"] | None

    def __len__(self) -> int:
        return len(self.energy)

    def __getitem__(self, rows: Int64[Array, " chosen"]) -> "ShowerRows":
        """Return some of the showers."""
        abs_eta = None if self.abs_eta is None else self.abs_eta[rows]
        return ShowerRows(self.fraction[rows], self.energy[rows], abs_eta)

    @property
    def conditions(self) -> Float64[Array, "event condition"]:
        """Natural logarithm of the energy, and abs(eta) if it is known."""
        return stack_conditions(self.energy, self.abs_eta)


def read_batches(source: ShowerSource, title: str, track: Track) -> Iterator[ShowerBatch]:
    """Read all showers of a file, so many at a time that memory stays small.

    Args:
        source: The file.
        title: What is being done.
        track: Shows the progress.

    Returns:
        The batches, in the order of the file.
    """
    size = int(np.clip(_NUMBERS_PER_BATCH // source.layout.n_voxels, 1, _LARGEST_BATCH))
    return track(source.batches(size), title, len(source))


def choose_rows(n_events: int, most: int, rng: np.random.Generator) -> Int64[Array, " row"]:
    """Choose events at random.

    Args:
        n_events: Events there are.
        most: Events that are wanted at most.
        rng: Chooses them.

    Returns:
        Rising rows: all of them if there are no more than wanted.
    """
    if n_events <= most:
        return np.arange(n_events)
    return np.sort(rng.choice(n_events, most, replace=False))


def draw_showers(
    source: ShowerSource, most: int, rng: np.random.Generator, *, track: Track = silently
) -> ShowerRows:
    """Draw showers from a file.

    Args:
        source: The file.
        most: Showers that are wanted at most.
        rng: Chooses them.
        track: Shows the progress.

    Returns:
        The showers, in the order of the file.
    """
    rows = choose_rows(len(source), most, rng)
    return read_showers(source, rows, f"Reading {source.path.name}", track)


def read_showers(
    source: ShowerSource, rows: Int64[Array, " row"], title: str, track: Track
) -> ShowerRows:
    """Read some showers of a file.

    Args:
        source: The file.
        rows: Which showers, rising.
        title: What is being done.
        track: Shows the progress.

    Returns:
        The showers, in the order of the file.
    """
    start, parts = 0, []
    for batch in read_batches(source, title, track):
        low, high = np.searchsorted(rows, (start, start + len(batch)))
        parts.append(batch.fraction[rows[low:high] - start])
        start += len(batch)
    abs_eta = source.abs_eta()
    energy = source.incident_energy()[rows]
    return ShowerRows(np.concatenate(parts), energy, None if abs_eta is None else abs_eta[rows])


def stack_conditions(
    energy: Float64[Array, " event"], abs_eta: Float64[Array, " event"] | None
) -> Float64[Array, "event condition"]:
    """Give the photons of showers as columns.

    Args:
        energy: Incident energies in MeV.
        abs_eta: abs(eta) of the shower centres; None if it is not known.

    Returns:
        Natural logarithm of the energy, and abs(eta) if it is known.
    """
    return np.stack([np.log(energy), *([] if abs_eta is None else [abs_eta])], axis=1)
