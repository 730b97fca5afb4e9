"""Boosted trees: nothing is seen where nothing is, and each fault is seen in its row."""

from functools import partial

import numpy as np
import pytest

from calovox.samples.layout import VoxelLayout
from calovox.samples.observables import (
    Observable,
    ObservableTable,
    voxels_to_observables,
)
from calovox.scores.referee import (
    ClassifierInputs,
    LearningPoint,
    classify_by_trees,
    measure_floor,
    measure_learning_curve,
    observable_inputs,
    score_largest,
    trees,
    voxel_inputs,
    what_a_classifier_sees,
)
from calovox.scores.referee.learning_curve import extrapolate
from calovox.scores.statistics import count_outliers
from calovox.scores.table import Score, Scores

RINGS = VoxelLayout(
    "rings",
    (1, 2),
    np.array([0, 16, 32]),
    np.tile(np.repeat([2.0, 8.0, 20.0, 45.0], 4), 2),
    np.tile(np.pi / 2 * (np.arange(4) + 0.5), 8),
    np.arange(32),
)
N_SHOWERS = 400


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch):
    """Spend little time: some dozen trees find what these tests look for."""
    pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'calovox[plot]'")
    monkeypatch.setitem(trees.TREES, "max_features", 1.0)


def showers(seed):
    """Voxels of one law, the energies of the photons the same for all seeds."""
    incident = 10.0 ** np.random.default_rng(0).uniform(4, 5, N_SHOWERS)
    rng = np.random.default_rng((3, seed))
    mean = np.exp(-RINGS.r / 15.0)
    shares = rng.gamma(20.0 * mean, size=(N_SHOWERS, 32))
    return incident, incident[:, None] * shares / shares.sum(axis=1, keepdims=True)


def observe(incident, energy):
    return voxels_to_observables(energy, incident, RINGS, threshold=1.0)


def inputs(incident, table):
    return observable_inputs(table, incident, np.arange(N_SHOWERS))


def areas(seed, spoil=lambda energy, rng: energy):
    incident, energy = showers(1)
    _, other = showers(seed)
    other = spoil(other, np.random.default_rng(seed))
    tables = observe(incident, energy), observe(incident, other)
    pair = [inputs(incident, table) for table in tables]
    return classify_by_trees(*pair, n_seeds=1, n_trees=20), tables, pair


def shifted(energy, rng):
    """Move energy from one side in eta to the other, in layer 2."""
    moved = energy.copy()
    for plus, minus in ((16, 17), (19, 18), (20, 21), (23, 22)):
        moved[:, plus] += 0.25 * energy[:, minus]
        moved[:, minus] -= 0.25 * energy[:, minus]
    return moved


def lossy(energy, rng):
    """Lose 5 % of the voxels; give their energy to the others."""
    kept = energy * (rng.random(energy.shape) > 0.05)
    return kept * energy.sum(axis=1, keepdims=True) / kept.sum(axis=1, keepdims=True)


def test_samples_of_one_law_are_not_told_apart():
    found, _, _ = areas(2)
    assert abs(found.mean - 0.5) < 3.0 * found.error


def test_a_copy_is_not_told_apart_and_has_no_floor_to_beat():
    found, _, _ = areas(1)
    assert found.mean <= 0.5 + 3.0 * found.error


