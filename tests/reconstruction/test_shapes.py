import numpy as np
import pytest

from calovox.geometry.barrel import BARREL_NUMBERS, barrel_cells, read_barrel
from calovox.reconstruction.deposit import hits_to_cells
from calovox.reconstruction.shapes import ShowerShapes, cells_to_shapes, concatenate_shapes
from calovox.reconstruction.variables import ATLAS_VARIABLES, SHAPE_VARIABLES
from tests.reconstruction.hand_made import make_cells, moved, scaled
from tests.reference import shapes as slow
from tests.toy_showers import toy_showers

TABLE = barrel_cells()
RATIOS = ("f1", "e_ratio", "w_eta1", "fracs1", "r_phi", "r_eta", "r_phi_atlas", "r_eta_atlas")
ENERGIES = ("e_raw", "delta_e", "layer_energy", "cluster_energy")


@pytest.fixture(scope="module")
def cells():
    return hits_to_cells(toy_showers(24, n_hits=1500), TABLE)


@pytest.fixture(scope="module")
def shapes(cells) -> ShowerShapes:
    return cells_to_shapes(cells, TABLE)


def shapes_of(*events) -> ShowerShapes:
    return cells_to_shapes(make_cells(TABLE, *events), TABLE)


@pytest.mark.parametrize("strip_rows", [1, 2])
def test_shapes_equal_the_slow_twin(cells, strip_rows):
    fast = cells_to_shapes(cells, TABLE, strip_rows=strip_rows)
    twin = slow.shapes_of_cells(cells, TABLE, strip_rows=strip_rows)
    for name in twin[0]:
        expected = slow.as_array(twin, name)
        np.testing.assert_allclose(
            getattr(fast, name), expected, rtol=1e-9, atol=1e-9, err_msg=name
        )


def test_shapes_in_the_real_cells_equal_the_slow_twin(shared):
    table = read_barrel(shared / "atlas" / "CaloCells.root").cells
    hits = toy_showers(6)
    cells = hits_to_cells(hits, table)
    fast, twin = cells_to_shapes(cells, table), slow.shapes_of_cells(cells, table)
    for name in twin[0]:
        expected = slow.as_array(twin, name)
        np.testing.assert_allclose(getattr(fast, name), expected, rtol=1e-9, atol=1e-9)
    barrel = cells_to_shapes(hits_to_cells(hits, TABLE), TABLE)
    np.testing.assert_allclose(fast.f1, barrel.f1, atol=1e-3)


def test_toy_showers_have_a_second_maximum_and_use_all_shapes(shapes):
    for name in (*RATIOS, "delta_e"):
        assert np.unique(getattr(shapes, name)).size > 10, name


def test_windows_in_emb2_run_over_phi_first():
    event = {(2, 60, 100): 100.0}
    event |= {(2, 60, 101): 10.0, (2, 60, 103): 4.0, (2, 61, 100): 20.0, (2, 63, 100): 8.0}
    event |= {(2, 64, 100): 50.0, (2, 60, 104): 50.0}
    shapes = shapes_of(event)
    assert shapes.r_phi[0] == pytest.approx(138 / 142)
    assert shapes.r_eta[0] == pytest.approx(130 / 138)
    assert shapes.r_eta_atlas[0] == pytest.approx(134 / 142)
    assert shapes.r_phi_atlas[0] == pytest.approx(130 / 134)


def test_fractions_of_layers():
    shapes = shapes_of({(0, 50, 3): 1.0, (1, 400, 3): 2.0, (2, 50, 12): 3.0, (12, 10, 3): 2.0})
    np.testing.assert_array_equal(shapes.layer_energy[0], [1, 2, 3, 0, 2])
    assert shapes.e_raw[0] == 8
    assert shapes.f1[0] == 0.25
    assert shapes.e_cal is None


def test_windows_continue_over_phi_pi():
    n_phi = TABLE.grid_shape(2)[1]
    event = {(2, 60, 0): 100.0, (2, 60, n_phi - 1): 10.0, (2, 60, n_phi - 3): 5.0}
    shapes = shapes_of(event)
    assert shapes.r_phi[0] == pytest.approx(110 / 115)
    assert shapes.cluster_energy[0, 2] == 115


