import numpy as np
import pytest

from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.voxelization import Ring, VoxelGrid
from calovox.voxelization.grid_toml import parse_rings
from tests.voxelization.test_grid import edges_of, shuffled


def random_grid(seed: int) -> VoxelGrid:
    """Up to three rings per layer, with widths that binary numbers may not hold exactly."""
    rng = np.random.default_rng(seed)
    layers = {}
    for layer in BARREL_NUMBERS:
        rings = []
        reached = 0.0
        for _ in range(rng.integers(1, 4)):
            d_r = float(rng.choice([0.1, 0.3, 1.0, 4.5, 17.5, 100.0]))
            following = reached + d_r * int(rng.integers(1, 7))
            rings.append(Ring(reached, following, d_r, int(rng.integers(1, 17))))
            reached = following
        layers[layer] = tuple(rings)
    return VoxelGrid(layers)


@pytest.mark.parametrize("seed", range(5))
def test_every_corner_of_a_random_grid_is_found(seed: int) -> None:
    grid = shuffled(random_grid(seed))
    voxels = np.arange(grid.n_voxels)
    for r in (grid.r_min, np.nextafter(grid.r_max, 0)):
        for alpha in (grid.alpha_min, np.nextafter(grid.alpha_max, 0)):
            np.testing.assert_array_equal(grid.find(grid.layer, r, alpha), voxels)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_grid_survives_files(seed: int) -> None:
    grid = random_grid(seed)
    assert VoxelGrid.from_arrays(*edges_of(grid, np.float32)) == grid
    text = parse_rings(grid.to_toml())
    assert VoxelGrid(text.rings, text.name) == grid


@pytest.mark.parametrize("seed", range(5))
def test_random_points_lie_inside_the_voxel_that_is_found(seed: int) -> None:
    grid = random_grid(seed)
    rng = np.random.default_rng(seed)
    layer = rng.choice(BARREL_NUMBERS, 500)
    r = rng.uniform(0, 1.2 * grid.r_max.max(), 500)
    alpha = rng.uniform(0, 2 * np.pi, 500)
    found = grid.find(layer, r, alpha)
    inside = found >= 0
    voxel, r_inside, alpha_inside = found[inside], r[inside], alpha[inside]
    assert np.array_equal(grid.layer[voxel], layer[inside])
    assert np.all((grid.r_min[voxel] <= r_inside) & (r_inside < grid.r_max[voxel]))
    assert np.all((grid.alpha_min[voxel] <= alpha_inside) & (alpha_inside < grid.alpha_max[voxel]))
    outer = {number: grid.r_max[grid.layer == number].max() for number in BARREL_NUMBERS}
    assert np.array_equal(inside, r < np.array([outer[number] for number in layer]))
