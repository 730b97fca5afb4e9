import dataclasses
import itertools

import numpy as np
import pytest
import torch

from calovox.models.shapes.tokens import TokenKind, grid_to_image, grid_to_tokens
from calovox.nn import DiffusionTransformer
from calovox.voxelization import VoxelGrid


def shuffled(grid: VoxelGrid) -> VoxelGrid:
    """The same voxels, in a random order within every layer."""
    rng = np.random.default_rng(4)
    bounds = grid.layer_boundaries
    parts = [rng.permutation(np.arange(a, b)) for a, b in itertools.pairwise(bounds)]
    return dataclasses.replace(grid, places=np.concatenate(parts))


GRIDS = {
    "patches": VoxelGrid.regular(),
    "patches, shuffled": shuffled(VoxelGrid.regular()),
    "rings": VoxelGrid.optimal(),
    "rings, shuffled": shuffled(VoxelGrid.optimal()),
    "voxels": VoxelGrid.optimal(),
}


def test_the_transformer_has_the_parameters_of_the_note() -> None:
    network = DiffusionTransformer(grid_to_tokens(VoxelGrid.regular(), "patches"), n_scalars=7)
    assert network.count() == {
        "blocks": 4 * (62_640 + 20_880 + 166_608 + 222_048),
        "tokens": 1_008,
        "head": 21_750,
        "positions": 40_320,
        "time": 24_832,
        "conditions": 25_344,
    }
    assert sum(network.count().values()) == 2_001_958
    assert network.n_tokens == 280


@pytest.mark.parametrize("grid", [GRIDS["patches"], GRIDS["patches, shuffled"]])
def test_an_image_has_each_voxel_where_it_is(grid: VoxelGrid) -> None:
    image = grid_to_image(grid)
    assert image.shape == (24, 14, 5)
    assert (np.diff(grid.r_min[image], axis=0) > 0).all()
    assert (np.diff(grid.alpha_min[image], axis=1) > 0).all()
    assert (np.diff(grid.layer[image].astype(int), axis=2) > 0).all()


@pytest.mark.parametrize("name", GRIDS)
def test_tokens_are_neighbours_in_one_layer(name: str) -> None:
    grid, kind = GRIDS[name], name.partition(",")[0]
    n_r = {"patches": 3, "rings": 1, "voxels": 1}[kind]
    for group in grid_to_tokens(grid, kind).members:
        voxels = group.numpy()
        assert (grid.layer[voxels] == grid.layer[voxels[:, :1]]).all()
        for token in voxels:
            assert len(np.unique(grid.r_min[token])) == n_r
            covered = (grid.r_max - grid.r_min)[token] * (grid.alpha_max - grid.alpha_min)[token]
            radial = np.ptp(np.append(grid.r_min[token], grid.r_max[token]))
            angular = np.ptp(np.append(grid.alpha_min[token], grid.alpha_max[token]))
            assert covered.sum() == pytest.approx(radial * angular)


@pytest.mark.parametrize(
    ("kind", "n_tokens"), [("patches", 280), ("rings", 120), ("voxels", 1680)]
)
def test_the_order_in_the_file_does_not_matter(kind: TokenKind, n_tokens: int) -> None:
    """The same voxels make the same tokens at the same positions."""
    found = []
    for name in ("patches", "patches, shuffled"):
        layout = grid_to_tokens(GRIDS[name], kind)
        assert layout.n_tokens == n_tokens
        (group,) = layout.members
        edges = np.stack([GRIDS[name].r_min, GRIDS[name].alpha_min, GRIDS[name].layer])
        rows = np.concatenate(
            [edges[:, group.numpy()].reshape(-1, n_tokens).T, layout.positions], 1
        )
        found.append(rows[np.lexsort(rows.T)])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)


def test_rings_of_one_size_share_weights() -> None:
    layout = grid_to_tokens(VoxelGrid.optimal(), "rings")
    assert [tuple(group.shape) for group in layout.members] == [(39, 4), (17, 10), (4, 14)]
    assert len(torch.unique(layout.positions, dim=0)) == 60


def test_grids_that_make_no_patches_are_refused() -> None:
    with pytest.raises(ValueError, match="as many bins in every ring of every layer, got"):
        grid_to_tokens(VoxelGrid.optimal(), "patches")
    with pytest.raises(ValueError, match="`kind` 'patches', 'rings' or 'voxels', got 'cubes'"):
        grid_to_tokens.__wrapped__(VoxelGrid.optimal(), "cubes")
