"""The layer at a point."""

import numpy as np
import pytest

from calovox.geometry import NO_LAYER, atlas_barrel, layer_at, layer_of_deposit
from tests.toy_detector import disks, many_layers, three_layers


@pytest.mark.parametrize("detector", [three_layers(), many_layers(), disks()], ids=repr)
def test_middles_of_layers_are_found(detector):
    eta = np.linspace(*detector.eta_range, 7)[1:] * np.array([1, -1, 1, -1, 1, -1])
    radii = detector.radii(eta)
    for position, number in enumerate(detector.numbers):
        assert set(layer_at(detector, radii[:, position], eta).tolist()) == {number}
    assert set(layer_at(detector, np.full(6, 10.0), eta).tolist()) == {NO_LAYER}


def test_layers_contain_their_nearer_surface():
    r = np.array([999.9, 1000.0, 1099.9, 1100.0, 1500.0])
    found = layer_at(three_layers(), r, np.zeros(5))
    assert found.tolist() == [NO_LAYER, 4, 4, 7, NO_LAYER]


def test_the_barrel_keeps_its_borders():
    rng = np.random.default_rng(1)
    r, eta = rng.uniform(1300.0, 2700.0, 500), rng.uniform(-1.5, 1.5, 500)
    np.testing.assert_array_equal(layer_at(atlas_barrel(), r, eta), layer_of_deposit(r, eta))
