"""Showers for training loops of one's own."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from calovox.dataset import DatasetReader
from calovox.training.data.dataset import ShowerDataset


@pytest.fixture(scope="module")
def file(datasets):
    return datasets["without_cells"]


@pytest.fixture(scope="module")
def expected(file):
    return DatasetReader(file).read()


def check(batch, expected, rows):
    np.testing.assert_array_equal(batch["voxels"], expected.energy[rows])
    np.testing.assert_array_equal(batch["energy"], expected.incident_energy[rows].astype("f4"))
    np.testing.assert_array_equal(batch["eta"], expected.eta_center[rows].astype("f4"))


def test_showers_are_those_of_the_file_one_by_one_and_together(file, expected):
    showers = ShowerDataset([file])
    assert len(showers) == len(expected)
    check(showers[3], expected, 3)
    check(showers[-1], expected, -1)
    check(showers[2:7], expected, slice(2, 7))
    check(showers[[5, 1, 5]], expected, [5, 1, 5])
    check(showers[torch.tensor([7, 0])], expected, [7, 0])


def test_loader_gives_every_shower_once(file, expected):
    seen = [batch["energy"] for batch in DataLoader(ShowerDataset([file]), 7, shuffle=True)]
    np.testing.assert_array_equal(
        np.sort(np.concatenate(seen)), np.sort(expected.incident_energy.astype("f4"))
    )


def test_workers_read_the_same_file(file, expected):
    copy = pickle.loads(pickle.dumps(showers := ShowerDataset([file])))
    check(copy[[4, 2]], expected, [4, 2])
    assert len(showers) == len(copy)


def test_showers_are_chosen_by_energy_and_eta(file, expected):
    low, high = 60e3, 80e3
    showers = ShowerDataset([file], energy_range=(low, high), eta_range=(0.21, 0.24))
    size = np.abs(expected.eta_center)
    chosen = (expected.incident_energy >= low) & (expected.incident_energy <= high)
    chosen &= (size >= 0.21) & (size < 0.24)
    check(showers[:], expected, chosen)


def test_unpacked_voxels_stay_in_the_cache_and_go_without_one(file, tmp_path):
    (first := ShowerDataset([file], cache=tmp_path))[0]
    (kept,) = tmp_path.iterdir()
    time = kept.stat().st_mtime_ns
    ShowerDataset([file], cache=tmp_path)
    assert kept.stat().st_mtime_ns == time
    assert kept.stat().st_size == 4 * len(first) * first.grid.n_voxels
    ShowerDataset([file], cache=tmp_path, energy_range=(60e3, 80e3))
    assert len([*tmp_path.iterdir()]) == 2
    temporary = ShowerDataset([file])
    folder = Path(temporary._path).parent
    del temporary
    assert not folder.exists()


def test_showers_are_not_changed_by_those_who_use_them(file, expected):
    showers = ShowerDataset([file])
    showers[0]["voxels"].zero_()
    check(showers[0], expected, 0)


def test_indices_beyond_the_end_are_refused(file):
    with pytest.raises(IndexError, match="below 80, got 80"):
        ShowerDataset([file])[80]
