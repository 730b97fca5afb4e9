from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from calovox.dataset import DatasetWriter, read_dataset
from calovox.samples.bins import ALL, EventBin
from calovox.samples.layout import VoxelLayout
from calovox.samples.reading import ShowerRows
from calovox.samples.source import open_sample
from calovox.scores.classifiers.inputs import (
    ENERGY_FLOOR,
    classify_samples,
    high_level_features,
    score_classifier,
    voxel_features,
)
from calovox.scores.classifiers.network import (
    FEWEST_SHOWERS,
    BinArea,
    Classification,
    ClassifierResult,
)
from calovox.scores.classifiers.roc import area_under_curve
from calovox.voxelization import VoxelGrid, Voxels, concatenate_voxels

torch.set_num_threads(1)


def classify_files(reference, simulated, **how):
    files = {"Geant4": reference, **simulated}
    return classify_samples({name: open_sample([path]) for name, path in files.items()}, **how)


@pytest.fixture(scope="module")
def showers(datasets):
    """As many toy showers as a classifier needs, each with its own energy."""
    voxels = read_dataset(datasets["reference"])
    repeated = concatenate_voxels([voxels] * (2 * FEWEST_SHOWERS // len(voxels)))
    factors = np.random.default_rng(1).uniform(0.99, 1.01, len(repeated))
    return replace(repeated, incident_energy=repeated.incident_energy * factors)


@pytest.fixture
def write(tmp_path):
    def to_file(name: str, voxels: Voxels):
        with DatasetWriter(tmp_path / name, voxels.grid, provenance={}) as writer:
            writer.append(voxels)
        return tmp_path / name

    return to_file


def test_high_level_features_are_those_of_the_calochallenge(showers):
    rows = ShowerRows(showers.energy, showers.incident_energy, np.abs(showers.eta_center))
    features = high_level_features(rows, VoxelLayout.from_grid(showers.grid))
    assert features.shape == (len(showers), 5 + 4 * 5 + 2)
    np.testing.assert_allclose(10.0 ** features[:, :5], showers.layer_energy, atol=1e-6)


def test_features_are_logarithms_with_a_floor(showers):
    rows = ShowerRows(showers.energy, showers.incident_energy, np.abs(showers.eta_center))
    features = voxel_features(rows)
    assert features.shape == (len(showers), showers.grid.n_voxels + 2)
    empty = features[:, :-2][showers.energy == 0]
    np.testing.assert_allclose(empty, np.log10(ENERGY_FLOOR), rtol=1e-6)
    np.testing.assert_allclose(10.0 ** features[:, -2], showers.incident_energy, rtol=1e-5)


def test_datasets_of_one_model_cannot_be_told_apart_and_others_can(showers, write):
    wrong = replace(showers, energy=np.ascontiguousarray(showers.energy[:, ::-1]))
    paths = {"same": write("same.h5", showers), "wrong": write("wrong.h5", wrong)}
    result = classify_files(write("reference.h5", showers), paths, n_seeds=1)
    same, wrong = result.simulated
    assert same.auc[0] == pytest.approx(0.5, abs=4 * same.error)
    assert wrong.auc[0] > 0.9
    assert result.floor.n_showers == len(showers) // 2
    scores = score_classifier(result).select(energy_bin=ALL, eta_bin=ALL)
    found = {(row.sample, row.metric): row for row in scores}
    assert found["wrong", "auc"].value == pytest.approx(wrong.mean)
    assert found["wrong", "auc"].p_value < 1e-6 < found["same", "auc"].p_value
    assert found["wrong", "divergence"].value > 0.3


def test_other_photons_are_refused(showers, write):
    reference = write("reference.h5", showers)
    harder = replace(showers, incident_energy=1.5 * showers.incident_energy)
    with pytest.raises(
        ValueError, match=r"harder.h5: expected the distribution of energy of its reference"
    ):
        classify_files(reference, {"harder": write("harder.h5", harder)})


def test_other_voxels_are_refused(showers, write):
    regular = np.zeros((len(showers), VoxelGrid.regular().n_voxels), dtype=np.float32)
    with pytest.raises(ValueError, match=r"got others \(regular\)"):
        other = replace(showers, grid=VoxelGrid.regular(), energy=regular)
        classify_files(write("reference.h5", showers), {"x": write("regular.h5", other)})


def test_small_datasets_are_refused_before_any_training(showers, datasets, write):
    reference = write("reference.h5", showers)
    with pytest.raises(ValueError, match=r"optimal.h5: expected 400 showers or more"):
        classify_files(reference, {"small": datasets["optimal"]})
    with pytest.raises(ValueError, match=r"optimal.h5: expected 800 showers or more"):
        classify_files(datasets["optimal"], {"large": reference})


def classification(auc, error, too_few=()):
    area = BinArea("all", "all", auc, error, 80, 120)
    numbers = (np.array([number]) for number in (auc, error, 0.0, 1.0))
    return Classification("x", 200, *numbers, (area,), too_few)


def test_auc_p_values_of_scores_that_tell_nothing_are_uniform():
    rng = np.random.default_rng(21)
    p_values = []
    for _ in range(150):
        entry = classification(*area_under_curve(rng.normal(size=80), rng.normal(size=120)))
        scores = score_classifier(ClassifierResult(entry, (entry,)))
        p_values.append(scores.select(metric="auc").rows[0].p_value)
    assert kstest(p_values, "uniform").pvalue > 1e-3


def test_bins_with_too_few_showers_to_classify_are_named():
    few = EventBin(energy=(0.0, 1.5e3))
    entry = classification(0.5, 0.1, (few,))
    (without,) = score_classifier(ClassifierResult(entry, (entry,))).not_scored
    assert (without.sample, without.metric, without.bin) == ("x", "auc", few.energy_name)
