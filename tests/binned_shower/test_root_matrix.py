import numpy as np
import pytest
import uproot

from calovox.binned_shower.root_matrix import (
    _WritableMatrix,
    read_root_matrices,
    write_root_matrices,
)

# TMatrixD of 2 x 3 elements 0, 1, 2, 10, 11, 12 as ROOT 6.40.00 wrote it with TMatrixD::Write
BYTES_OF_ROOT = bytes.fromhex(
    "400000630004"  # TMatrixT<double>: byte count, version
    "4000002c0005"  # TMatrixTBase<double>: byte count, version
    "00010000000000000000"  # TObject
    "000000020000000300000000000000000000000600000000"  # rows, columns, ..., elements, row index
    "3cb0000000000000"  # tolerance
    "01"  # there are elements
    "00000000000000003ff0000000000000400000000000000040240000000000004026000000000000"
    "4028000000000000"
)
# fName, fClassVersion, fCheckSum of TMatrixD's streamers in that file
STREAMERS_OF_ROOT = {("TMatrixTBase<double>", 5, 2333786657), ("TMatrixT<double>", 4, 135074716)}


@pytest.fixture
def matrices():
    rng = np.random.default_rng(3)
    return {f"m_{n}_energy_{n}.5": rng.normal(size=(n, 3)) for n in (1, 36, 200)}


def test_bytes_are_those_of_root():
    matrix = _WritableMatrix.from_array(np.array([[0.0, 1, 2], [10, 11, 12]]))
    assert matrix.serialize() == BYTES_OF_ROOT


def test_matrices_come_back(tmp_path, matrices):
    path = tmp_path / "m.root"
    write_root_matrices(path, matrices)
    read = read_root_matrices(path)
    assert read.keys() == matrices.keys()
    for name, matrix in matrices.items():
        np.testing.assert_array_equal(read[name], matrix)


def test_file_describes_its_classes_as_root_does(tmp_path, matrices):
    path = tmp_path / "m.root"
    write_root_matrices(path, matrices)
    with uproot.open(path) as file:
        assert set(file.classnames(cycle=False).values()) == {"TMatrixT<double>"}
        infos = [info for versions in file.file.streamers.values() for info in versions.values()]
        found = {(info.name, info.class_version, info.member("fCheckSum")) for info in infos}
        base = file.file.streamers["TMatrixTBase<double>"][5]
    assert found == STREAMERS_OF_ROOT
    assert base.elements[0].name == "TObject"
    assert [element.member("fType") for element in base.elements] == [66, 3, 3, 3, 3, 6, 3, 8]


def test_other_objects_of_the_file_are_passed_over(tmp_path, matrices):
    path = tmp_path / "m.root"
    write_root_matrices(path, matrices)
    with uproot.update(path) as file:
        file["text"] = "not a matrix"
    assert read_root_matrices(path).keys() == matrices.keys()


def test_an_existing_file_is_kept(tmp_path, matrices):
    path = tmp_path / "m.root"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="exists"):
        write_root_matrices(path, matrices)
    assert path.read_text() == "mine"
    write_root_matrices(path, matrices, overwrite=True)
    assert len(read_root_matrices(path)) == len(matrices)
