r"""Where hits lie inside their voxel: average showers on the grid with twice the bins.

Each voxel has four quarters, the products of its halves in alpha and in r. The probability of a
quarter is its share of the voxel's energy in the average shower around a stored energy. Between
two stored energies probabilities are interpolated linearly in log energy; outside of them the
nearest ones hold (note, section 2.4; FastCaloSim, class ``TFCSBinnedShower``). A voxel that no
shower of an energy reached has the probability 1/4 for each quarter.

The reflection alpha -> -alpha is a symmetry of the detector model: the average of a voxel and that
of its reflection are one.

Quarters are in the order of FastCaloSim's files: (alpha low, r low), (alpha high, r low),
(alpha low, r high), (alpha high, r high).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64
from calovox.geometry import Detector
from calovox.hits import Hits
from calovox.voxelization import VoxelGrid, hits_to_voxels
from calovox.voxelization.reflection import mirrored_voxels

__all__ = ["STORED_ENERGIES", "SubVoxelProbabilities", "average_sub_voxels"]

_MIRRORED: Final = (1, 0, 3, 2)  # quarters at -alpha

STORED_ENERGIES: Final = tuple(2.0**exponent for exponent in range(8, 23))
"""Energies of the average showers in MeV (note, section 2.4)."""


@dataclass(frozen=True)
class SubVoxelProbabilities:
    """Probabilities of the quarters of each voxel.

    Attributes:
        grid: The voxels.
        energies: Stored energies in MeV, rising: those of `STORED_ENERGIES` that have showers.
        probabilities: Probability of each quarter; the four of a voxel add up to 1.
    """

    grid: VoxelGrid
    energies: Float64[Array, " energy"]
    probabilities: Float64[Array, "energy voxel 4"]

    def __post_init__(self) -> None:
        shape = (len(self.energies), self.grid.n_voxels, 4)
        if self.probabilities.shape != shape:
            raise ValueError(
                f"SubVoxelProbabilities: `probabilities` must have the shape {shape}, "
                f"got {self.probabilities.shape}"
            )
        energies = self.energies
        if not (len(energies) > 0 and energies[0] > 0 and np.all(np.diff(energies) > 0)):
            raise ValueError(
                f"SubVoxelProbabilities: `energies` must be above 0 and rise, got {energies}"
            )
        sums = np.sum(self.probabilities, axis=2)
        good = np.all(self.probabilities >= 0, axis=2) & (np.abs(sums - 1) < 1e-6)
        if not np.all(good):
            energy, voxel = np.argwhere(~good)[0]
            raise ValueError(
                f"SubVoxelProbabilities: the quarters of voxel {voxel} at "
                f"{energies[energy]:g} MeV must be at least 0 and add up to 1, got "
                f"{self.probabilities[energy, voxel]}"
            )

    @classmethod
    def uniform(cls, grid: VoxelGrid) -> "SubVoxelProbabilities":
        """Give each quarter the probability 1/4.

        Args:
            grid: The voxels.

        Returns:
            Probabilities for one stored energy, which hold at every energy.
        """
        return cls(grid, np.array([1.0]), np.full((1, grid.n_voxels, 4), 0.25))

    @classmethod
    def from_arrays(
        cls, grid: VoxelGrid, arrays: Mapping[str, Float[Array, "..."]]
    ) -> "SubVoxelProbabilities":
        """Take them from the named arrays of `to_arrays`."""
        return cls(
            grid,
            np.asarray(arrays["energies"], dtype=np.float64),
            np.asarray(arrays["probabilities"], dtype=np.float64),
        )

    def to_arrays(self) -> dict[str, Float64[Array, "..."]]:
        """Name the arrays, to be attached to a dataset."""
        return {"energies": self.energies, "probabilities": self.probabilities}

    def __repr__(self) -> str:
        energies = ", ".join(f"{energy:g}" for energy in self.energies)
        return f"SubVoxelProbabilities({self.grid.n_voxels} voxels at {energies} MeV)"

    def bracket(
        self, energy: Float[Array, " event"]
    ) -> tuple[Int64[Array, " event"], Float64[Array, " event"]]:
        """Find the stored energies on either side, for an interpolation in log energy.

        Args:
            energy: Incident energies in MeV.

        Returns:
            Position of the lower stored energy, and weight of the next one, 0 to 1.
        """
        if len(self.energies) == 1:
            return np.zeros(len(energy), dtype=np.int64), np.zeros(len(energy))
        logs = self._logs
        wanted = np.log(np.asarray(energy, dtype=np.float64))
        lower: Int64[Array, " event"] = logs[1:-1].searchsorted(wanted, side="right")
        weight = (wanted - logs[lower]) / (logs[lower + 1] - logs[lower])
        return lower, np.minimum(np.maximum(weight, 0.0), 1.0)

    def at(self, energy: Float[Array, " event"]) -> Float64[Array, "event voxel 4"]:
        """Interpolate the probabilities.

        Args:
            energy: Incident energies in MeV.

        Returns:
            Probability of each quarter.
        """
        lower, weight = self.bracket(energy)
        upper = np.minimum(lower + 1, len(self.energies) - 1)
        share = weight[:, None, None]
        low, high = self.probabilities[lower], self.probabilities[upper]
        return np.asarray((1 - share) * low + share * high)

    @cached_property
    def _logs(self) -> Float64[Array, " energy"]:
        return np.asarray(np.log(self.energies))


def average_sub_voxels(
    batches: Iterable[Hits],
    grid: VoxelGrid,
    *,
    center: Literal["hits", "photon"] = "hits",
    min_showers: int = 20,
    detector: Detector | None = None,
) -> SubVoxelProbabilities:
    """Average showers on the grid with twice the bins, around each stored energy.

    A shower counts for the stored energy nearest in log energy. The average is that of the energy
    fractions, so that every shower counts alike.

    Args:
        batches: Hits of many showers.
        grid: The voxels whose quarters are wanted.
        center: Which centre the voxels have; as in `hits_to_voxels`.
        min_showers: Stored energies with fewer showers are left out.
        detector: Where the layers lie; the built-in barrel by default.

    Returns:
        The probabilities at the stored energies that have enough showers.

    Raises:
        ValueError: If no stored energy has enough showers.
    """
    doubled, children = grid.doubled()
    sums = np.zeros((len(STORED_ENERGIES), doubled.n_voxels))
    counts = np.zeros(len(STORED_ENERGIES), dtype=np.int64)
    for hits in batches:
        voxels = hits_to_voxels(hits, doubled, center=center, detector=detector)
        nearest = _nearest_energy(voxels.incident_energy)
        np.add.at(sums, nearest, voxels.energy)
        counts += np.bincount(nearest, minlength=len(counts))
    enough = counts >= min_showers
    if not np.any(enough):
        raise ValueError(
            f"average showers: expected at least {min_showers} showers around one of the "
            f"energies 2^8 to 2^22 MeV, got at most {counts.max()}"
        )
    quarters = sums[enough][:, children]
    quarters = quarters + quarters[:, mirrored_voxels(grid)][:, :, _MIRRORED]
    totals = np.sum(quarters, axis=2, keepdims=True)
    shares = np.divide(quarters, totals, out=np.full(quarters.shape, 0.25), where=totals > 0)
    return SubVoxelProbabilities(grid, np.asarray(STORED_ENERGIES)[enough], shares)


def _nearest_energy(energy: Float[Array, " event"]) -> Int64[Array, " event"]:
    logs = np.log2(STORED_ENERGIES)
    position = np.rint(np.log2(energy) - logs[0])
    return np.asarray(np.clip(position, 0, len(logs) - 1), dtype=np.int64)
