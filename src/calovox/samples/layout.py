"""Where the voxels of a shower lie: all that observables need to know of a detector.

Voxels are numbered layer by layer. The position of a voxel is that of its middle in r and alpha,
as in the CaloChallenge: x = r cos(alpha) along eta and y = r sin(alpha) along phi, from the shower
centre of its layer.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.voxelization import VoxelGrid
from calovox.voxelization.reflection import mirrored_voxels

__all__ = ["VoxelLayout"]


@dataclass(frozen=True, eq=False)
class VoxelLayout:
    """Positions of voxels.

    Attributes:
        name: What to call the layout.
        layers: Numbers of the layers, in the order of their voxels.
        boundaries: First voxel of each layer, and the number of voxels behind them.
        r: Distance of each voxel's middle from the shower axis in mm.
        alpha: Angle of each voxel's middle in rad.
        mirror: For each voxel, the one that lies at -alpha.
    """

    name: str
    layers: tuple[int, ...]
    boundaries: Int64[Array, " boundary"]
    r: Float64[Array, " voxel"]
    alpha: Float64[Array, " voxel"]
    mirror: Int64[Array, " voxel"]

    def __post_init__(self) -> None:
        n_voxels = len(self.r)
        if len(self.boundaries) != len(self.layers) + 1 or self.boundaries[-1] != n_voxels:
            raise ValueError(
                f"VoxelLayout: `boundaries` must give the first voxel of {len(self.layers)} "
                f"layers, then the number of voxels ({n_voxels}), got {self.boundaries.tolist()}"
            )
        for name in ("alpha", "mirror"):
            if len(getattr(self, name)) != n_voxels:
                raise ValueError(
                    f"VoxelLayout: expected {n_voxels} values of `{name}`, "
                    f"got {len(getattr(self, name))}"
                )

    def __eq__(self, other: object) -> bool:
        """Compare positions; names may differ."""
        if not isinstance(other, VoxelLayout):
            return NotImplemented
        return self.layers == other.layers and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("boundaries", "r", "alpha")
        )

    def __hash__(self) -> int:
        return hash((self.layers, self.n_voxels))

    @property
    def n_voxels(self) -> int:
        """Number of voxels of all layers."""
        return int(self.boundaries[-1])

    @classmethod
    def from_grid(cls, grid: VoxelGrid) -> "VoxelLayout":
        """Describe one of our grids.

        Example:
            >>> VoxelLayout.from_grid(VoxelGrid.optimal()).n_voxels
            382
        """
        return cls(
            grid.name,
            grid.numbers,
            grid.layer_boundaries,
            grid.r_middle,
            grid.alpha_middle,
            mirrored_voxels(grid),
        )

    @cached_property
    def x(self) -> Float64[Array, " voxel"]:
        """Middle of each voxel along eta in mm; exactly 0 in voxels on the axis of phi."""
        return _without_rounding(self.r * np.cos(self.alpha))

    @cached_property
    def y(self) -> Float64[Array, " voxel"]:
        """Middle of each voxel along phi in mm; exactly 0 in voxels on the axis of eta."""
        return _without_rounding(self.r * np.sin(self.alpha))

    def layer_slice(self, position: int) -> slice:
        """Return the range of voxels of a layer.

        Args:
            position: Place of the layer in `layers`.
        """
        return slice(int(self.boundaries[position]), int(self.boundaries[position + 1]))

    def has_angles(self, position: int) -> bool:
        """Tell whether a layer is divided in alpha.

        Args:
            position: Place of the layer in `layers`.
        """
        angles = self.alpha[self.layer_slice(position)]
        return bool(np.any(angles != angles[0]))

    def neighbours_in_alpha(self, position: int) -> Int64[Array, "pair 2"]:
        """Pair the voxels of a layer that touch along alpha: the same r, the next alpha.

        Args:
            position: Place of the layer in `layers`.

        Returns:
            Numbers of voxels, the first of the layer being 0; each pair once.
        """
        part = self.layer_slice(position)
        r, alpha = self.r[part], self.alpha[part]
        pairs = []
        for radius in np.unique(r):
            (ring,) = np.nonzero(r == radius)
            ring = ring[np.argsort(alpha[ring])]
            if len(ring) > 1:
                pairs.append(np.stack([ring, np.roll(ring, -1)], axis=1)[: _n_borders(len(ring))])
        return np.concatenate(pairs) if pairs else np.empty((0, 2), dtype=np.int64)


def _n_borders(n_alpha: int) -> int:
    """Count the pairs on a ring; two halves touch twice, but are one pair."""
    return n_alpha if n_alpha > 2 else 1


def _without_rounding(length: Float64[Array, " voxel"]) -> Float64[Array, " voxel"]:
    # the cosine of pi/2 is not 0, and its sign would put such a voxel on one side
    return np.where(np.abs(length) < 1e-9 * np.max(np.abs(length), initial=1.0), 0.0, length)
