import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import kstest, norm

from calovox.dataset import DatasetWriter, read_dataset
from calovox.samples.bins import ALL, EventBin
from calovox.samples.layout import VoxelLayout
from calovox.samples.rows import ShowerRows
from calovox.samples.source import open_sample
from calovox.scores.classifiers import network as classifier
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
    ClassifierBin,
    ClassifierResult,
    classify,
)
from calovox.scores.classifiers.roc import area_under_curve, calibrated, cross_entropy
from calovox.scores.classifiers.training import classifier_scores
from calovox.voxelization import VoxelGrid, Voxels, concatenate_voxels

torch.set_num_threads(1)

N_FEATURES = 6


def classify_files(reference, simulated, **how):
    files = {"Geant4": reference, **simulated}
    return classify_samples({name: open_sample([path]) for name, path in files.items()}, **how)


def gaussian(n_showers, shift, seed):
    sample = np.random.default_rng(seed).normal(size=(n_showers, N_FEATURES))
    sample[:, 2] += shift
    return sample.astype(np.float32)


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


def test_auc_counts_pairs_in_order():
    reference, simulated = np.array([0.1, 0.4, 0.4, 0.9]), np.array([0.4, 0.8])
    pairs = [(b > a) + 0.5 * (b == a) for a in reference for b in simulated]
    assert area_under_curve(reference, simulated)[0] == pytest.approx(np.mean(pairs))


def test_error_of_the_auc_is_its_scatter():
    rng = np.random.default_rng(2)
    samples = [(rng.normal(size=150), rng.normal(0.7, size=250)) for _ in range(400)]
    areas, errors = np.array([area_under_curve(*pair) for pair in samples]).T
    assert areas.mean() == pytest.approx(norm.cdf(0.7 / np.sqrt(2)), abs=0.006)
    assert errors.mean() == pytest.approx(areas.std(), rel=0.15)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.5])
def test_auc_of_shifted_gaussians_is_analytic(shift):
    result = classify(gaussian(2000, 0.0, 3), gaussian(2000, shift, 4), "toy", n_seeds=1)
    expected = norm.cdf(shift / np.sqrt(2))
    assert result.mean == pytest.approx(expected, abs=3 * result.error + 0.01)
    assert result.n_showers == 2000


def test_classes_have_equal_numbers_of_showers():
    result = classify(gaussian(1000, 0.0, 5), gaussian(500, 0.0, 6), "toy", n_seeds=1)
    assert result.n_showers == 500
    assert result.auc[0] == pytest.approx(0.5, abs=4 * result.error)


def test_training_repeats_and_leaves_the_global_generator_alone():
    reference, simulated = ([gaussian(200, shift, k) for k in range(3)] for shift in (0.0, 1.0))
    state = torch.get_rng_state()
    scores = [classifier_scores(reference, simulated, seed=7)[1][1] for _ in range(2)]
    np.testing.assert_array_equal(*scores)
    assert torch.equal(state, torch.get_rng_state())


def test_calibration_gives_probabilities():
    rng = np.random.default_rng(8)
    parts = [(rng.normal(size=20_000), rng.normal(1.0, 1.0, 20_000)) for _ in range(2)]
    probabilities = [calibrated(scores, *parts[0]) for scores in parts[1]]
    x = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_allclose(calibrated(x, *parts[0]), 1 / (1 + np.exp(0.5 - x)), atol=0.04)
    entropy, error = cross_entropy(*probabilities)
    p = 1 / (1 + np.exp(0.5 - parts[1][1]))
    assert entropy == pytest.approx(-np.mean(np.log2(p)), abs=4 * error + 0.002)


def test_auc_in_a_bin_is_that_of_its_showers():
    reference, simulated = gaussian(2000, 0.0, 11), gaussian(2000, 0.0, 12)
    inside = np.arange(2000) < 800
    simulated[inside, 2] += 1.5
    bins = [
        ClassifierBin(EventBin((0.0, 1e3)), inside, inside),
        ClassifierBin(EventBin(), ~inside, ~inside),
    ]
    few = ClassifierBin(EventBin((1e3, 2e3)), inside & (np.arange(2000) < 40), inside)
    result = classify(reference, simulated, "toy", bins=[*bins, few], n_seeds=1)
    shifted, same = result.bins
    assert shifted.energy_bin == "E < 1 GeV"
    assert shifted.n_simulated == 800
    assert shifted.auc == pytest.approx(norm.cdf(1.5 / np.sqrt(2)), abs=4 * shifted.error)
    assert same.auc == pytest.approx(0.5, abs=4 * same.error)


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


def test_few_showers_are_refused():
    with pytest.raises(ValueError, match=r"toy: expected 400 showers or more .* got 399"):
        classify(gaussian(399, 0.0, 9), gaussian(500, 0.0, 10), "toy")


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


def test_torch_is_imported_only_when_a_classifier_is_trained():
    for path in Path(classifier.__file__).parent.glob("*.py"):
        if path.stem != "training":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"^\s*(import|from) torch", text, re.MULTILINE), path.name
            assert not re.search(r"^from \S+classifiers.training", text, re.MULTILINE), path.name


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
