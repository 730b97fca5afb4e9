import numpy as np
import pytest

from calovox.geometry import (
    NO_LAYER,
    atlas_barrel,
    barrel_cells,
    layer_boundaries,
    layer_of_deposit,
    layer_radius,
    layer_thickness,
    wrap_phi,
)
from calovox.geometry.alignment import aligned_barrel_cells
from calovox.geometry.barrel import BARREL_NUMBERS
from tests.reference.geometry import layer_by_boundaries


def test_barrel_has_the_cells_of_the_design():
    table = barrel_cells()
    shapes = {layer: table.grid_shape(layer) for layer in BARREL_NUMBERS}
    assert shapes == {0: (122, 64), 1: (894, 64), 2: (112, 256), 3: (54, 256), 12: (20, 64)}
    assert len(np.unique(table.id)) == len(table)
    np.testing.assert_allclose(table.z, table.r * np.sinh(table.eta))


@pytest.mark.parametrize("layer", BARREL_NUMBERS)
def test_barrel_is_symmetric_in_eta(layer):
    table = barrel_cells()
    grid = table.index_grid(layer)
    for column, sign in ((table.eta, -1), (table.r, 1), (table.d_r, 1), (table.phi, 1)):
        np.testing.assert_array_equal(column[grid], sign * column[grid[::-1]])


@pytest.mark.parametrize("layer", BARREL_NUMBERS)
def test_cells_of_a_layer_touch_each_other(layer):
    table = barrel_cells()
    grid = table.index_grid(layer)
    gaps = np.diff(table.eta[grid[:, 0]]) - table.d_eta[grid[1:, 0]]
    joint = 2 / 320 if layer == 1 else 0.0
    assert np.abs(np.delete(gaps, len(gaps) // 2)).max() < 1e-12
    assert gaps[len(gaps) // 2] == pytest.approx(joint, abs=1e-12)
    assert np.allclose(np.diff(table.phi[grid[0]]), table.d_phi[grid[0, 0]])


def test_thickness_jumps_where_absorbers_change():
    eta = np.array([0.7875, 0.8125, -0.7875, -0.8125])
    for layer, before, after in ((1, 72, 49), (2, 267, 381), (3, 111, 31)):
        expected = [before, after, before, after]
        np.testing.assert_allclose(layer_thickness(layer, eta), expected, atol=0.8)


def test_radius_and_thickness_of_cells_follow_the_functions():
    table = barrel_cells()
    for layer in BARREL_NUMBERS:
        rows = table.layer == layer
        np.testing.assert_array_equal(layer_radius(layer, table.eta[rows]), table.r[rows])
        np.testing.assert_array_equal(layer_thickness(layer, table.eta[rows]), table.d_r[rows])


def test_radius_beyond_the_last_cell_keeps_its_value():
    assert layer_radius(12, 1.3) == layer_radius(12, 0.9)
    assert layer_radius(3, 5.0) == layer_radius(3, 1.39)


def test_centre_of_an_empty_shower_has_no_radius():
    radius = layer_radius(2, np.array([np.nan, 0.1, np.inf]))
    np.testing.assert_array_equal(np.isnan(radius), [True, False, False])
    deposit = layer_of_deposit(np.array([1550.0, 1550.0]), np.array([np.nan, np.inf]))
    assert set(deposit) <= {1, 2, 3}


def test_unknown_layer_is_named():
    with pytest.raises(ValueError, match=r"layer: expected one of \(0, 1, 2, 3, 12\), got 4"):
        layer_radius(4, 0.0)


def test_deposits_equal_the_slow_twin():
    rng = np.random.default_rng(3)
    eta = np.concatenate([rng.uniform(-1.6, 1.6, 1500), [0.8, -0.8, 0.0, 0.775]])
    r = np.concatenate([rng.uniform(1350, 2650, 1500), [1560.0, 1560.0, 1500.0, 1850.0]])
    expected = [layer_by_boundaries(*deposit) for deposit in zip(r, eta, strict=True)]
    np.testing.assert_array_equal(layer_of_deposit(r, eta), expected)
    single = layer_of_deposit(r.astype(np.float32), eta.astype(np.float32))
    assert np.mean(single != expected) < 1e-2


def test_layer_boundaries_are_the_cells_edges():
    table = barrel_cells()
    for layer, inner in ((1, 0), (2, 1)):
        rows = table.layer == layer
        boundaries = layer_boundaries(table.eta[rows])
        edges = np.stack([table.r - table.d_r / 2, table.r + table.d_r / 2], axis=1)[rows]
        np.testing.assert_allclose(boundaries[:, inner : inner + 2], edges)


def test_accordion_is_divided_without_gaps():
    r, eta = np.meshgrid(np.linspace(1500, 1969.99, 300), np.linspace(-1.5, 1.5, 121))
    layers = layer_of_deposit(r.ravel(), eta.ravel()).reshape(r.shape)
    assert set(np.unique(layers)) == {1, 2, 3}
    assert np.all(np.diff(layers.astype(int), axis=1) >= 0)


@pytest.mark.parametrize(
    ("r", "layer"),
    [(1399.9, NO_LAYER), (1410.0, 0), (1499.9, 0), (1970.0, NO_LAYER), (2300.0, 12)],
)
def test_shells_outside_the_accordion(r, layer):
    assert layer_of_deposit(np.array([r]), np.array([0.4]))[0] == layer


def test_aligned_barrel_differs_by_millimetres_only():
    ideal, aligned = barrel_cells(), aligned_barrel_cells()
    assert np.abs(aligned.r - ideal.r).max() < 4.3
    assert np.abs(aligned.eta - ideal.eta).max() < 3.5e-3
    assert np.abs(wrap_phi(aligned.phi - ideal.phi)).max() < 6e-3
    tile = ideal.layer == 12
    np.testing.assert_allclose(aligned.eta[tile], ideal.eta[tile], atol=1e-12)


def test_radii_of_all_layers_are_those_of_each_layer():
    eta = np.array([-1.4, -0.81, 0.0, 0.4125, 0.79, 1.2, np.nan])
    expected = np.stack([layer_radius(layer, eta) for layer in BARREL_NUMBERS], axis=1)
    np.testing.assert_array_equal(atlas_barrel().radii(eta), expected)