def test_cells_outside_the_detector_count_as_zero():
    n_eta = TABLE.grid_shape(2)[0]
    shapes = shapes_of({(2, n_eta - 1, 9): 3.0, (2, n_eta - 4, 9): 1.0}, {(2, 0, 9): 3.0})
    np.testing.assert_allclose(shapes.r_phi, 1)
    np.testing.assert_allclose(shapes.r_eta, [0.75, 1])


def n_cells(layer: int, eta_index: int, phi_index: int) -> float:
    """Count the cells of a layer in the cluster around a cell of EMB2."""
    rows = TABLE.index_grid(layer)
    center = TABLE.index_grid(2)[eta_index, phi_index]
    near_eta = np.abs(TABLE.eta[rows[:, 0]] - TABLE.eta[center]) < 0.15
    d_phi = np.abs(TABLE.phi[rows[0]] - TABLE.phi[center])
    near_phi = np.minimum(d_phi, 2 * np.pi - d_phi) < 0.3
    event = {(layer, int(i), int(j)): 0.5 for i, j in np.argwhere(np.outer(near_eta, near_phi))}
    shapes = shapes_of(event | {(2, eta_index, phi_index): 1.0})
    return float(shapes.cluster_energy[0, BARREL_NUMBERS.index(layer)] / 0.5)


@pytest.mark.parametrize(
    ("layer", "n_expected"), [(0, 3 * 2), (1, 24 * 2), (3, 2 * 7), (12, 1 * 2)]
)
def test_the_cluster_has_the_same_number_of_cells_everywhere(layer, n_expected):
    for eta_index, phi_index in [(60, 100), (61, 101), (62, 102), (63, 103), (20, 0), (21, 255)]:
        assert n_cells(layer, eta_index, phi_index) == n_expected


def test_the_cluster_has_3_by_7_cells_of_emb2():
    event = {(2, i, j): 1.0 for i in range(50, 60) for j in range(90, 110)} | {(2, 55, 100): 2.0}
    shapes = shapes_of(event)
    np.testing.assert_array_equal(shapes.cluster_energy[0], [0, 0, 22, 0, 0])
    center = TABLE.eta[TABLE.index_grid(2)[55, 100]]
    assert shapes.cluster_eta[0] == pytest.approx(center)


def test_an_event_without_energy_has_defined_shapes():
    shapes = shapes_of({}, {(0, 50, 3): 1.0}, {(1, 400, 3): 1.0}, {(2, 50, 12): 1.0})
    for name in (*RATIOS, "delta_e", "cluster_eta"):
        values = getattr(shapes, name)
        assert np.all(np.isfinite(values)), name
        assert values[0] == 0, name
    np.testing.assert_array_equal(shapes.has_strips, [False, False, True, False])
    np.testing.assert_array_equal(shapes.has_middle, [False, False, False, True])
    assert "4 events, not calibrated, 3 without energy in EMB1, 3 in EMB2" in repr(shapes)


def test_negative_energies_give_finite_shapes():
    event = {(1, 400, 3): 1.0, (1, 401, 3): -2.0, (1, 403, 3): -4.0, (1, 405, 3): 0.5}
    event |= {(2, 50, 12): 1.0, (2, 51, 12): -5.0, (2, 50, 13): 0.1}
    shapes = shapes_of(event, {(1, 400, 3): -1.0, (2, 50, 12): -1.0})
    for name in (*RATIOS, *ENERGIES):
        assert np.all(np.isfinite(getattr(shapes, name))), name
    assert shapes.e_raw[1] == -2
    assert not shapes.has_middle[1]


def test_negative_energies_do_not_move_a_cluster():
    event = {(2, 60, 5): 100.0, (2, 61, 5): 60.0}
    positive, both = shapes_of(event), shapes_of(event | {(2, 59, 5): -80.0})
    assert both.cluster_eta[0] == positive.cluster_eta[0]
    assert both.cluster_energy[0, 2] == positive.cluster_energy[0, 2] - 80.0


