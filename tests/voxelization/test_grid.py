from pathlib import Path

import numpy as np
import pytest

from calovox.arrays import Array
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.voxelization import Ring, VoxelGrid
from tests.reference.voxelize import slow_find

GRIDS = [VoxelGrid.optimal(), VoxelGrid.regular()]
COARSE = Path(__file__).parents[2] / "grids" / "coarse.toml"


def edges_of(grid: VoxelGrid, dtype: type = np.float64) -> list[list[Array]]:
    """Starts and sizes in alpha, then in r, per layer, as `VoxelGrid.from_arrays` takes them."""
    columns = (
        grid.alpha_min,
        grid.alpha_max - grid.alpha_min,
        grid.r_min,
        grid.r_max - grid.r_min,
    )
    return [
        [column[grid.layer == layer].astype(dtype) for layer in BARREL_NUMBERS]
        for column in columns
    ]


def shuffled(grid: VoxelGrid, seed: int = 1) -> VoxelGrid:
    """The same voxels in another order inside each layer."""
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(np.sum(grid.layer == layer)) for layer in BARREL_NUMBERS]
    return VoxelGrid.from_arrays(
        *[[part[o] for part, o in zip(parts, orders, strict=True)] for parts in edges_of(grid)]
    )


def test_the_notes_grids_have_the_notes_number_of_voxels() -> None:
    counts = [np.sum(GRIDS[0].layer == layer) for layer in BARREL_NUMBERS]
    assert counts == [36, 164, 110, 36, 36]
    assert GRIDS[0].layer_boundaries.tolist() == [0, 36, 200, 310, 346, 382]
    assert GRIDS[1].n_voxels == 1680


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.name)
def test_voxels_go_outward_and_by_rising_alpha(grid: VoxelGrid) -> None:
    for layer in BARREL_NUMBERS:
        of_layer = grid.layer_slice(layer)
        order = np.lexsort((grid.alpha_min[of_layer], grid.r_min[of_layer]))
        assert np.array_equal(order, np.arange(len(order)))
        area = 0.5 * (grid.r_max**2 - grid.r_min**2) * (grid.alpha_max - grid.alpha_min)
        assert np.isclose(area[of_layer].sum(), np.pi * grid.r_max[of_layer].max() ** 2)


def test_the_regular_grid_is_finer_than_the_optimal_one_in_r() -> None:
    optimal, regular = GRIDS
    for layer in BARREL_NUMBERS:
        edges = set(regular.r_min[regular.layer == layer])
        inner = {r for r in optimal.r_min[optimal.layer == layer] if r < 30 and layer == 1}
        assert inner <= edges


@pytest.mark.parametrize("grid", [*GRIDS, shuffled(GRIDS[0])], ids=repr)
def test_lookup_agrees_with_the_slow_twin(grid: VoxelGrid) -> None:
    rng = np.random.default_rng(2)
    layer = rng.choice(BARREL_NUMBERS, 500)
    r = rng.exponential(1.0, 500) * 10 ** rng.uniform(0, 3, 500)
    alpha = rng.uniform(0, 2 * np.pi, 500)
    found = grid.find(layer, r, alpha)
    assert found.tolist() == [
        slow_find(grid, *point) for point in zip(layer, r, alpha, strict=True)
    ]
    assert np.any(found == -1)


@pytest.mark.parametrize("grid", [*GRIDS, shuffled(GRIDS[1])], ids=repr)
def test_lookup_is_exact_at_every_edge(grid: VoxelGrid) -> None:
    voxels = np.arange(grid.n_voxels)
    below_r = np.nextafter(grid.r_max, 0)
    below_alpha = np.nextafter(grid.alpha_max, 0)
    for r in (grid.r_min, below_r):
        for alpha in (grid.alpha_min, below_alpha):
            np.testing.assert_array_equal(grid.find(grid.layer, r, alpha), voxels)
    beyond = grid.find(grid.layer, grid.r_max, grid.alpha_min)
    outermost = np.array([grid.r_max[grid.layer == layer].max() for layer in grid.layer])
    np.testing.assert_array_equal(beyond == -1, grid.r_max == outermost)


