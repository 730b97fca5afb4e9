"""A detector as TOML: what it gives, and what is refused."""

import numpy as np
import pytest

from calovox.geometry.detector_files import DetectorFileError, parse_detector
from calovox.geometry.lookup import BarrelLookup

STACK = """
name = "stack"
eta_range = [0.0, 0.4]

[[layers]]
number = 2
name = "Si{number}"
surface = "cylinder"
inner = 800.0
thickness = 3.4
count = 45

[cells]
per_eta = 20
n_phi = 64
eta = [0.0, 0.5]
"""
TWO = """
eta_range = [0.1, 1.2]
[[layers]]
number = 7
name = "Back"
role = "back"
surface = "cylinder"
inner = [1200.0, 1100.0]
outer = [1300.0, 1250.0]
bins_per_eta = 2.0
cells = { per_eta = 10, n_phi = 32, eta = [0.1, 1.2] }
[[layers]]
number = 4
name = "Front"
role = "middle"
surface = "cylinder"
inner = 1000.0
outer = 1100.0
[cells]
per_eta = 20
n_phi = 64
eta = [0, 1.2]
"""


def test_equal_layers_lie_behind_each_other():
    detector = parse_detector(STACK, "file")
    assert detector.name == "stack"
    assert detector.numbers == tuple(range(2, 47))
    assert detector.layers[-1].name == "Si46"
    radii = detector.radii(np.array([0.1]))[0]
    np.testing.assert_allclose(radii, 801.7 + 3.4 * np.arange(45))
    assert isinstance(detector.cells.lookup(), BarrelLookup)
    assert detector.cells.grid_shape(46) == (20, 64)


def test_layers_may_differ_by_eta_and_have_their_own_cells():
    detector = parse_detector(TWO, "file")
    assert detector.name == "file"
    assert [layer.name for layer in detector.layers] == ["Front", "Back"]
    np.testing.assert_allclose(detector.radii(np.array([0.3, 0.7]))[:, 1], [1250.0, 1175.0])
    assert detector.cells.grid_shape(7) == (22, 32)
    assert detector.cells.grid_shape(4) == (48, 64)
    assert detector.eta_range == (0.1, 1.2)


def test_planes_are_layers_of_endcaps():
    planes = STACK.replace('"cylinder"', '"plane"').replace("[0.0, 0", "[0.1, 0")
    detector = parse_detector(planes, "file")
    radius = detector.radii(np.array([0.3]))[0, 0]
    assert radius == pytest.approx(801.7 / np.sinh(0.3))


def test_a_detector_keeps_its_text_and_digests():
    detector, again = parse_detector(STACK, "a"), parse_detector(STACK + "# remark", "b")
    assert detector.text == STACK
    assert detector.layers_digest == again.layers_digest
    assert detector.cells_digest == again.cells_digest
    finer = parse_detector(STACK.replace("n_phi = 64", "n_phi = 128"), "a")
    assert finer.layers_digest == detector.layers_digest
    assert finer.cells_digest != detector.cells_digest
    moved = parse_detector(STACK.replace("800.0", "801.0"), "a")
    assert moved.layers_digest != detector.layers_digest
    assert moved.cells_digest == detector.cells_digest


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("[cells]", "[cell]", "unknown key `cell`: did you mean `cells`"),
        ("[[layers]]", "[[rows]]", "unknown key `rows`"),
        ("count", "counts", r"\[\[layers\]\] 1: unknown key `counts`: did you mean `count`"),
        ("number = 2", "number = 250", "Layer: expected layers .* 0 to 254, got"),
        ("number = 2", "number = 2.5", "`number`: expected a whole number, got 2.5"),
        ("Si{number}", "Si", "`name`: expected {number} in it"),
        ("Si{number}", "layer_{number}", "for layers of an unknown detector"),
        ('"cylinder"', '"cone"', "`surface`: expected cylinder, plane, got 'cone'"),
        ('surface = "cylinder"', "", "`surface`: expected cylinder, plane, got nothing"),
        ("inner = 800.0", "inner = -1.0", "`inner`: expected a length above 0"),
        ("inner = 800.0", "inner = [800.0, 900.0]", "as many values of `outer`|bins_per_eta"),
        ("count = 45", "bins_per_eta = 1e-310", "`bins_per_eta`: expected 0.01 to 10000"),
        ("thickness = 3.4", "", "expected `outer` or `thickness`, got both or neither"),
        ("count = 45", 'role = "front"', "`role`: expected presampler, strips, .*, got 'front'"),
        ("eta_range = [0.0, 0.4]", "", "eta_range: expected"),
        ("eta_range = [0.0, 0.4]", "eta_range = [0.4, 0.1]", "eta_range: expected 0 <= LOW"),
        ("eta_range = [0.0, 0.4]", "eta_range = [0.0, 12]", "expected at most 10"),
        ("eta = [0.0, 0.5]", "eta = [0.0, 0.52]", "expected `eta` in whole cells of 1/20"),
        ("n_phi = 64", "n_phi = 5000", "expected `n_phi` from 1 to 1000"),
        ("n_phi = 64", "", "`n_phi`: expected a whole number, got nothing"),
        ('"cylinder"', '"plane"', "layers on planes are never reached at eta = 0"),
        ("[cells]", '[cells]\nfile = "a.csv"', "unknown key `per_eta`"),
        ("name = ", "name ", "Expected '='"),
    ],
)
def test_what_is_no_detector_is_refused_in_one_line(old, new, match):
    assert old in STACK
    with pytest.raises(DetectorFileError, match=match) as caught:
        parse_detector(STACK.replace(old, new), "file")
    assert "\n" not in f"{caught.value}"


def test_overlapping_layers_and_mixed_surfaces_are_refused():
    with pytest.raises(DetectorFileError, match="`Front` and `Back` overlap at"):
        parse_detector(TWO.replace("outer = 1100.0", "outer = 1150.0"), "file")
    with pytest.raises(DetectorFileError, match="cylinders and planes in one detector"):
        parse_detector(TWO.replace('"cylinder"', '"plane"', 1), "file")
