import numpy as np
import pytest

from calovox.scores.distances.correlations import ALL_LAYERS, compare_correlations
from calovox.scores.distances.folds import FoldedMoments, jackknife_error

NAMES = ("a", "b", "c")


def correlated(n_events, seed, rho=0.3):
    covariance = np.eye(3)
    covariance[0, 1] = covariance[1, 0] = rho
    return np.random.default_rng(seed).multivariate_normal(np.zeros(3), covariance, n_events)


def folded(rows, seed=1, n_folds=20):
    sums = FoldedMoments.empty(n_folds, rows.shape[1])
    folds = np.random.default_rng(seed).integers(0, n_folds, len(rows))
    for start in range(0, len(rows), 111):
        sums.add(rows[start : start + 111], folds[start : start + 111])
    return sums


def test_moments_are_those_of_all_events():
    rows = correlated(1000, 1) * [1.0, 2.0, 0.1] + 5.0
    found = folded(rows).moments()
    np.testing.assert_allclose(found.mean, rows.mean(axis=0))
    np.testing.assert_allclose(found.covariance, np.cov(rows.T), rtol=1e-9)
    np.testing.assert_allclose(found.correlation, np.corrcoef(rows.T), rtol=1e-9)
    assert found.n_events == len(rows)


def test_halves_share_the_events():
    first, second = folded(correlated(1000, 2)).halves(np.random.default_rng(3))
    assert first.n_events + second.n_events == 1000
    assert abs(first.n_events - second.n_events) < 200


def test_jackknife_gives_the_error_of_the_mean():
    errors = [
        jackknife_error(folded(correlated(400, seed), seed), lambda part: part.mean)
        for seed in range(20)
    ]
    np.testing.assert_allclose(np.mean(errors, axis=0), 1 / 20, rtol=0.12)


def test_correlations_that_differ_are_found_where_they_are():
    both = (folded(correlated(4000, seed, rho)) for seed, rho in ((5, 0.3), (6, 0.6)))
    found = compare_correlations(*both, NAMES, np.random.default_rng(7))
    assert list(found) == [ALL_LAYERS, "a:b", "a:c", "b:c"]
    changed = found["a:b"]
    assert changed.value == pytest.approx(0.3, abs=3 * changed.uncertainty)
    assert changed.p_value == found[ALL_LAYERS].p_value == 1 / 200
    assert found["b:c"].p_value > 0.01
    expected = np.sqrt(np.mean([found[name].value ** 2 for name in ("a:b", "a:c", "b:c")]))
    assert found[ALL_LAYERS].value == pytest.approx(expected)


def test_floor_of_correlations_is_what_independent_samples_give(monkeypatch):
    monkeypatch.setattr("calovox.scores.distances.correlations.N_SPLITS", 15)
    results = []
    for seed in range(25):
        both = (folded(correlated(size, 2 * seed + size)) for size in (600, 1800))
        results.append(compare_correlations(*both, NAMES, np.random.default_rng(seed))[ALL_LAYERS])
    values = np.array([entry.value for entry in results])
    floor = np.mean([entry.floor for entry in results])
    assert values.mean() == pytest.approx(floor, abs=4 * values.std() / len(values) ** 0.5)
