from pathlib import Path

import numpy as np
import pytest

from calovox.photons.weights import (
    complete_weights,
    describe_weights,
    draw_by_weight,
    is_weight,
    refuse_weights,
)


def test_showers_of_weight_1_are_drawn_once_each():
    for seed in range(20):
        drawn = draw_by_weight(np.ones(37), np.random.default_rng(seed))
        np.testing.assert_array_equal(drawn, np.arange(37))


def test_showers_are_drawn_as_often_as_they_weigh():
    weights = np.random.default_rng(1).exponential(1.5, 200)
    rng = np.random.default_rng(2)
    counts = np.array(
        [np.bincount(draw_by_weight(weights, rng), minlength=200) for _ in range(2000)]
    )
    assert set(counts.sum(axis=1)) == {round(weights.sum())}
    expected = weights * round(weights.sum()) / weights.sum()
    assert np.all(np.abs(counts - expected) < 1.0)
    # a count has a variance of at most 1/4
    assert np.all(np.abs(counts.mean(axis=0) - expected) < 5.0 * 0.5 / np.sqrt(2000))


def test_too_little_weight_is_refused():
    with pytest.raises(ValueError, match=r"1 or more together, got 0\.2"):
        draw_by_weight(np.array([0.1, 0.1]), np.random.default_rng(1))


def test_batches_without_weights_weigh_1_beside_others():
    assert complete_weights([None, None], [2, 3]) == [None, None]
    ones, own = complete_weights([None, np.array([0.5])], [2, 1])
    np.testing.assert_array_equal(ones, [1.0, 1.0])
    np.testing.assert_array_equal(own, [0.5])


def test_weights_are_finite_and_above_0():
    values = np.array([1.0, 0.0, -1.0, np.nan, np.inf])
    np.testing.assert_array_equal(is_weight(values), [True, False, False, False, False])


def test_weights_are_described_by_range_and_mean():
    assert describe_weights(np.array([0.1, 2.0])) == "0.1 to 2, 1.05 on average"


def test_refusal_is_one_line_with_the_file():
    text = refuse_weights(Path("late.h5"))
    assert text.startswith("late.h5: expected")
    assert "\n" not in text
