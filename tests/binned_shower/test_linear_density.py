"""The linear radial density of EMB2 (Figure 7 of the note)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from calovox.binned_shower import linear_quantile
from tests.reference.placement import linear_position

INNER = [0.25, 0.41, 0.5, 0.5 + 1e-12, 0.59, 0.75]


def density(r, p):
    return 2 * p - 0.5 + (1 - 2 * p) * r


def cumulative(r, p):
    return (2 * p - 0.5) * r + (1 - 2 * p) * r**2 / 2


@pytest.mark.parametrize("inner", INNER)
def test_density_passes_through_the_two_fixed_points(inner):
    assert density(0.5, inner) == pytest.approx(inner)
    assert density(1.5, inner) == pytest.approx(1 - inner)
    assert cumulative(1.0, inner) == pytest.approx(inner)
    assert cumulative(2.0, inner) == pytest.approx(1.0)
    assert min(density(0.0, inner), density(2.0, inner)) >= 0


@settings(deadline=None)  # the first call compiles
@given(u=st.floats(0, 1), inner=st.floats(0.25, 0.75))
def test_quantile_inverts_the_cumulative_distribution(u, inner):
    r = float(linear_quantile(np.array([u]), inner)[0])
    assert 0 <= r <= 2
    assert cumulative(r, inner) == pytest.approx(u, abs=1e-12)


@pytest.mark.parametrize("inner", INNER)
def test_quantile_is_that_of_the_bisection(inner):
    u = np.linspace(0.001, 0.999, 37)
    expected = [linear_position(value, inner) for value in u]
    np.testing.assert_allclose(linear_quantile(u, inner), expected, rtol=1e-9)


@pytest.mark.parametrize("inner", INNER)
def test_sample_follows_the_density(inner):
    r = linear_quantile(np.random.default_rng(5).random(20_000), inner)
    result = stats.kstest(r, lambda x: cumulative(x, inner))
    assert result.pvalue > 1e-3
    assert np.mean(r < 1) == pytest.approx(inner, abs=5 * np.sqrt(0.25 / 20_000))


@pytest.mark.parametrize(("inner", "clipped"), [(0.0, 0.25), (0.9, 0.75)])
def test_probabilities_beyond_a_linear_density_are_clipped(inner, clipped):
    u = np.linspace(0, 1, 11)
    np.testing.assert_array_equal(linear_quantile(u, inner), linear_quantile(u, clipped))


def test_ends_are_exact():
    for inner in (0.25, 0.5, 0.75):
        np.testing.assert_allclose(linear_quantile(np.array([0.0, 1.0]), inner), [0.0, 2.0])
