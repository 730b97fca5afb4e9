import h5py
import numpy as np
import pytest

from calovox.info import describe_file
from calovox.samples import calochallenge
from calovox.samples.calochallenge import (
    CaloChallengeError,
    CaloChallengeReader,
    is_calochallenge,
    read_binning,
)
from calovox.samples.observables import voxels_to_observables
from calovox.samples.source import open_showers
from tests.toy_calochallenge import N_VOXELS, toy_challenge, write_binning, write_showers


@pytest.fixture
def files(tmp_path):
    binning = write_binning(tmp_path / "binning.xml")
    energy, showers = toy_challenge(30, seed=1)
    return write_showers(tmp_path / "showers.hdf5", energy, showers), binning, energy, showers


def test_showers_are_read_as_fractions_of_the_incident_energy(files):
    path, binning, energy, showers = files
    reader = CaloChallengeReader(path, binning)
    parts = list(reader.batches(7))
    assert [len(part) for part in parts] == [7, 7, 7, 7, 2]
    fraction = np.concatenate([part.fraction for part in parts])
    np.testing.assert_allclose(fraction, showers / energy[:, None], rtol=1e-6)
    np.testing.assert_array_equal(reader.incident_energy(), energy)
    assert reader.abs_eta() is None


@pytest.mark.parametrize("most", [1, 10**6])
@pytest.mark.parametrize("size", [3, 8, 20, 50])
def test_chunks_of_the_file_do_not_change_what_is_read(files, monkeypatch, tmp_path, size, most):
    """Read whole rows of chunks, or batches if these were too large."""
    _, binning, energy, showers = files
    path = tmp_path / "chunks.hdf5"
    with h5py.File(path, "w") as file:
        file["incident_energies"] = energy[:, None]
        file.create_dataset("showers", data=showers, compression="gzip", chunks=(8, 3))
    monkeypatch.setattr(calochallenge, "_MOST_NUMBERS", most)
    parts = list(CaloChallengeReader(path, binning).batches(size))
    assert all(0 < len(part) <= size for part in parts)
    np.testing.assert_array_equal(
        np.concatenate([part.fraction for part in parts]),
        (showers / energy[:, None]).astype(np.float32),
    )
    np.testing.assert_array_equal(np.concatenate([part.incident_energy for part in parts]), energy)


def test_radial_bins_come_first_and_angles_start_at_minus_pi(files):
    layout = read_binning(files[1], N_VOXELS)
    assert layout.layers == (0, 2)
    np.testing.assert_array_equal(layout.boundaries, [0, 2, 14])
    np.testing.assert_array_equal(layout.r, [2.5, 7.5, *[1.0, 6.0, 15.0] * 4])
    np.testing.assert_allclose(layout.alpha[2:], np.repeat([-3, -1, 1, 3], 3) * np.pi / 4)
    assert [layout.has_angles(position) for position in (0, 1)] == [False, True]


def test_reflection_changes_the_sign_of_the_angle(files):
    layout = read_binning(files[1], N_VOXELS)
    np.testing.assert_allclose(layout.alpha[layout.mirror][2:], -layout.alpha[2:], atol=1e-12)
    np.testing.assert_array_equal(layout.r[layout.mirror], layout.r)


def test_a_shower_in_one_voxel_has_its_centre_there(files):
    layout = read_binning(files[1], N_VOXELS)
    fraction = np.zeros((1, N_VOXELS), dtype=np.float32)
    fraction[0, 2 + 3 * 3 + 1] = 0.5  # layer 2, fourth angle 3 pi / 4, second ring
    found = voxels_to_observables(fraction, np.ones(1), layout)
    assert found["center_eta_2"] == pytest.approx(6.0 * np.cos(0.75 * np.pi))
    assert found["center_phi_2"] == pytest.approx(6.0 * np.sin(0.75 * np.pi))
    assert found["width_r_2"] == 0.0
    assert "center_eta_0" not in found.names


def test_files_are_told_by_their_content(files, datasets):
    assert is_calochallenge(files[0])
    assert not is_calochallenge(datasets["reference"])
    with pytest.raises(ValueError, match="give the XML file of its voxels with --binning"):
        open_showers(files[0])


def test_wrong_files_are_refused(files, tmp_path):
    path, binning, energy, showers = files
    with pytest.raises(CaloChallengeError, match="expected a binning of 5 voxels, got photon: 14"):
        read_binning(binning, 5)
    (tmp_path / "wrong.xml").write_text("<Bins>")
    with pytest.raises(CaloChallengeError, match="is not a binning file"):
        read_binning(tmp_path / "wrong.xml", 5)
    strange = write_showers(tmp_path / "complex.hdf5", energy, showers.astype(np.complex128))
    with pytest.raises(
        CaloChallengeError, match="expected real numbers in `showers`, got complex"
    ):
        CaloChallengeReader(strange, binning)
    showers[4, 3] = -1.0
    negative = write_showers(tmp_path / "negative.hdf5", energy, showers)
    with pytest.raises(CaloChallengeError, match=r"got -1.0 in event 4, voxel 3"):
        list(CaloChallengeReader(negative, binning).batches(2))
    energy[2] = 1e-300
    tiny = write_showers(tmp_path / "tiny.hdf5", energy, np.abs(showers))
    with pytest.raises(CaloChallengeError, match=r"MeV for 1e-300 MeV in event 2"):
        list(CaloChallengeReader(tiny, binning).batches(2))
    energy[2] = 0.0
    with pytest.raises(CaloChallengeError, match=r"above 0, got 0.0 in event 2"):
        CaloChallengeReader(write_showers(tmp_path / "zero.hdf5", energy, showers), binning)
    with h5py.File(path, "r+") as file:
        del file["incident_energies"]
    with pytest.raises(CaloChallengeError, match="expected a dataset `incident_energies`"):
        CaloChallengeReader(path, binning)


@pytest.mark.parametrize(
    ("n_voxels", "name"),
    [(368, "1-photons"), (533, "1-pions"), (6480, "2"), (40_500, "3"), (9, "")],
)
def test_a_file_tells_what_it_is(tmp_path, n_voxels, name):
    energy = np.array([1e3, 2e3, 2e3])
    path = write_showers(tmp_path / "x.hdf5", energy, np.full((3, n_voxels), 500.0 / n_voxels))
    lines = describe_file(path)
    layout = f"layout of data set {name}" if name else "no layout of its data sets"
    assert lines["voxels"] == f"{n_voxels}: {layout}"
    assert lines["events"] == "3"
    assert lines["incident energies"] == "1 GeV to 2 GeV, 2 different ones"
    assert lines["energy of the voxels over the incident energy"].startswith("0.3333, mean")
