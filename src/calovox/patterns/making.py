r"""Making of patterns from hits.

Every shower gives one pattern for each voxel with energy, of its merged deposits
(`calovox.patterns.merging`).
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

import numpy as np

from calovox.arrays import Array, Float64, Int64, UInt8
from calovox.binned_shower import STORED_ENERGIES
from calovox.geometry import Detector, atlas_barrel
from calovox.hits import Hits
from calovox.patterns.library import (
    N_SIDES,
    STEPS,
    STEPS_PER_OCTAVE,
    PatternLibrary,
    RadialBins,
)
from calovox.patterns.merging import (
    Merging,
    VoxelDeposits,
    deposits_in_voxels,
    merge_deposits,
)
from calovox.patterns.sides import side_levels
from calovox.voxelization import VoxelGrid, shower_centers

__all__ = ["PatternMaker"]

_PLACES_OF_A_SQUARE: Final = 2
"""Places that are told apart along a square of merged deposits."""

_COARSEST: Final = 6
"""Bits of a place that may be rounded."""


@dataclass
class PatternMaker:
    """Collects patterns from batches of hits.

    Attributes:
        grid: The voxels.
        merging: How deposits are merged.
        most: Patterns of a radial bin and a stored energy beyond this number are left out, as many
            in each range of abs(eta), evenly among their energies; None to keep all.
        eta_borders: Borders between the ranges of abs(eta) of shower centres; none for one range.
        center: What voxels lie round, as in `hits_to_voxels`.
        detector: Where the layers lie; the built-in barrel by default.
        knows_sides: Whether patterns are kept with the sides of their voxels; without, all 0.
    """

    grid: VoxelGrid
    merging: Merging = field(default_factory=Merging)
    most: int | None = 300
    eta_borders: tuple[float, ...] = ()
    center: Literal["hits", "photon"] = "hits"
    detector: Detector = field(default_factory=atlas_barrel)
    knows_sides: bool = True

    def __post_init__(self) -> None:
        borders = np.array(self.eta_borders)
        if not (np.all(borders > 0) and np.all(np.diff(borders) > 0)):
            raise ValueError(
                f"PatternMaker: expected `eta_borders` that rise from above 0, got {borders}"
            )
        shape = (len(borders) + 1, len(STORED_ENERGIES))
        self._n_showers = np.zeros(shape, dtype=np.int64)
        # of each pattern: range of abs(eta), stored energy, radial bin, energy, sides, deposits;
        # then the bytes
        self._parts: list[tuple[Array, ...]] = []
        self._bins = RadialBins.from_grid(self.grid)
        self._squares = self.merging.sides(self.grid, self.detector)

    def add(self, hits: Hits) -> None:
        """Take the patterns of some showers.

        Args:
            hits: The showers, without phi modulation if it is removed from the voxels too.

        Raises:
            ValueError: If the grid lacks the layer of a hit.
        """
        photons = hits.photons
        nearest = np.rint(np.log2(photons.energy / STORED_ENERGIES[0]))
        stored = np.clip(nearest, 0, len(STORED_ENERGIES) - 1).astype(np.int64)
        eta, phi = self._centers(hits)
        place = np.array(self.eta_borders).searchsorted(np.abs(eta), side="right")
        np.add.at(self._n_showers, (place, stored), 1)
        deposits = deposits_in_voxels(hits, self.grid, self.detector, eta, phi)
        deposits = merge_deposits(deposits, self._squares[deposits.key % self.grid.n_voxels])
        if len(deposits) == 0:
            return
        first = np.flatnonzero(np.append(True, np.diff(deposits.key) != 0))
        event, voxel = np.divmod(deposits.key[first], self.grid.n_voxels)
        energy = np.add.reduceat(deposits.energy, first)
        number = np.diff(np.append(first, len(deposits.key)))
        sides = np.zeros((len(voxel), N_SIDES), dtype=np.uint8)
        if self.knows_sides:
            energies = np.zeros((len(hits), self.grid.n_voxels))
            energies[event, voxel] = energy
            sides = side_levels(energies, event, voxel, self.grid)
        codes = self._encode(deposits, np.repeat(voxel, number), np.repeat(energy, number))
        keys = place[event], stored[event], self._bins.of_voxel[voxel]
        self._parts.append((*keys, energy, sides, number, *codes))

    def library(self, meta: dict[str, Any] | None = None) -> PatternLibrary:
        """Sort the patterns.

        Args:
            meta: How they were made.

        Returns:
            The patterns at the stored energies that have showers.

        Raises:
            ValueError: If there are none.
        """
        if not self._parts:
            raise ValueError("patterns: expected showers with energy in voxels, got none")
        columns = [np.concatenate(part) for part in zip(*self._parts, strict=True)]
        place, stored, radial, energy, sides, number = columns[:6]
        filled = np.flatnonzero(self._n_showers.any(axis=0))
        energy = energy.astype(np.float32)
        order = np.lexsort((energy, radial, stored, place))
        shape = (len(self._n_showers), len(filled), len(self._bins))
        keys = place[order], np.searchsorted(filled, stored[order]), radial[order]
        key = np.ravel_multi_index(keys, shape)
        if self.most is not None:
            kept = _thinned(key, max(1, self.most // len(self._n_showers)))
            order, key = order[kept], key[kept]
        counts = np.bincount(key, minlength=np.prod(shape))
        rows = _runs((np.cumsum(number) - number)[order], number[order])
        r, alpha, share = (codes[rows] for codes in columns[6:])
        return PatternLibrary(
            grid=self.grid,
            energies=np.array(STORED_ENERGIES)[filled],
            eta_borders=np.array(self.eta_borders, dtype=np.float64),
            n_showers=self._n_showers[:, filled],
            counts=counts.reshape(shape),
            energy=energy[order],
            sides=sides[order],
            n_deposits=number[order],
            r=r,
            alpha=alpha,
            share=share,
            meta={"merging": asdict(self.merging), "most": self.most, **(meta or {})},
        )

    def _centers(self, hits: Hits) -> tuple[Float64[Array, " event"], Float64[Array, " event"]]:
        """Give what the voxels lie round."""
        if self.center == "hits":
            return shower_centers(hits)
        return hits.photons.eta, hits.photons.phi

    def _encode(
        self,
        deposits: VoxelDeposits,
        voxel: Int64[Array, " deposit"],
        total: Float64[Array, " deposit"],
    ) -> tuple[UInt8[Array, " deposit"], ...]:
        """Give places in the voxels, and shares of their energies, as bytes."""
        r_min, r_max, alpha_min, alpha_max = self.grid.edges[voxel].T
        finest = _PLACES_OF_A_SQUARE * np.array([r_max - r_min, (alpha_max - alpha_min) * r_max])
        # places are rounded, for the sake of small files
        coarse = STEPS * self._squares[voxel] / finest
        rounded = 2 ** np.clip(np.log2(np.maximum(coarse, 1.0)), 0, _COARSEST).astype(np.int64)
        r = np.hypot(deposits.x, deposits.y)
        alpha = np.arctan2(deposits.y, deposits.x) % (2.0 * np.pi)
        values = (
            STEPS * (r - r_min) / (r_max - r_min),
            STEPS * (alpha - alpha_min) / (alpha_max - alpha_min),
            np.rint(STEPS_PER_OCTAVE * np.log2(total / deposits.energy)),
        )
        r_byte, alpha_byte, share = (np.clip(value, 0, STEPS - 1).astype(int) for value in values)
        codes = (
            byte // step * step + step // 2
            for byte, step in zip((r_byte, alpha_byte), rounded, strict=True)
        )
        return tuple(code.astype(np.uint8) for code in (*codes, share))


def _runs(starts: Int64[Array, " run"], lengths: Int64[Array, " run"]) -> Int64[Array, " row"]:
    """Join the ranges of rows that begin at `starts`."""
    ends = np.cumsum(lengths)
    shift = np.repeat(starts - (ends - lengths), lengths)
    return np.asarray(np.arange(ends[-1] if len(ends) else 0) + shift, dtype=np.int64)


def _thinned(key: Int64[Array, " pattern"], most: int) -> Int64[Array, " kept"]:
    """Keep at most so many patterns of each key, evenly among those that are sorted."""
    _, first, number = np.unique(key, return_index=True, return_counts=True)
    kept = np.minimum(number, most)
    place = np.arange(kept.sum()) - np.repeat(np.cumsum(kept) - kept, kept)
    step = np.repeat(number / kept, kept)
    rows = np.repeat(first, kept) + np.floor((place + 0.5) * step).astype(np.int64)
    return np.asarray(rows, dtype=np.int64)
