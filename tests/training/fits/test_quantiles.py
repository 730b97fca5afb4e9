"""Tables of normal scores read many showers in few passes."""

import numpy as np
import pytest

from calovox.dataset import DatasetReader
from calovox.preprocessing import QuantileVoxelTransform
from calovox.training.data.showers import ShowerFiles
from calovox.training.fits import quantiles
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers
from tests.training.test_loop import write


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    energy = np.random.default_rng(1).permutation(np.geomspace(1e3, 1e6, 400))
    voxels = hits_to_voxels(toy_showers(400, n_hits=20, energy=energy), VoxelGrid.optimal())
    path = write(tmp_path_factory.mktemp("showers") / "a.h5", voxels).path
    return ShowerFiles([DatasetReader(path)])


@pytest.mark.parametrize("bytes_at_a_time", [1, 400_000, 2**28])
def test_groups_of_showers_are_read_whatever_the_memory(files, monkeypatch, bytes_at_a_time):
    monkeypatch.setattr(quantiles, "_BYTES_AT_A_TIME", bytes_at_a_time)
    monkeypatch.setattr(quantiles, "_BATCH", 50)
    groups = [np.arange(0, 400, 3), np.arange(90), np.array([399])]
    read = list(quantiles._read_groups(files, groups))
    for rows, voxels in zip(groups, read, strict=True):
        assert np.array_equal(voxels, files.read(rows).voxels)


def test_the_passes_do_not_change_the_tables(files, monkeypatch):
    monkeypatch.setattr(quantiles, "_MOST_NEAR", 40)
    raw = QuantileVoxelTransform.unfitted(files.grid.layer_sizes)
    tables = []
    for bytes_at_a_time in (1, 2**28):
        monkeypatch.setattr(quantiles, "_BYTES_AT_A_TIME", bytes_at_a_time)
        fitted = quantiles.fit_quantiles(raw, files, seed=3, reflect=True)
        tables.append(fitted.state_dict())
    assert all(np.array_equal(tables[0][name], tables[1][name]) for name in tables[0])
