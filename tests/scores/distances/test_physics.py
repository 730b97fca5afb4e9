import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import kstest

from calovox.scores.distances.folds import FoldedMoments, Moments
from calovox.scores.distances.physics import (
    frechet_distance,
    kernel_distance,
    measure_extrapolated,
    measure_frechet,
    measure_kernel,
    squared_discrepancy,
)


def gaussian(n_events, seed, shift=0.0, n_features=3):
    rows = np.random.default_rng(seed).normal(size=(n_events, n_features))
    rows[:, 0] += shift
    return rows


def random_moments(seed, n_features=4):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n_features, n_features))
    return Moments(100, rng.normal(size=n_features), root @ root.T)


def test_frechet_distance_is_that_of_its_definition():
    first, second = random_moments(1), random_moments(2)
    shift = first.mean - second.mean
    cross = sqrtm(first.covariance @ second.covariance).real
    expected = shift @ shift + np.trace(first.covariance + second.covariance - 2 * cross)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(first, first) == pytest.approx(0.0, abs=1e-9)


def test_measured_frechet_distance_of_shifted_gaussians_is_the_square_of_the_shift():
    rng = np.random.default_rng(3)
    found = measure_frechet(gaussian(5000, 4), gaussian(5000, 5, 0.5), rng)
    assert found.value - found.floor == pytest.approx(0.25, abs=3 * found.uncertainty)
    assert found.p_value == 1 / 200


def test_frechet_floor_is_what_independent_samples_of_these_sizes_give(monkeypatch):
    monkeypatch.setattr("calovox.scores.distances.physics.N_SPLITS", 19)
    rng = np.random.default_rng(6)
    found = [
        measure_frechet(gaussian(600, 2 * k), gaussian(1200, 2 * k + 1), rng) for k in range(40)
    ]
    values = np.array([entry.value for entry in found])
    floor = np.mean([entry.floor for entry in found])
    assert values.mean() == pytest.approx(floor, rel=0.15)
    assert kstest([entry.p_value for entry in found], "uniform").pvalue > 1e-3


def test_discrepancy_is_that_of_its_definition():
    first, second = gaussian(8, 7), gaussian(9, 8, 1.0)

    def kernel(x, y):
        return (x @ y / 3 + 1) ** 4

    terms = [
        [kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(b) if a is not b or i != j]
        for a, b in ((first, first), (second, second), (first, second))
    ]
    within, others, between = map(np.mean, terms)
    assert squared_discrepancy(first, second) == pytest.approx(within + others - 2 * between)


def test_kernel_distance_has_no_bias_and_its_error_is_the_scatter():
    rng = np.random.default_rng(9)
    found = np.array(
        [
            kernel_distance(gaussian(400, 2 * k), gaussian(600, 2 * k + 1), rng)[:2]
            for k in range(60)
        ]
    )
    values, errors = found.T
    assert abs(values.mean()) < 4 * values.std() / 60**0.5
    assert errors.mean() == pytest.approx(values.std(), rel=0.3)


def test_kernel_distance_sees_a_shift():
    rng = np.random.default_rng(10)
    assert measure_kernel(gaussian(2000, 11), gaussian(2000, 12, 0.5), rng).p_value < 1e-3
    assert measure_kernel(gaussian(2000, 11), gaussian(2000, 13), rng).p_value > 1e-3


def test_moments_of_folds_are_used_as_they_are():
    rows = gaussian(500, 14)
    sums = FoldedMoments.empty(2, 3)
    sums.add(rows, np.arange(500) % 2)
    assert frechet_distance(sums.moments(), sums.moments()) == pytest.approx(0.0, abs=1e-12)


def test_extrapolated_distance_is_that_of_infinite_samples(monkeypatch):
    monkeypatch.setattr("calovox.scores.distances.physics.N_SPLITS", 19)
    rng = np.random.default_rng(15)
    for shift in (0.0, 0.4):
        found = [
            measure_extrapolated(gaussian(150, 2 * k), gaussian(200, 2 * k + 1, shift), rng)
            for k in range(40)
        ]
        values = np.array([entry.value for entry in found])
        error = values.std(ddof=1) / len(values) ** 0.5
        assert values.mean() == pytest.approx(shift**2, abs=4 * error)
        if shift == 0.0:
            assert kstest([entry.p_value for entry in found], "uniform").pvalue > 1e-3


def test_kernel_p_values_of_samples_of_one_distribution_are_uniform():
    rng = np.random.default_rng(16)
    found = [
        measure_kernel(gaussian(300, 2 * k), gaussian(200, 2 * k + 1), rng) for k in range(80)
    ]
    assert kstest([entry.p_value for entry in found], "uniform").pvalue > 1e-3
