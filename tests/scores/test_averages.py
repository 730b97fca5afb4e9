import numpy as np
import pytest

from calovox.scores.averages import paired_difference, profile


def test_paired_difference_finds_a_shift_far_below_the_spread():
    rng = np.random.default_rng(6)
    values = rng.normal(10.0, 1.0, size=2000)
    paired = paired_difference(values, values + 0.02 + rng.normal(0.0, 0.1, size=2000))
    assert paired.mean == pytest.approx(0.02, abs=4 * paired.mean_error)
    assert paired.mean_error == pytest.approx(0.1 / 2000**0.5, rel=0.1)
    assert paired.spread == pytest.approx(0.1, rel=0.1)
    assert paired.shift == pytest.approx(paired.mean, rel=0.1)


def test_paired_difference_refuses_a_single_event():
    with pytest.raises(ValueError, match="at least two events, got 1"):
        paired_difference(np.zeros(1), np.zeros(1))


def test_profile_averages_in_bins():
    x = np.array([0.1, 0.2, 1.5, 5.0])
    result = profile(x, np.array([1.0, 3.0, 7.0, 9.0]), np.array([0.0, 1.0, 2.0]))
    assert result.count.tolist() == [2, 1]
    assert result.mean[0] == 2.0
    assert result.rms[0] == pytest.approx(2**0.5)
    assert result.mean_error[0] == pytest.approx(1.0)
    assert np.isnan(result.mean[1])
