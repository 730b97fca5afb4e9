"""Commands work with the detector of their files, and refuse another one."""

from pathlib import Path

import pytest

from calovox.geometry import aligned_barrel_cells, atlas_barrel
from calovox.geometry.detector import Detector
from calovox.geometry.detector_files import (
    DetectorFileError,
    DetectorMark,
    check_barrel,
    choose_detector,
    parse_detector,
    read_detector,
)
from tests.geometry.detector_files.test_description import STACK, TWO
from tests.toy_detector import three_layers

ONE, OTHER = Path("one.h5"), Path("other.h5")
STACKED = parse_detector(STACK, "stack")
MARK = DetectorMark.of(STACKED)
WITHOUT_TEXT = DetectorMark.of(three_layers())


def test_nothing_is_said_of_the_layers_of_the_barrel():
    real = Detector(aligned_barrel_cells(), (0.0, 1.35))
    assert (
        DetectorMark.of(None) is DetectorMark.of(atlas_barrel()) is DetectorMark.of(real) is None
    )
    assert choose_detector(None, {ONE: None}) is atlas_barrel()
    assert choose_detector(real, {ONE: None}, cells=True) is real


def test_the_detector_of_a_file_is_made_of_its_text():
    assert MARK is not None
    again = DetectorMark.from_dict(MARK.to_dict())
    assert again == MARK
    detector = choose_detector(None, {ONE: again, OTHER: MARK})
    assert detector.cells_digest == STACKED.cells_digest
    assert detector.name == "stack"
    assert choose_detector(STACKED, {ONE: MARK}, cells=True) is STACKED


def test_other_cells_are_refused_for_their_energies_alone():
    text = STACK.replace("n_phi = 64", "n_phi = 128").replace('"stack"', '"finer"')
    finer = parse_detector(text, "finer")
    assert choose_detector(finer, {ONE: MARK}) is finer
    with pytest.raises(ValueError, match=r"expected the cells of one\.h5.*got those of 'finer'"):
        choose_detector(finer, {ONE: MARK}, cells=True)


@pytest.mark.parametrize(
    ("given", "marks", "match"),
    [
        (STACKED, {ONE: None}, r"layers of one\.h5, which is of the built-in barrel, got .*stack"),
        (atlas_barrel(), {ONE: MARK}, r"of one\.h5, which is of the detector 'stack', got"),
        (None, {ONE: MARK, OTHER: None}, r"other\.h5 is of the built-in barrel, and one\.h5 of"),
        (None, {ONE: WITHOUT_TEXT}, r"one\.h5 is of the detector 'three layers', whose cells"),
    ],
)
def test_mismatches_are_refused(given, marks, match):
    with pytest.raises(ValueError, match=match):
        choose_detector(given, marks)


def test_commands_for_the_barrel_alone_say_so():
    check_barrel("train parametric", None, {ONE: None})
    with pytest.raises(ValueError, match="train parametric is for the layers of the built-in"):
        check_barrel("train parametric", None, {ONE: MARK})


@pytest.mark.parametrize(
    "values",
    [{}, {"name": "a"}, {**MARK.to_dict(), "names": "a"}, {**MARK.to_dict(), "layers": 3}],
)
def test_damaged_marks_are_refused(values):
    with pytest.raises(ValueError, match="expected texts"):
        DetectorMark.from_dict(values)


def test_a_text_of_another_detector_is_refused():
    other = DetectorMark(**{**vars(MARK), "text": TWO})
    with pytest.raises(DetectorFileError, match=r"one\.h5: .*another detector than its digests"):
        choose_detector(None, {ONE: other})


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.toml", b"\xff", "is not a TOML file"),
        ("a.txt", b"name", "expected a detector, as TOML"),
    ],
)
def test_files_that_are_no_detector_are_refused(tmp_path, name, content, match):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=match):
        read_detector(tmp_path / name)
