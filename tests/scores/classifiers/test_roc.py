import numpy as np
import pytest
from scipy.stats import norm

from calovox.scores.classifiers.roc import area_under_curve, calibrated, cross_entropy


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


def test_calibration_gives_probabilities():
    rng = np.random.default_rng(8)
    parts = [(rng.normal(size=20_000), rng.normal(1.0, 1.0, 20_000)) for _ in range(2)]
    probabilities = [calibrated(scores, *parts[0]) for scores in parts[1]]
    x = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_allclose(calibrated(x, *parts[0]), 1 / (1 + np.exp(0.5 - x)), atol=0.04)
    entropy, error = cross_entropy(*probabilities)
    p = 1 / (1 + np.exp(0.5 - parts[1][1]))
    assert entropy == pytest.approx(-np.mean(np.log2(p)), abs=4 * error + 0.002)
