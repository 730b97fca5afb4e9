import numpy as np
import pytest
from scipy.special import ndtr

from calovox.models.parametric.energies import (
    KNOTS,
    fit_bin,
    invert_cumulatives,
    normal_scores,
    principal_axes,
    principal_bins,
)


def correlated(n_events, seed=1):
    """Two correlated variables, and a third that is 0 in a third of the events."""
    rng = np.random.default_rng(seed)
    first, noise, third = rng.standard_normal((3, n_events))
    values = np.stack([np.exp(first), first + noise, np.maximum(third + 0.43, 0.0)], axis=1)
    return values, rng.random((n_events, 3))


def drawn(quantiles, empty, axes, n_events, seed=2):
    normals = np.random.default_rng(seed).standard_normal((n_events, axes.shape[1]))
    tables = (np.broadcast_to(table, (n_events, *table.shape)) for table in (quantiles, empty))
    return invert_cumulatives(*tables, normals @ axes.T)


def test_scores_are_normal_for_every_variable():
    scores = normal_scores(*correlated(1000))
    expected = np.sort(scores[:, 0])
    for column in scores.T:
        np.testing.assert_array_equal(np.sort(column), expected)
    np.testing.assert_allclose(ndtr(expected), (np.arange(1000) + 0.5) / 1000)


def test_scores_keep_the_order_of_values():
    values, tie_breakers = correlated(200)
    scores = normal_scores(values, tie_breakers)
    for column in range(3):
        order = np.argsort(scores[:, column])
        assert np.all(np.diff(values[order, column]) >= 0.0)


def test_equal_values_are_not_correlated_by_their_order():
    n_events = 2000
    tie_breakers = np.random.default_rng(3).random((n_events, 2))
    scores = normal_scores(np.zeros((n_events, 2)), tie_breakers)
    assert abs(np.corrcoef(scores.T)[0, 1]) < 4.0 / np.sqrt(n_events)


def test_axes_give_back_the_correlation_of_the_scores():
    scores = normal_scores(*correlated(500))
    axes = principal_axes(scores)
    np.testing.assert_allclose(axes @ axes.T, np.corrcoef(scores.T), atol=1e-12)
    sizes = np.linalg.norm(axes, axis=0)
    assert np.all(np.diff(sizes) <= 0.0)


def test_bins_of_the_first_component_are_equally_probable():
    values, tie_breakers = correlated(503)
    bins = principal_bins(values, tie_breakers, 5)
    assert set(np.bincount(bins)) == {100, 101}
    first = [values[bins == b, 0].mean() for b in range(5)]
    assert np.all(np.diff(first) > 0.0) or np.all(np.diff(first) < 0.0)


def test_inverse_cumulatives_meet_their_knots():
    quantiles = np.sort(np.random.default_rng(4).random((len(KNOTS), 2, len(KNOTS))), axis=2)
    scores = np.repeat(KNOTS[:, None], 2, axis=1)
    never = np.zeros(scores.shape)
    values = invert_cumulatives(quantiles, never, scores)
    for knot in range(len(KNOTS)):
        np.testing.assert_allclose(values[knot], quantiles[knot, :, knot])
    beyond = invert_cumulatives(quantiles, never, np.where(scores < 0.0, -9.0, 9.0))
    np.testing.assert_array_equal(beyond[0], quantiles[0, :, 0])
    np.testing.assert_array_equal(beyond[-1], quantiles[-1, :, -1])


@pytest.mark.parametrize("n_events", [400, 4000])
def test_what_is_drawn_has_the_mean_and_the_covariance_of_the_showers(n_events):
    values, tie_breakers = correlated(n_events)
    values[:, 0] = np.log(values[:, 0])  # normal, so that the error of a covariance is known
    new = drawn(*fit_bin(values, tie_breakers), 20_000)
    sigma = values.std(axis=0)
    deviation = (new.mean(axis=0) - values.mean(axis=0)) / sigma
    assert np.all(np.abs(deviation) < 4.0 / np.sqrt(n_events))
    difference = (np.cov(new.T) - np.cov(values.T)) / np.outer(sigma, sigma)
    assert np.all(np.abs(difference) < 4.0 * np.sqrt(2.0 / n_events))


def test_layers_are_empty_as_often_as_in_the_showers():
    values, tie_breakers = correlated(3000)
    new = drawn(*fit_bin(values, tie_breakers), 20_000)
    share = np.mean(values[:, 2] == 0.0)
    error = np.sqrt(share * (1.0 - share) / 20_000)
    assert np.mean(new[:, 2] == 0.0) == pytest.approx(share, abs=4.0 * error)
    assert np.all(new >= values.min(axis=0) - 1e-6)
    assert np.all(new <= values.max(axis=0) + 1e-6)
