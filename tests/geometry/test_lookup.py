import dataclasses
import math

import numba
import numpy as np
import pytest

from calovox.geometry import BarrelLookup, CellTable, TableLookup, barrel_cells, find_cell
from calovox.geometry.alignment import aligned_barrel_cells
from calovox.geometry.barrel import BARREL_GRIDS, BARREL_LAYERS, BARREL_NUMBERS
from calovox.geometry.lookup_kernel import GAP_TOLERANCE
from tests.reference.geometry import (
    distances,
    eta_edges,
    find_by_distance,
    find_by_edges,
    phi_edges,
)


def random_points(n_points, seed=5, max_abs_eta=1.6):
    rng = np.random.default_rng(seed)
    layer = rng.choice(np.array(BARREL_NUMBERS, dtype=np.uint8), n_points)
    return (
        layer,
        rng.uniform(-max_abs_eta, max_abs_eta, n_points),
        rng.uniform(-math.pi, math.pi, n_points),
    )


@pytest.fixture(scope="module")
def aligned() -> TableLookup:
    return TableLookup.from_table(aligned_barrel_cells())


def test_barrel_finds_the_cells_that_binary_search_finds():
    points = random_points(200_000)
    found = barrel_cells().lookup().find(*points)
    np.testing.assert_array_equal(found, find_by_edges(barrel_cells(), *points))
    assert 0.5 < np.mean(found >= 0) < 0.95


@pytest.mark.parametrize("layer", BARREL_NUMBERS)
def test_barrel_is_exact_at_the_edges_of_cells(layer):
    grid = BARREL_GRIDS[layer]
    eta = eta_edges(grid)
    phi = phi_edges(grid)
    near_eta = np.concatenate([eta, np.nextafter(eta, -9), np.nextafter(eta, 9)])
    near_phi = np.concatenate([phi, np.nextafter(phi[1:], -9), np.nextafter(phi, 9)])
    near_phi = np.append(near_phi, np.nextafter(math.pi, 0))
    points = [values.ravel() for values in np.meshgrid(near_eta, near_phi)]
    layers = np.full(len(points[0]), layer, dtype=np.uint8)
    found = barrel_cells().lookup().find(layers, *points)
    np.testing.assert_array_equal(found, find_by_edges(barrel_cells(), layers, *points))


@pytest.mark.parametrize("table", [barrel_cells, aligned_barrel_cells])
def test_centre_of_each_cell_lies_in_the_cell(table):
    cells = table()
    for lookup in (cells.lookup(), TableLookup.from_table(cells)):
        found = lookup.find(cells.layer, cells.eta, cells.phi)
        np.testing.assert_array_equal(found, np.arange(len(cells)))


def test_table_lookup_finds_the_nearest_of_all_cells(aligned):
    table = aligned_barrel_cells()
    points = random_points(1500)
    found = aligned.find(*points)
    np.testing.assert_array_equal(found, find_by_distance(table, *points, reach=1 + GAP_TOLERANCE))
    assert 0.5 < np.mean(found >= 0) < 0.95


def test_table_lookup_agrees_with_arithmetic_on_a_regular_grid():
    points = random_points(50_000)
    by_arithmetic = barrel_cells().lookup().find(*points)
    by_table = TableLookup.from_table(barrel_cells()).find(*points)
    inside = by_arithmetic >= 0
    np.testing.assert_array_equal(by_table[inside], by_arithmetic[inside])
    for point in np.flatnonzero(~inside & (by_table >= 0))[:50]:
        _, distance = distances(barrel_cells(), *(column[point] for column in points))
        assert 1.0 <= distance.min() <= 1 + GAP_TOLERANCE


