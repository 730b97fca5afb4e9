from dataclasses import replace

import numpy as np
import pytest

from calovox.geometry import Detector, Position, atlas_barrel, barrel_cells, read_barrel
from tests.toy_detector import disks, many_layers, three_layers


@pytest.mark.parametrize("make", [atlas_barrel, three_layers, many_layers, disks])
def test_radii_are_those_of_each_layer(make):
    detector = make()
    eta = np.array([-2.0, -0.81, 0.4125, 0.79, 1.2, 7.0, np.nan])
    expected = np.stack([layer.position.radius(eta) for layer in detector.layers], axis=1)
    np.testing.assert_allclose(detector.radii(eta), expected, rtol=1e-15)
    some = detector.numbers[::-1]
    np.testing.assert_array_equal(detector.radii(eta, some), detector.radii(eta)[:, ::-1])


def test_a_plane_is_met_where_its_z_is():
    position = Position.between("plane", 3600.0, 3700.0)
    eta = np.array([1.7, -2.2])
    np.testing.assert_allclose(position.radius(eta) * np.sinh(np.abs(eta)), 3650.0)
    np.testing.assert_allclose(position.thickness(eta), 100.0)


def test_positions_are_places_among_the_layers():
    detector = three_layers()
    np.testing.assert_array_equal(detector.positions(np.array([9, 4, 4])), [2, 0, 0])
    with pytest.raises(ValueError, match=r"expected numbers out of \(4, 7, 9\), got 300"):
        detector.positions(np.array([4, 300]))


def test_cells_of_a_file_make_another_barrel(shared):
    real = read_barrel(shared / "atlas" / "CaloCells.root")
    assert real.layers == atlas_barrel().layers
    assert real.eta_range == atlas_barrel().eta_range == (0.0, 1.35)
    assert repr(real) == "Detector('CaloCells', 5 layers, 108800 cells, 0 <= |eta| <= 1.35)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": 255}, "0 to 254, got \\(255,\\)"),
        ({"name": ""}, "Layer 4: expected a `name`"),
    ],
)
def test_wrong_layers_are_refused(change, message):
    layer = three_layers().layers[0]
    with pytest.raises(ValueError, match=message):
        replace(layer, **change)


def test_wrong_positions_are_refused():
    with pytest.raises(ValueError, match="0 < `inner` < `outer`"):
        Position.between("cylinder", 1100.0, 1000.0)
    with pytest.raises(ValueError, match="one or more, got 0 and 0"):
        Position("cylinder", np.ones(0), np.ones(0))


def test_wrong_detectors_are_refused():
    cells = three_layers().cells
    with pytest.raises(ValueError, match="`eta_range` as two rising values"):
        Detector(cells, (1.0, 0.5))
    layers = tuple(replace(layer, name="same") for layer in cells.layers)
    with pytest.raises(ValueError, match="expected different names"):
        Detector(replace(cells, layers=layers), (0.0, 1.0))
    with pytest.raises(ValueError, match="never reached at eta = 0"):
        Detector(disks().cells, (0.0, 2.4))
    with pytest.raises(ValueError, match="in the order of their numbers"):
        replace(cells, layers=cells.layers[::-1])


def test_names_and_roles_are_those_of_the_design():
    names = {layer.number: (layer.name, layer.role) for layer in atlas_barrel().layers}
    assert names == {
        0: ("PreSamplerB", "presampler"),
        1: ("EMB1", "strips"),
        2: ("EMB2", "middle"),
        3: ("EMB3", "back"),
        12: ("TileBar0", "tile"),
    }
    assert atlas_barrel().cells is barrel_cells()
    assert repr(atlas_barrel().layers[0]) == "Layer(0, 'PreSamplerB', presampler)"
