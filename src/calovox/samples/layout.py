"""Where the voxels of a shower lie: what features need to know of any voxelised detector.

Voxels are numbered layer by layer. The position of a voxel is that of its middle in r and alpha,
as in the CaloChallenge: x = r cos(alpha) along eta and y = r sin(alpha) along phi.
"""

from dataclasses import dataclass

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
            0.5 * (grid.r_min + grid.r_max),
            0.5 * (grid.alpha_min + grid.alpha_max),
            mirrored_voxels(grid),
        )

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
