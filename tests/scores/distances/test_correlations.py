import numpy as np
import pytest
from scipy.stats import kstest

from calovox.scores.distances import correlations
from calovox.scores.distances.correlations import ALL_LAYERS, compare_correlations
from calovox.scores.distances.folds import FoldedMoments

NAMES = ("e_layer_0", "e_layer_1", "e_layer_2")


def sums(n_events, seed, correlation=0.3):
    rng = np.random.default_rng(seed)
    covariance = np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
    folded = FoldedMoments.empty(20, 3)
    events = rng.multivariate_normal(np.zeros(3), covariance, n_events)
    folded.add(events, rng.integers(0, 20, n_events))
    return folded


@pytest.fixture
def few_splits(monkeypatch):
    monkeypatch.setattr(correlations, "N_SPLITS", 19)


def test_p_values_of_samples_of_one_distribution_are_uniform(few_splits):
    rng = np.random.default_rng(1)
    found = [
        compare_correlations(sums(400, 2 * k), sums(600, 2 * k + 1), NAMES, rng) for k in range(50)
    ]
    for feature in (ALL_LAYERS, "e_layer_0:e_layer_1"):
        p_values = [entry[feature].p_value for entry in found]
        assert kstest(p_values, "uniform").pvalue > 1e-3, feature


def test_another_correlation_is_found(few_splits):
    found = compare_correlations(
        sums(4000, 3), sums(4000, 4, 0.6), NAMES, np.random.default_rng(5)
    )
    entry = found[ALL_LAYERS]
    assert entry.value == pytest.approx(0.3, abs=4 * entry.uncertainty)
    assert entry.p_value == 1 / 20
