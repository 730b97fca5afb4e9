import numpy as np
import pytest

from calovox.patterns.sides import neighbours_of, side_levels
from calovox.voxelization import Ring, VoxelGrid
from tests.patterns.showers import GRID
from tests.reference.patterns import sides_of

UNEVEN = VoxelGrid(
    {
        0: (Ring(0.0, 20.0, 20.0, 1), Ring(20.0, 60.0, 40.0, 3)),
        2: (Ring(0.0, 10.0, 10.0, 1), Ring(10.0, 40.0, 15.0, 4), Ring(40.0, 60.0, 20.0, 6)),
    }
)


@pytest.mark.parametrize("grid", [GRID, UNEVEN, VoxelGrid.regular()], ids=repr)
def test_levels_are_those_of_the_slow_twin(grid):
    rng = np.random.default_rng(2)
    energy = rng.exponential(1.0, (1, grid.n_voxels)) * (rng.random((1, grid.n_voxels)) < 0.6)
    voxel = rng.permutation(np.flatnonzero(energy[0]))[:60]
    levels = side_levels(energy, np.zeros(len(voxel), dtype=np.int64), voxel, grid)
    assert levels.tolist() == [sides_of(energy[0], place, grid) for place in voxel]


def test_voxels_within_one_radial_bin_share_all_of_those_inward():
    around = neighbours_of(UNEVEN)
    shares = np.zeros(UNEVEN.n_voxels)
    for voxel in np.flatnonzero((UNEVEN.layer == 2) & (UNEVEN.r_min == 25.0)):
        rows = slice(*around.first[6 * voxel + 2 : 6 * voxel + 4])
        np.add.at(shares, around.voxel[rows], around.share[rows])
    inner = (UNEVEN.layer == 2) & (UNEVEN.r_min == 10.0)
    assert shares[inner] == pytest.approx(1.0)
    assert not shares[~inner].any()


def test_mirror_images_exchange_lower_and_higher_alpha():
    ring = VoxelGrid({2: (Ring(0.0, 100.0, 100.0, 4),)})
    for energy, levels in (
        ([1.0, 3.0, 0.0, 0.0], [0, 12, 0, 0, 0, 0]),
        ([1.0, 0.0, 0.0, 3.0], [12, 0, 0, 0, 0, 0]),
    ):
        first = np.zeros(1, dtype=np.int64)
        assert side_levels(np.array([energy]), first, first, ring).tolist() == [levels]
