from pathlib import Path

import numpy as np
import pytest
import torch

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.training.data.showers import ShowerFiles
from calovox.training.sizes.kinds import InnSizes
from calovox.training.sizes.shapes import CfmSizes
from calovox.training.validation import (
    LEAST,
    N_DRAWS,
    Validation,
    chi2_of_ranks,
    chi2_of_samples,
    ranks_among,
)
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


def test_chi2_of_ranks_has_a_known_value() -> None:
    ranks = np.repeat([0, 5, 10, 15], [30, 50, 50, 70])  # 200 showers, 5 bins of 40 expected
    expected = ((30 - 40) ** 2 + 10**2 + 10**2 + 30**2 + 40**2) / 40 / 4
    assert chi2_of_ranks(ranks, 20) == pytest.approx(expected)
    assert chi2_of_ranks(np.repeat(np.arange(20), LEAST), 20) == 0.0
    assert chi2_of_ranks(np.zeros(60, dtype=np.int64), 20) == 60.0  # never less than two bins
    with pytest.raises(ValueError, match="expected `n_ranks` of 2 bins or more, got 3"):
        chi2_of_ranks(np.zeros(60, dtype=np.int64), 3)


def judged(seed: int, *, shift: float = 0.0, factor: float = 1.0) -> float:
    """chi2 of a model of E_tot / E_kin with a wrong mean or width, in units of the true width.

    The width falls with the energy, as in a calorimeter; there are as many showers as in a slice
    of |eta|, few of them at high energies.
    """
    rng = np.random.default_rng(seed)
    width = 0.1 * 2.0 ** (-5.0 * rng.random(490) ** 2)
    true = 1.0 + width * rng.normal(size=490)
    generated = 1.0 + width * (shift + factor * rng.normal(size=(N_DRAWS, 490)))
    return chi2_of_ranks(ranks_among(true, generated), N_DRAWS + 1)


def test_the_chi2_of_a_right_gan_is_one_within_statistics_at_few_showers() -> None:
    found = [judged(seed) for seed in range(200)]
    ndf = 9  # 490 showers, ten bins
    assert np.mean(found) == pytest.approx(1.0, abs=4.0 * np.sqrt(2.0 / ndf / 200))
    assert np.var(found) == pytest.approx(2.0 / ndf, rel=4.0 * np.sqrt((2.0 + 12.0 / ndf) / 200))


@pytest.mark.parametrize(("shift", "factor"), [(0.3, 1.0), (-0.3, 1.0), (0.0, 0.75), (0.0, 1.3)])
def test_the_chi2_finds_the_better_gan_at_few_showers(shift: float, factor: float) -> None:
    seeds = range(40)
    better = [judged(seed) < judged(seed, shift=shift, factor=factor) for seed in seeds]
    assert np.mean(better) > 0.9


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
