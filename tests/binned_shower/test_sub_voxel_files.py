import re

import numpy as np
import pytest

from calovox.binned_shower import (
    STORED_ENERGIES,
    SubVoxelFileError,
    SubVoxelProbabilities,
    read_sub_voxels,
    write_sub_voxels,
)
from calovox.binned_shower.root_matrix import read_root_matrices, write_root_matrices
from calovox.voxelization import VoxelGrid
from tests.binned_shower.showers import GRID, random_probabilities

# how FastCaloSim recognises the matrices
PATTERN = re.compile(r"probabilities_layer_(\d+)_energy_([0-9.]+)")


def test_probabilities_come_back(tmp_path):
    table = random_probabilities(energies=STORED_ENERGIES)
    path = tmp_path / "sub_voxels.root"
    write_sub_voxels(path, table)
    again = read_sub_voxels(path, GRID)
    np.testing.assert_array_equal(again.energies, table.energies)
    np.testing.assert_allclose(again.probabilities, table.probabilities, atol=1e-15)


def test_cumulative_probabilities_never_exceed_one(tmp_path):
    quarters = np.array([0.56, 0.33, 0.11, 0.0])  # their running sum rounds to above 1
    assert np.cumsum(quarters)[2] > 1.0
    table = SubVoxelProbabilities(
        GRID, np.array([256.0]), np.broadcast_to(quarters, (1, GRID.n_voxels, 4)).copy()
    )
    write_sub_voxels(tmp_path / "s.root", table)
    assert all(matrix.max() <= 1.0 for matrix in read_root_matrices(tmp_path / "s.root").values())


def test_voxels_keep_the_order_of_a_shuffled_grid(tmp_path):
    places = np.arange(GRID.n_voxels)
    places[:36] = places[:36][::-1]
    shuffled = VoxelGrid(GRID.layers, places=places)
    table = random_probabilities(shuffled)
    write_sub_voxels(tmp_path / "s.root", table)
    again = read_sub_voxels(tmp_path / "s.root", shuffled)
    np.testing.assert_allclose(again.probabilities, table.probabilities, atol=1e-15)


def test_file_is_what_fastcalosim_reads(tmp_path):
    table = random_probabilities(energies=(256.0, 4194304.0))
    write_sub_voxels(tmp_path / "s.root", table)
    matrices = read_root_matrices(tmp_path / "s.root")
    found = {PATTERN.fullmatch(name).groups() for name in matrices}
    assert found == {(j, e) for j in ("0", "1", "2", "3", "12") for e in ("256", "4194304")}
    for (layer, size), energy in zip(((1, 164), (2, 110)), (256, 4194304), strict=True):
        matrix = matrices[f"probabilities_layer_{layer}_energy_{energy}"]
        assert matrix.shape == (size, 3)
        low = table.probabilities[int(energy > 256), GRID.layer == layer]
        # FastCaloSim's P(alpha low) and P(r low | alpha low or high)
        alpha_low = matrix[:, 2] - matrix[:, 1] + matrix[:, 0]
        np.testing.assert_allclose(alpha_low, low[:, 0] + low[:, 2])
        np.testing.assert_allclose(matrix[:, 0] / alpha_low, low[:, 0] / (low[:, 0] + low[:, 2]))
        np.testing.assert_allclose(
            (matrix[:, 1] - matrix[:, 0]) / (1 - alpha_low), low[:, 1] / (low[:, 1] + low[:, 3])
        )


def test_files_of_another_grid_or_of_something_else_are_refused(tmp_path):
    path = tmp_path / "s.root"
    write_sub_voxels(path, random_probabilities())
    with pytest.raises(SubVoxelFileError, match=r"energy_256 must be 336 x 3 .* got 36 x 3"):
        read_sub_voxels(path, VoxelGrid.regular())
    matrices = read_root_matrices(path)
    del matrices["probabilities_layer_3_energy_4096"]
    write_root_matrices(path, matrices, overwrite=True)
    with pytest.raises(SubVoxelFileError, match="layer_3_energy_4096 is missing"):
        read_sub_voxels(path, GRID)
    matrices["probabilities_layer_3_energy_4096"] = np.full((36, 3), 1.5)
    write_root_matrices(path, matrices, overwrite=True)
    with pytest.raises(SubVoxelFileError, match="must be at least 0 and add up to 1"):
        read_sub_voxels(path, GRID)
    write_root_matrices(path, {"else": np.zeros((1, 1))}, overwrite=True)
    with pytest.raises(SubVoxelFileError, match="no matrix is named"):
        read_sub_voxels(path, GRID)


@pytest.mark.parametrize("content", [b"", b"root", b"not a ROOT file " * 100])
def test_broken_files_are_refused(tmp_path, content):
    path = tmp_path / "s.root"
    path.write_bytes(content)
    with pytest.raises(SubVoxelFileError, match="is not a readable ROOT file"):
        read_sub_voxels(path, GRID)


def test_truncated_files_are_refused(tmp_path):
    path = tmp_path / "s.root"
    write_sub_voxels(path, random_probabilities())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SubVoxelFileError, match="is not a readable ROOT file"):
        read_sub_voxels(path, GRID)
    with pytest.raises(FileNotFoundError):
        read_sub_voxels(tmp_path / "none.root", GRID)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_probabilities_that_are_not_finite_are_refused(value, tmp_path):
    path = tmp_path / "sub_voxels.root"
    write_sub_voxels(path, random_probabilities(energies=(65536.0,)))
    matrices = read_root_matrices(path)
    matrices["probabilities_layer_2_energy_65536"][1, 1] = value
    write_root_matrices(path, matrices, overwrite=True)
    with pytest.raises(SubVoxelFileError, match="finite numbers in probabilities_layer_2"):
        read_sub_voxels(path, GRID)