def test_steps_that_binary_numbers_cannot_hold_are_exact_as_float32() -> None:
    rings = dict.fromkeys(BARREL_NUMBERS, (Ring(0.0, 0.7, 0.1, 3), Ring(0.7, 880.7, 1.1, 7)))
    grid = VoxelGrid(rings)
    assert np.array_equal(grid.r_min, grid.r_min.astype(np.float32))
    np.testing.assert_array_equal(
        grid.find(grid.layer, grid.r_min, grid.alpha_min), np.arange(grid.n_voxels)
    )
    assert VoxelGrid.from_arrays(*edges_of(grid, np.float32)) == grid


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("grid", [*GRIDS, shuffled(GRIDS[0])], ids=repr)
def test_a_grid_survives_its_arrays(grid: VoxelGrid, dtype: type) -> None:
    again = VoxelGrid.from_arrays(*edges_of(grid, dtype))
    assert again == grid
    assert hash(again) == hash(grid)
    assert str(again).split("\n")[1:] == str(grid).split("\n")[1:]


def test_another_order_of_voxels_is_another_grid() -> None:
    grid = shuffled(GRIDS[0])
    assert grid != GRIDS[0]
    assert VoxelGrid.optimal() == GRIDS[0]
    assert GRIDS[0] != "optimal"
    order = grid.find(GRIDS[0].layer, GRIDS[0].r_min, GRIDS[0].alpha_min)
    np.testing.assert_array_equal(grid.r_min[order], GRIDS[0].r_min)


def test_alpha_may_start_at_minus_pi_in_a_file() -> None:
    start, size, r_start, r_size = edges_of(GRIDS[0])
    moved = [np.where(alpha >= np.pi - 1e-6, alpha - 2 * np.pi, alpha) for alpha in start]
    grid = VoxelGrid.from_arrays(moved, size, r_start, r_size)
    assert grid == GRIDS[0]


@pytest.mark.parametrize("grid", [*GRIDS, shuffled(GRIDS[0])], ids=repr)
def test_doubling_cuts_every_voxel_into_its_four_parts(grid: VoxelGrid) -> None:
    fine, parts = grid.doubled()
    assert fine.n_voxels == 4 * grid.n_voxels
    assert np.array_equal(np.sort(parts.ravel()), np.arange(fine.n_voxels))
    for column, (low_alpha, low_r) in enumerate([(1, 1), (0, 1), (1, 0), (0, 0)]):
        part = parts[:, column]
        edge, own = (
            (fine.alpha_min, grid.alpha_min) if low_alpha else (fine.alpha_max, grid.alpha_max)
        )
        np.testing.assert_allclose(edge[part], own, atol=1e-12)
        edge, own = (fine.r_min, grid.r_min) if low_r else (fine.r_max, grid.r_max)
        np.testing.assert_array_equal(edge[part], own)


def test_the_toml_file_round_trips(tmp_path: Path) -> None:
    for grid in GRIDS:
        path = tmp_path / "grid.toml"
        path.write_text(grid.to_toml())
        assert VoxelGrid.from_toml(path) == grid
        assert VoxelGrid.from_toml(path).name == grid.name
    assert VoxelGrid.from_toml(COARSE).n_voxels == 180


def test_a_grid_prints_as_a_table() -> None:
    lines = str(GRIDS[0]).splitlines()
    assert lines[0] == "VoxelGrid optimal: 382 voxels"
    assert lines[7].split() == ["3", "-", "30", "10", "4.5", "60"]
    assert repr(GRIDS[0]) == "VoxelGrid(optimal: 382 voxels)"