def test_shapes_do_not_change_under_rotation_by_one_tower(cells, shapes):
    rows = np.empty(len(TABLE), dtype=np.int64)
    for layer in BARREL_NUMBERS:
        grid = TABLE.index_grid(layer)
        rows[grid] = np.roll(grid, -grid.shape[1] // 64, axis=1)
    rotated = cells_to_shapes(moved(cells, rows), TABLE)
    for name in (*RATIOS, *ENERGIES, "cluster_eta"):
        expected = getattr(shapes, name)
        np.testing.assert_allclose(
            getattr(rotated, name), expected, rtol=1e-6, atol=1e-9, err_msg=name
        )


def test_shapes_of_emb2_do_not_change_under_rotation_by_one_of_its_cells(cells, shapes):
    rows = np.arange(len(TABLE))
    grid = TABLE.index_grid(2)
    rows[grid] = np.roll(grid, 1, axis=1)
    rotated = cells_to_shapes(moved(cells, rows), TABLE)
    for name in ("r_phi", "r_eta", "r_phi_atlas", "r_eta_atlas", "e_raw", "f1"):
        np.testing.assert_allclose(getattr(rotated, name), getattr(shapes, name), rtol=1e-6)


def test_shapes_do_not_change_under_the_mirror_in_eta(cells, shapes):
    rows = np.empty(len(TABLE), dtype=np.int64)
    for layer in BARREL_NUMBERS:
        grid = TABLE.index_grid(layer)
        rows[grid] = grid[::-1]
    mirrored = cells_to_shapes(moved(cells, rows), TABLE)
    for name in (*RATIOS, *ENERGIES):
        expected = getattr(shapes, name)
        np.testing.assert_allclose(
            getattr(mirrored, name), expected, rtol=1e-6, atol=1e-9, err_msg=name
        )
    np.testing.assert_allclose(mirrored.cluster_eta, -shapes.cluster_eta, rtol=1e-6)


def test_ratios_do_not_change_with_the_energy(cells, shapes):
    doubled = cells_to_shapes(scaled(cells, 2.0), TABLE)
    for name in RATIOS:
        np.testing.assert_allclose(getattr(doubled, name), getattr(shapes, name), rtol=1e-12)
    for name in ENERGIES:
        np.testing.assert_allclose(getattr(doubled, name), 2 * getattr(shapes, name), rtol=1e-12)


def test_shapes_of_a_batch_are_those_of_its_events(cells, shapes):
    parts = [cells_to_shapes(cells[event : event + 1], TABLE) for event in range(len(cells))]
    joined = concatenate_shapes(parts)
    for name in (*RATIOS, *ENERGIES):
        np.testing.assert_array_equal(getattr(joined, name), getattr(shapes, name))
        np.testing.assert_array_equal(getattr(joined[3:5], name), getattr(shapes, name)[3:5])


def test_no_events_give_no_shapes(cells):
    assert len(cells_to_shapes(cells[0:0], TABLE)) == 0


def test_unsorted_and_foreign_cells_are_refused():
    cells = make_cells(TABLE, {(2, 50, 12): 1.0, (2, 50, 13): 1.0})
    cells.cell[:] = cells.cell[::-1].copy()
    with pytest.raises(ValueError, match="rising cell numbers in each event, not so in event 0"):
        cells_to_shapes(cells, TABLE)
    cells.cell[:] = len(TABLE)
    with pytest.raises(ValueError, match="rows of the cell table"):
        cells_to_shapes(cells, TABLE)


def test_every_variable_has_values_and_a_range(shapes):
    names = [variable.name for variable in SHAPE_VARIABLES]
    assert names == [
        "e_raw",
        "e_cal",
        "f1",
        "delta_e",
        "e_ratio",
        "w_eta1",
        "fracs1",
        "r_phi",
        "r_eta",
    ]
    for variable in (*SHAPE_VARIABLES, *ATLAS_VARIABLES):
        low, high = variable.axis_range(65e3)
        assert low < high
        assert variable.is_energy == (variable.unit == "MeV")
        if variable.name == "e_cal":
            with pytest.raises(ValueError, match="not calibrated"):
                variable.values(shapes)
        else:
            assert len(variable.values(shapes)) == len(shapes)


def test_all_lengths_must_agree(shapes):
    columns = {name: getattr(shapes, name) for name in shapes.__dataclass_fields__}
    columns["f1"] = columns["f1"][:-1]
    with pytest.raises((ValueError, TypeError)):
        ShowerShapes(**columns)
