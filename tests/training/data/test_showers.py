"""Which of many showers fits take."""

import numpy as np
import pytest

from calovox.dataset import DatasetReader
from calovox.training.data.showers import ShowerFiles
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers
from tests.training.test_loop import write

N = 500


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two files, sorted by energy."""
    folder = tmp_path_factory.mktemp("showers")
    energy = np.geomspace(1e3, 1e6, N)
    voxels = hits_to_voxels(toy_showers(N, n_hits=20, energy=energy), VoxelGrid.optimal())
    parts = (("a", voxels[slice(0, 120)]), ("b", voxels[slice(120, N)]))
    readers = [DatasetReader(write(folder / f"{name}.h5", part).path) for name, part in parts]
    return ShowerFiles(readers)


@pytest.fixture
def few(monkeypatch):
    """Fits take 60 showers, in blocks of 6."""
    monkeypatch.setattr("calovox.training.data.showers.MOST_FITTED", 60)
    monkeypatch.setattr("calovox.training.data.showers._FITTED_BLOCK", 6)


def test_all_showers_are_taken_if_there_are_no_more(files):
    assert files.for_fits(1) is files


def test_blocks_come_from_all_over_sorted_files(files, few):
    chosen = files.for_fits(1)
    assert 60 <= len(chosen) <= 64
    counts = np.bincount(chosen.rows // 50, minlength=10)
    assert counts.min() >= 6
    assert chosen.energy_range == files.energy_range
    ends = chosen.energies().min(), chosen.energies().max()
    assert ends == files.energy_range
    all_eta = np.abs(np.concatenate([reader.eta_center() for reader in files.readers]))
    eta = all_eta[chosen.rows]
    assert (eta.min(), eta.max()) == (all_eta.min(), all_eta.max())
    voxels = np.concatenate([part.voxels for part in chosen.batches(7)])
    assert np.array_equal(voxels, files.read(chosen.rows).voxels)


def test_the_choice_depends_on_the_seed_alone(files, few):
    first, again, other = (files.for_fits(seed).rows for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_few_showers_give_nearly_the_fits_of_all(files, few):
    all_of_them, some = (np.log(part.energies()) for part in (files, files.for_fits(1)))
    assert some.mean() == pytest.approx(all_of_them.mean(), abs=0.05 * all_of_them.std())
    assert some.std() == pytest.approx(all_of_them.std(), rel=0.1)