@pytest.mark.parametrize(
    ("rings", "message"),
    [
        ((), "layer 2 .EMB2.: expected at least one ring"),
        (
            (Ring(0.0, 30.0, 7.0, 4),),
            "ring 0 to 30 mm: expected a whole number of bins of d_r = 7",
        ),
        ((Ring(5.0, 30.0, 5.0, 4),), "ring 5 to 30 mm: gap, expected r_min = 0"),
        ((Ring(0.0, 30.0, 5.0, 4), Ring(40.0, 50.0, 5.0, 4)), "ring 40 to 50 mm: gap, .* = 30"),
        ((Ring(0.0, 30.0, 5.0, 4), Ring(20.0, 50.0, 5.0, 4)), "overlap, expected r_min = 30"),
        ((Ring(0.0, 30.0, 5.0, 0),), "expected n_alpha of 1 or more, got 0"),
        ((Ring(0.0, 30.0, -5.0, 4),), "expected d_r above 0, got -5"),
        ((Ring(30.0, 0.0, 5.0, 4),), "expected 0 <= r_min < r_max"),
    ],
)
def test_rings_that_do_not_fit_are_refused(rings: tuple[Ring, ...], message: str) -> None:
    good = (Ring(0.0, 30.0, 5.0, 4),)
    with pytest.raises(ValueError, match=message):
        VoxelGrid(dict.fromkeys(BARREL_NUMBERS, good) | {2: rings})


@pytest.mark.parametrize("numbers", [(), (7, 4), (4, 255), (-1, 4)])
def test_numbers_of_layers_must_rise(numbers) -> None:
    with pytest.raises(ValueError, match="expected layers in the order of their numbers"):
        VoxelGrid(dict.fromkeys(numbers, (Ring(0.0, 30.0, 5.0, 4),)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rings = ", "no valid TOML"),
        ("name = 'x'", r"expected a table \[rings\]"),
        ("[rings]\nEMB1 = []", "expected a key PreSamplerB, or default"),
        ("[rings]\nEMB9 = []", "unknown key EMB9, .*did you mean EMB"),
        ("[rings]\ndefault = 3", "expected a list of rings, got 3"),
        (
            "[rings]\ndefault = [{r_min = 0, r_max = 10, dr = 1, n_alpha = 4}]",
            "a ring of default: unknown key dr, .*did you mean d_r",
        ),
        (
            "[rings]\ndefault = [{r_min = 0, r_max = 10, d_r = 1, n_alpha = 4.5}]",
            "expected an integer as n_alpha, got 4\\.5",
        ),
        (
            "[rings]\ndefault = [{r_min = 0, r_max = 10, d_r = 3, n_alpha = 4}]",
            "layer 0 .*ring 0 to 10 mm: expected a whole number",
        ),
    ],
)
def test_a_bad_toml_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "grid.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        VoxelGrid.from_toml(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("column", "voxel", "value", "message"),
    [
        (0, 3, 0.0, "layer 1 .EMB1., ring 0 to 1 mm: the 4 bins in alpha overlap or leave a hole"),
        (1, 3, 1.0, "layer 1 .* the 4 bins in alpha overlap or leave a hole"),
        (2, 3, 0.5, "overlap or leave a"),
        (3, 3, 2.0, "bins overlap or leave a gap, their size is 1 mm"),
        (3, 3, -1.0, "expected finite edges and bin sizes above 0"),
        (0, 3, np.nan, "expected finite edges"),
        (2, 3, 1e300, "expected finite edges"),
    ],
)
def test_arrays_with_overlaps_or_holes_are_refused(
    column: int, voxel: int, value: float, message: str
) -> None:
    edges = edges_of(GRIDS[0])
    edges[column][1][voxel] = value
    with pytest.raises(ValueError, match=message):
        VoxelGrid.from_arrays(*edges)


def test_missing_voxels_are_refused() -> None:
    edges = edges_of(GRIDS[0])
    for parts in edges:
        parts[2] = np.delete(parts[2], slice(10, 20))
    with pytest.raises(ValueError, match=r"layer 2 .* overlap or leave a gap"):
        VoxelGrid.from_arrays(*edges)
    edges[0][2] = edges[0][2][:-1]
    with pytest.raises(ValueError, match="as many starts as sizes"):
        VoxelGrid.from_arrays(*edges)
