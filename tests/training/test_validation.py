from pathlib import Path

import numpy as np
import pytest
import torch

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.training import ShowerFiles
from calovox.training.kinds import InnSizes
from calovox.training.shape_sizes import CfmSizes
from calovox.training.validation import Validation, chi2_of_samples
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ShowerFiles:
    path: Path = tmp_path_factory.mktemp("dataset") / "a.h5"
    energy = 2.0 ** np.concatenate([np.full(60, 12.5), np.full(60, 13.5), np.full(7, 14.5)])
    with DatasetWriter(path, VoxelGrid.optimal(), provenance={}) as writer:
        hits = toy_showers(127, n_hits=50, energy=energy)
        writer.append(hits_to_voxels(hits, VoxelGrid.optimal()))
    return ShowerFiles([DatasetReader(path)])


@pytest.mark.parametrize("n_events", [60, 500, 5000])
def test_chi2_of_one_distribution_is_one_on_average(n_events: int) -> None:
    rng = np.random.default_rng(1)
    found = [chi2_of_samples(*rng.normal(size=(2, n_events))) for _ in range(200)]
    assert np.mean(found) == pytest.approx(1.0, abs=4 * np.std(found) / np.sqrt(200))


def test_chi2_of_one_distribution_is_one_for_samples_of_different_sizes() -> None:
    rng = np.random.default_rng(1)
    found = [chi2_of_samples(rng.normal(size=200), rng.normal(size=2000)) for _ in range(200)]
    assert np.mean(found) == pytest.approx(1.0, abs=4 * np.std(found) / np.sqrt(200))


def test_chi2_notices_a_shift_and_a_width() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 5000))
    assert chi2_of_samples(first, second + 0.2) > 2.0
    assert chi2_of_samples(first, 1.3 * second) > 2.0


@pytest.mark.parametrize(
    ("sizes", "name"), [(InnSizes(), "nll"), (CfmSizes(width=16), "velocity")]
)
def test_the_same_model_is_judged_the_same(
    files: ShowerFiles, sizes: InnSizes | CfmSizes, name: str
) -> None:
    model = sizes.fitted(files, seed=1, reflect=True).eval()
    with torch.no_grad():
        first = Validation(files, batch_size=50)(model)
        assert first == Validation(files, batch_size=50)(model)
        assert first != Validation(files, batch_size=50, seed=2)(model)
    assert np.isfinite(first[name])


def test_the_inn_is_judged_by_octaves_of_energy(files: ShowerFiles) -> None:
    model = InnSizes().fitted(files, seed=1, reflect=False).eval()
    with torch.no_grad():
        metrics = Validation(files)(model)
    assert set(metrics) == {"nll", "chi2", "chi2_12", "chi2_13"}  # 7 showers joined the 13th
    assert metrics["chi2"] == pytest.approx((metrics["chi2_12"] + metrics["chi2_13"]) / 2)
