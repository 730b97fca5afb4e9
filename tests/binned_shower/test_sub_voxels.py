import numpy as np
import pytest

from calovox.binned_shower import STORED_ENERGIES, SubVoxelProbabilities, average_sub_voxels
from calovox.voxelization import hits_to_voxels
from calovox.voxelization.reflection import mirrored_voxels
from tests.binned_shower.showers import GRID, random_probabilities
from tests.toy_showers import toy_showers


@pytest.fixture(scope="module")
def hits():
    energies = np.repeat([1000.0, 1500.0, 65e3], [25, 25, 10])
    return toy_showers(60, n_hits=300, energy=energies)


def test_stored_energies_are_those_of_the_note():
    assert len(STORED_ENERGIES) == 15
    assert (STORED_ENERGIES[0], STORED_ENERGIES[-1]) == (256.0, 4194304.0)


def test_average_is_the_share_of_the_summed_fractions(hits):
    found = average_sub_voxels([hits[:30], hits[30:]], GRID)
    np.testing.assert_array_equal(found.energies, [1024.0, 2048.0])  # 1500 is above 1024 sqrt(2)
    finer, children = GRID.doubled()
    sums = hits_to_voxels(hits, finer).energy[25:50].sum(axis=0, dtype=np.float64)[children]
    sums = sums + sums[mirrored_voxels(GRID)][:, [1, 0, 3, 2]]  # alike on both sides in phi
    filled = sums.sum(axis=1) > 0
    expected = sums[filled] / sums[filled].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities[1, filled], expected, atol=1e-7)
    assert np.all(found.probabilities[1, ~filled] == 0.25)


def test_probabilities_are_symmetric_in_phi(hits):
    found = average_sub_voxels([hits], GRID).probabilities
    mirrored = found[:, mirrored_voxels(GRID)][:, :, [1, 0, 3, 2]]
    np.testing.assert_allclose(found, mirrored, atol=1e-15)


def test_quarters_add_up_to_their_voxel(hits):
    finer, children = GRID.doubled()
    fine, coarse = hits_to_voxels(hits, finer), hits_to_voxels(hits, GRID)
    np.testing.assert_allclose(
        fine.energy[:, children].sum(axis=2), coarse.energy, rtol=1e-5, atol=1e-9
    )


def test_too_few_showers_are_refused(hits):
    with pytest.raises(ValueError, match=r"at least 20 showers .* got at most 10"):
        average_sub_voxels([hits[50:]], GRID)
    assert len(average_sub_voxels([hits[50:]], GRID, min_showers=10).energies) == 1


def test_interpolation_is_linear_in_log_energy_and_nearest_outside():
    table = random_probabilities(energies=(256.0, 4096.0, 65536.0))
    low, middle, high = table.probabilities
    at = table.at(np.array([1.0, 256.0, 1024.0, 4096.0, 32768.0, 65536.0, 1e9]))
    expected = [low, low, (low + middle) / 2, middle, (middle + 3 * high) / 4, high, high]
    np.testing.assert_allclose(at, expected, rtol=1e-12)
    np.testing.assert_allclose(at.sum(axis=2), 1.0)


def test_one_energy_holds_everywhere():
    table = random_probabilities(energies=(4096.0,))
    np.testing.assert_array_equal(
        table.at(np.array([1.0, 1e6])), np.repeat(table.probabilities, 2, axis=0)
    )


def test_arrays_come_back():
    table = random_probabilities()
    again = SubVoxelProbabilities.from_arrays(GRID, table.to_arrays())
    np.testing.assert_array_equal(again.probabilities, table.probabilities)
    assert repr(again) == "SubVoxelProbabilities(382 voxels at 256, 4096, 65536 MeV)"


def test_bad_probabilities_are_refused():
    quarters = np.full((1, GRID.n_voxels, 4), 0.25)
    with pytest.raises(ValueError, match=r"must have the shape \(1, 382, 4\)"):
        SubVoxelProbabilities(GRID, np.array([1.0]), quarters[:, 1:])
    with pytest.raises(ValueError, match="must be above 0 and rise"):
        SubVoxelProbabilities(GRID, np.array([2.0, 1.0]), np.repeat(quarters, 2, axis=0))
    quarters[0, 7] = 0.5, 0.5, 0.5, -0.5
    with pytest.raises(ValueError, match="quarters of voxel 7 at 1 MeV"):
        SubVoxelProbabilities(GRID, np.array([1.0]), quarters)


def test_showers_count_for_the_nearest_energy_up_to_the_highest():
    energies = [200.0, 370.0, 2.5e6, 4e6]
    hits = toy_showers(4, n_hits=30, energy=np.array(energies))
    found = average_sub_voxels([hits], GRID, min_showers=1)
    np.testing.assert_array_equal(found.energies, [2.0**8, 2.0**9, 2.0**21, 2.0**22])
