r"""What each radial bin of a layer leaves in the cells, placed by patterns.

Radial bins of a layer do not know of each other: a voxel takes the pattern of a voxel of its own
bin. So the cells of a layer are the sum of those of its bins, and a bin that a step leaves alone
is placed only once. The random numbers of a bin depend on the seed and on the bin.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from calovox.arrays import Array, Float32
from calovox.geometry import Detector
from calovox.grid_search.showers import SearchShowers
from calovox.grid_search.windows import LayerWindow
from calovox.patterns import PatternLibrary, PatternMaker, voxels_to_cells
from calovox.patterns.library import N_SIDES
from calovox.voxelization import Ring, VoxelGrid, hits_to_voxels

__all__ = ["PlacedBins"]


class PlacedBins:
    """Places radial bins of one layer, and keeps what they leave in the cells.

    Args:
        showers: All showers of the search.
        window: The window of the layer around those that are looked at.
        detector: Its layers and cells.
        seed: Seed of the choice of patterns.
    """

    def __init__(
        self, showers: SearchShowers, window: LayerWindow, detector: Detector, seed: int
    ) -> None:
        self._showers = showers
        self._window = window
        self._detector = detector
        self._seed = seed
        self._kept: dict[Ring, Float32[Array, "event eta phi"]] = {}

    def cells(self, rings: Iterable[Ring]) -> Float32[Array, "event eta phi"]:
        """Add up the cells of a layer.

        Args:
            rings: Its radial bins.

        Returns:
            Energies in the window in MeV.
        """
        total = self._nothing()
        for ring in rings:
            total += self.bin(ring)
        return total

    def bin(self, ring: Ring) -> Float32[Array, "event eta phi"]:
        """Give the cells of one radial bin; not to be written to."""
        if ring not in self._kept:
            self._kept[ring] = self._place(ring)
        return self._kept[ring]

    def partial_sums(
        self, rings: Sequence[Ring]
    ) -> tuple[list[Float32[Array, "event eta phi"]], list[Float32[Array, "event eta phi"]]]:
        """Add up the cells of the bins inside of each one, and those from each one outward.

        Args:
            rings: Radial bins of a layer.

        Returns:
            Two lists with one entry more than there are bins.
        """
        inside, outside = [self._nothing()], [self._nothing()]
        for ring in rings:
            inside.append(inside[-1] + self.bin(ring))
        for ring in reversed(rings):
            outside.append(outside[-1] + self.bin(ring))
        return inside, outside[::-1]

    def forget_all_but(self, rings: set[Ring]) -> None:
        """Free the memory of bins that no step needs any more."""
        self._kept = {ring: cells for ring, cells in self._kept.items() if ring in rings}

    def _nothing(self) -> Float32[Array, "event eta phi"]:
        return np.zeros((len(self._showers.seen), *self._window.shape), dtype=np.float32)

    def _place(self, ring: Ring) -> Float32[Array, "event eta phi"]:
        layer = self._window.layer
        inner = (Ring(0.0, ring.r_min, ring.r_min, 1),) if ring.r_min > 0 else ()
        grid = VoxelGrid({layer: (*inner, ring)})
        hits = self._showers.seen.hits(layer, ring.r_min, ring.r_max)
        if hits.n_hits == 0:
            return self._nothing()
        voxels = hits_to_voxels(hits, grid, center="photon", detector=self._detector)
        cells, _ = voxels_to_cells(
            voxels,
            self._library(ring, grid),
            self._detector.cells,
            seed=_seed_of(self._seed, layer, ring),
            detector=self._detector,
        )
        return self._window.energies(cells)

    def _library(self, ring: Ring, grid: VoxelGrid) -> PatternLibrary:
        donors = self._showers.donors.hits(self._window.layer, ring.r_min, ring.r_max)
        maker = PatternMaker(grid, center="photon", detector=self._detector)
        maker.add(donors)
        return maker.library() if donors.n_hits else _empty_library(grid)


def _empty_library(grid: VoxelGrid) -> PatternLibrary:
    """Give a library that leaves all voxels to hits anywhere in them."""
    n_bins = sum(ring.n_r for rings in grid.layers.values() for ring in rings)
    none = np.empty(0, dtype=np.uint8)
    return PatternLibrary(
        grid=grid,
        energies=np.ones(1),
        n_showers=np.zeros((1, 1), dtype=np.int64),
        counts=np.zeros((1, 1, n_bins), dtype=np.int64),
        energy=np.empty(0, dtype=np.float32),
        sides=np.empty((0, N_SIDES), dtype=np.uint8),
        n_deposits=np.empty(0, dtype=np.int64),
        r=none,
        alpha=none,
        share=none,
    )


def _seed_of(seed: int, layer: int, ring: Ring) -> int:
    text = f"{seed} {layer} {ring.r_min!r} {ring.r_max!r} {ring.n_alpha}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