def test_halves_of_the_reference_are_not_told_apart():
    incident, energy = showers(1)
    found = measure_floor(inputs(incident, observe(incident, energy)), n_seeds=2, n_trees=20)
    assert (found.n_reference, found.n_simulated) == (N_SHOWERS // 2, N_SHOWERS // 2)
    assert abs(found.mean - 0.5) < 3.0 * found.error


def test_a_spoilt_energy_centre_is_the_worst_row():
    found, tables, pair = areas(2, shifted)
    assert found.mean > 0.65
    worst, *_ = what_a_classifier_sees(*tables, *pair, n_alone=1, n_trees=20)
    assert worst.observable.name in {"center_eta_2", "asymmetry_eta_2", "move_eta_1_2"}
    assert worst.shift > 5.0 * worst.shift_error
    assert worst.alone > 0.6


def test_lost_voxels_are_seen_in_counts_and_roughness():
    found, tables, pair = areas(2, lossy)
    assert found.mean > 0.65
    worst = [seen.observable.name for seen in what_a_classifier_sees(*tables, *pair, n_alone=0)]
    assert any(name.startswith(("n_above", "roughness")) for name in worst[:3])


def test_one_outlier_is_seen_by_the_count_not_by_the_trees():
    def spoil(energy, rng):
        spoilt = energy.copy()
        spoilt[5] = 0.0
        spoilt[5, 15] = energy[5].sum()
        return spoilt

    found, tables, _ = areas(2, spoil)
    assert abs(found.mean - 0.5) < 3.0 * found.error
    worst = count_outliers(*tables)[0]
    assert worst.found
    assert "_1" in worst.observable.name or "_all" in worst.observable.name


def test_showers_of_one_photon_are_in_one_fold():
    photon = np.repeat(np.arange(50), 2)
    first, second = trees.folds_of_photons(photon, photon[::-1].copy(), 3)
    np.testing.assert_array_equal(first, second[::-1])
    assert all(len(np.unique(first[photon == number])) == 1 for number in range(50))
    assert np.all(np.bincount(first) == 20)


def test_another_kind_of_judge_is_measured_in_the_same_folds():
    found, _, pair = areas(2, shifted)
    own = partial(trees.train_trees, n_trees=20)
    measured = np.array([[trees.area_of_fold(*pair, 0, fold, own) for fold in range(5)]])
    again = trees.TreeAreas.of_folds(measured, N_SHOWERS, N_SHOWERS)
    np.testing.assert_allclose(again.auc, found.auc)
    np.testing.assert_allclose(again.auc_errors, found.auc_errors)

    def guess(features, label, seed):
        assert set(label) == {0, 1}
        assert len(features) == len(label) == 2 * N_SHOWERS * 4 // 5
        return lambda rows: np.zeros(len(rows))

    assert trees.area_of_fold(*pair, 0, 3, guess)[0] == 0.5


def test_voxels_below_the_threshold_are_no_input():
    incident, energy = showers(1)
    photon = np.arange(N_SHOWERS)
    cut = float(np.median(energy))
    found = voxel_inputs(energy, incident, photon, threshold=cut)
    assert np.all(found.features[:, :32][energy < cut] == 0.0)
    assert found.features.shape[1] == 33


def test_the_largest_area_is_a_lower_bound_of_so_many_tests():
    def score(metric, feature, value, p_value, energy_bin="all"):
        places = ("A", metric, feature, energy_bin, "all")
        return Score(*places, value, 0.01, 0.5, 0.01, 100, 100, p_value)

    rows = (
        score("tree_auc", "all cells, noise", 0.6, 1e-3),
        score("tree_auc", "voxels", 0.7, 1e-5),
        score("auc", "voxels", 0.65, 1e-4),
        score("auc", "voxels", 0.9, 1e-9, "E < 1.5 GeV"),
        score("ks", "e_tot", 0.99, 0.5),
    )
    (bound,) = score_largest(Scores(rows))
    assert (bound.metric, bound.feature, bound.value) == ("largest_auc", "trees: voxels", 0.7)
    assert bound.p_value == pytest.approx(3e-5)


def test_few_showers_and_other_inputs_are_refused():
    incident, energy = showers(1)
    whole = inputs(incident, observe(incident, energy))
    with pytest.raises(ValueError, match="classifier: expected 100 showers or more"):
        classify_by_trees(whole.rows(np.arange(99)), whole, n_seeds=1)
    fewer = ClassifierInputs(whole.features[:, 1:], whole.photon)
    with pytest.raises(ValueError, match="expected as many inputs in both samples"):
        classify_by_trees(whole, fewer, n_seeds=1)
    table = ObservableTable((Observable("other", "other"),), np.zeros((N_SHOWERS, 1)))
    with pytest.raises(ValueError, match="expected the same in both samples"):
        what_a_classifier_sees(table, observe(incident, energy), whole, whole)


# -- learning curve --------------------------------------------------------------------------


def curve(power, errors=0.005):
    sizes = (500, 1000, 2000, 4000)
    return tuple(LearningPoint(n, 0.85 - 2.0 * n**-power, errors) for n in sizes)


def test_the_extrapolation_of_its_own_law_is_exact():
    found = extrapolate(curve(0.5))
    assert found.auc == pytest.approx(0.85)


@pytest.mark.parametrize("power", [0.3, 0.5, 0.9])
def test_the_uncertainty_covers_other_laws(power):
    found = extrapolate(curve(power))
    assert abs(found.auc - 0.85) < 2.0 * found.error


def test_the_learning_curve_leaves_out_what_has_too_few_showers():
    found, _, pair = areas(2, shifted)
    measured = measure_learning_curve(*pair, found, n_seeds=1)
    assert [point.n_showers for point in measured.points] == [100, 200, 400]
    assert measured.points[-1].auc == found.mean
    assert measured.extrapolation is not None
