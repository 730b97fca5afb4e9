r"""Patterns: how the energy of a voxel was spread over it in Geant4 showers.

A pattern belongs to one voxel of one shower: the voxel's energy, and the deposits inside it, each
with a place and a share of that energy, and how much lay beyond the voxel's sides. Patterns are
sorted by the range of abs(eta) of their shower, by its energy (the nearest of the stored ones in
log energy), by radial bin, and by the energy in the voxel.

The voxels of a radial bin, which lie side by side round the shower axis, share their patterns, as
they are or mirrored along alpha: around the axis all directions are alike to what happens inside
a voxel; what distinguishes them is how much energy a voxel has. `bench/bench_patterns.py` measures
that nothing is seen of it.

Where the matter changes along eta inside a layer, patterns of other places have too much energy
on one side of the border. A library may know such steps of the density (`DensityStep`): patterns
are taken as often as a step leaves of them (`calovox.patterns.candidates`), deposits beyond the
border get that much less or more, and those of each voxel are scaled to its energy.

Places and shares are single bytes. A byte b of r or alpha is the place (b + 1/2) / 256 across the
voxel; a byte s is a share in proportion to 2^(-s / 16), and the shares of a pattern add up to 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int64, UInt8
from calovox.voxelization import VoxelGrid

__all__ = [
    "N_SIDES",
    "STEPS",
    "STEPS_PER_OCTAVE",
    "DensityStep",
    "PatternLibrary",
    "RadialBins",
]

STEPS: Final = 256
"""Places across a voxel that a byte tells apart."""

N_SIDES: Final = 6
"""Sides of a voxel: lower and higher alpha, inward, outward, the layers before and behind."""

STEPS_PER_OCTAVE: Final = 16
"""Steps of the bytes of shares for a factor of two."""


@dataclass(frozen=True, eq=False)
class RadialBins:
    """The radial bins of a grid, whose voxels share patterns.

    Attributes:
        layer: Layer number of each bin.
        r_min: Inner radius of each bin in mm.
        r_max: Outer radius of each bin in mm.
        n_alpha: Voxels of each bin.
        of_voxel: The bin of each voxel.
    """

    layer: UInt8[Array, " bin"]
    r_min: Float64[Array, " bin"]
    r_max: Float64[Array, " bin"]
    n_alpha: Int64[Array, " bin"]
    of_voxel: Int64[Array, " voxel"]

    @classmethod
    def from_grid(cls, grid: VoxelGrid) -> "RadialBins":
        """Find the radial bins of a grid, layer by layer from the centre outward."""
        position = grid.positions[grid.layer]
        rows = np.stack([position, grid.r_min, grid.r_max], axis=1)
        _, first, of_voxel, n_alpha = np.unique(
            rows, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        return cls(
            layer=grid.layer[first],
            r_min=grid.r_min[first],
            r_max=grid.r_max[first],
            n_alpha=n_alpha.astype(np.int64),
            of_voxel=of_voxel.ravel().astype(np.int64),
        )

    def __len__(self) -> int:
        """Return the number of radial bins."""
        return len(self.layer)


@dataclass(frozen=True)
class DensityStep:
    """A step of the density of energy along eta in one layer.

    Attributes:
        layer: Number of the layer.
        abs_eta: Where it lies, on both sides of the detector.
        ratio: Density beyond it over the density before it.
    """

    layer: int
    abs_eta: float
    ratio: float

    def __post_init__(self) -> None:
        for name in ("abs_eta", "ratio"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise ValueError(
                    f"DensityStep: expected `{name}` above 0, got {getattr(self, name):g}"
                )

    def __str__(self) -> str:
        """Say in one phrase what it is."""
        where = f"in layer {self.layer} beyond |eta| {self.abs_eta:g}"
        return f"{self.ratio:.3g} times the density {where}"


@dataclass(frozen=True, eq=False)
class PatternLibrary:
    """Patterns of the voxels of one grid.

    Attributes:
        grid: The voxels.
        energies: Stored energies of showers in MeV, rising.
        n_showers: Showers that the patterns were taken from, by their abs(eta) and energy.
        counts: Number of patterns of each radial bin (`RadialBins`).
        energy: Energy of each pattern's voxel in MeV.
        sides: Levels of the sides of its voxel, 0 to 15 (`calovox.patterns.sides`); all 0 if they
            are not known.
        n_deposits: Number of deposits of each pattern.
        r: Place of each deposit across its voxel, in steps of 1/256.
        alpha: The same along alpha.
        share: Share of each deposit, as the number of sixteenths of a factor of two below 1.
        eta_borders: Borders between the ranges of abs(eta) of shower centres, rising from above
            0; none for one range.
        steps: Steps of the density along eta that no pattern knows of.
        meta: How the library was made.
    """

    grid: VoxelGrid
    energies: Float64[Array, " slice"]
    n_showers: Int64[Array, "range slice"]
    counts: Int64[Array, "range slice bin"]
    energy: Float32[Array, " pattern"]
    sides: UInt8[Array, "pattern side"]
    n_deposits: Int64[Array, " pattern"]
    r: UInt8[Array, " deposit"]
    alpha: UInt8[Array, " deposit"]
    share: UInt8[Array, " deposit"]
    eta_borders: Float64[Array, " border"] = field(default_factory=lambda: np.empty(0))
    steps: tuple[DensityStep, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        energies, borders = self.energies, self.eta_borders
        for name, values in {"energies": energies, "eta_borders": borders}.items():
            if not (np.all(values > 0) and np.all(np.diff(values) > 0)):
                raise ValueError(
                    f"PatternLibrary: `{name}` must be above 0 and rise, got {values}"
                )
        shape = (len(borders) + 1, len(energies), len(self.bins))
        if len(energies) == 0 or self.counts.shape != shape or self.n_showers.shape != shape[:2]:
            raise ValueError(
                f"PatternLibrary: expected `counts` of shape {shape} and `n_showers` of "
                f"{shape[:2]}, got {self.counts.shape} and {self.n_showers.shape}"
            )
        if np.any(self.counts < 0) or np.any(self.n_deposits < 1):
            raise ValueError(
                "PatternLibrary: expected `counts` of 0 or more and `n_deposits` of 1 or more"
            )
        patterns = {"energy": self.energy, "sides": self.sides, "n_deposits": self.n_deposits}
        _check_numbers("counts", self.counts, patterns)
        deposits = {"r": self.r, "alpha": self.alpha, "share": self.share}
        _check_numbers("n_deposits", self.n_deposits, deposits)
        if self.sides.shape[1:] != (N_SIDES,):
            raise ValueError(
                f"PatternLibrary: expected {N_SIDES} values of `sides` a pattern, got the shape "
                f"{self.sides.shape}"
            )
        _check_order(self.counts, self.energy)
        _check_steps(self.steps, self.grid)

    def __len__(self) -> int:
        """Return the number of patterns."""
        return len(self.energy)

    def __repr__(self) -> str:
        low, high = self.energies[[0, -1]]
        return (
            f"PatternLibrary({len(self)} patterns of {self.grid.n_voxels} voxels, "
            f"{len(self.r)} deposits, {low:g} to {high:g} MeV)"
        )

    @cached_property
    def bins(self) -> RadialBins:
        """Radial bins of the grid."""
        return RadialBins.from_grid(self.grid)


def _check_numbers(name: str, counts: Int64[Array, "..."], columns: Mapping[str, Array]) -> None:
    total = int(counts.sum())
    for column, values in columns.items():
        if len(values) != total:
            raise ValueError(
                f"PatternLibrary: expected {total} values of `{column}`, as `{name}` says, got "
                f"{len(values)}"
            )


def _check_order(
    counts: Int64[Array, "range slice bin"], energy: Float32[Array, " pattern"]
) -> None:
    """Refuse energies that are not above 0, finite, and rising among those of a radial bin."""
    if not np.all((energy > 0) & (energy < np.inf)):
        raise ValueError("PatternLibrary: expected finite values of `energy` above 0")
    falls = np.flatnonzero(energy[1:] < energy[:-1]) + 1
    if not np.all(np.isin(falls, np.cumsum(counts.ravel()))):
        raise ValueError("PatternLibrary: `energy` must rise among the patterns of a radial bin")


def _check_steps(steps: tuple[DensityStep, ...], grid: VoxelGrid) -> None:
    """Refuse steps in layers that the grid lacks, and two at the same place."""
    for step in steps:
        if step.layer not in grid.numbers:
            raise ValueError(
                f"PatternLibrary: expected steps in layers {list(grid.numbers)}, got layer "
                f"{step.layer}"
            )
    if len({(step.layer, step.abs_eta) for step in steps}) < len(steps):
        raise ValueError("PatternLibrary: expected one step at a place, got two")