def test_points_equally_near_to_cells_belong_to_the_highest_row():
    eta_index, phi_index = (index.ravel() for index in np.indices((2, 3)))
    same = np.ones(6)
    table = CellTable(
        id=np.arange(6, dtype=np.uint64),
        layer=np.full(6, 2, dtype=np.uint8),
        eta=0.125 + 0.25 * eta_index,
        phi=0.25 + 0.5 * phi_index,
        r=1600.0 * same,
        z=same,
        d_eta=0.25 * same,
        d_phi=0.5 * same,
        d_r=same,
        eta_index=eta_index.astype(np.int32),
        phi_index=phi_index.astype(np.int32),
        name="toy",
        layers=BARREL_LAYERS,
    )
    eta = np.array([0.25, 0.25, 0.125, 0.375, 0.25, 0.25])  # borders, then corners
    phi = np.array([0.25, 1.25, 0.5, 1.0, 0.5, 1.0])
    found = TableLookup.from_table(table).find(np.full(6, 2), eta, phi)
    np.testing.assert_array_equal(found, [3, 5, 1, 5, 4, 5])


def test_gaps_between_displaced_cells_belong_to_a_cell(aligned):
    layer, eta, phi = random_points(100_000, max_abs_eta=0.99)
    eta = np.where(np.abs(eta) < 0.01, 0.5, eta)
    assert np.all(aligned.find(layer, eta, phi) >= 0)


def test_nothing_is_found_outside():
    lookup = barrel_cells().lookup()
    layer = np.array([1, 1, 3, 12, 2, 2, 2], dtype=np.uint8)
    eta = np.array([0.0031, -0.0031, 1.36, -1.01, math.nan, 0.1, math.inf])
    phi = np.array([0.0, 0.0, 0.0, 0.0, 0.0, math.nan, math.inf])
    np.testing.assert_array_equal(lookup.find(layer, eta, phi), -1)


@pytest.mark.parametrize("turns", [-3, 1, 2])
@pytest.mark.parametrize("make", [BarrelLookup.from_table, TableLookup.from_table])
def test_full_turns_change_nothing(make, turns):
    layer, eta, phi = random_points(1000)
    lookup = make(barrel_cells())
    turned = lookup.find(layer, eta, phi + turns * 2 * math.pi)
    np.testing.assert_array_equal(turned, lookup.find(layer, eta, phi))


def test_pi_in_single_precision_is_next_to_minus_pi():
    above_pi = np.array([math.pi], dtype=np.float32)
    assert float(above_pi[0]) > math.pi
    row = barrel_cells().lookup().find(np.array([2]), np.array([0.01]), above_pi)
    assert barrel_cells().phi_index[row] == 0


def test_find_cell_runs_inside_other_kernels(aligned):
    @numba.njit
    def count(eta, phi, parameters):
        inside = 0
        for point in range(eta.size):
            inside += find_cell(2, eta[point], phi[point], parameters) >= 0
        return inside

    _, eta, phi = random_points(1000)
    for lookup in (barrel_cells().lookup(), aligned):
        expected = np.count_nonzero(lookup.find(np.full(1000, 2), eta, phi) >= 0)
        assert count(eta, phi, lookup.parameters) == expected


def test_lookup_of_one_layer_finds_nothing_elsewhere():
    rows = barrel_cells().layer == 2
    names = [field.name for field in dataclasses.fields(CellTable)[:-2]]
    columns = {name: getattr(barrel_cells(), name)[rows] for name in names}
    table = dataclasses.replace(barrel_cells(), **columns)
    for lookup in (table.lookup(), TableLookup.from_table(table)):
        found = lookup.find(np.array([0, 2, 12]), np.full(3, 0.5), np.zeros(3))
        assert found[1] >= 0
        np.testing.assert_array_equal(found[[0, 2]], -1)


@pytest.mark.parametrize("layer", [-1, 4, 13, 300])
def test_unknown_layer_is_refused(layer):
    with pytest.raises(ValueError, match=rf"layers: expected numbers .* got {layer}"):
        barrel_cells().lookup().find(np.array([layer]), np.zeros(1), np.zeros(1))


def test_displaced_cells_are_no_regular_grid():
    assert isinstance(barrel_cells().lookup(), BarrelLookup)
    assert isinstance(aligned_barrel_cells().lookup(), TableLookup)
    with pytest.raises(ValueError, match=r"layer 0 on a regular grid, .* use TableLookup"):
        BarrelLookup.from_table(aligned_barrel_cells())
