import numpy as np
import pytest

from calovox.report.ratios import FEWEST_IN_RATIO, ratio_bins, ratio_of_histograms
from calovox.scores.histograms import Histogram, fill_histogram

EDGES = np.linspace(-3.0, 3.0, 41)


@pytest.fixture
def reference():
    return fill_histogram(np.random.default_rng(1).normal(size=1000), EDGES)


@pytest.mark.parametrize("most", [10, 20, 40])
def test_every_bin_of_a_ratio_has_enough_of_the_reference(reference, most):
    starts = ratio_bins(reference, most)
    assert len(starts) <= most
    assert np.all(np.add.reduceat(reference.counts, starts) >= FEWEST_IN_RATIO)


def test_ratio_of_a_histogram_to_itself_is_one_and_holds_its_poisson_interval(reference):
    ratio = ratio_of_histograms(reference, reference, ratio_bins(reference, 20))
    np.testing.assert_allclose(ratio.value, 1.0)
    assert np.all((ratio.low < 1.0) & (ratio.high > 1.0))
    counts = np.add.reduceat(reference.counts, ratio_bins(reference, 20))
    np.testing.assert_allclose(ratio.high - ratio.low, 2.0 / np.sqrt(counts), rtol=0.15)


def test_ratio_compares_shares_and_not_numbers(reference):
    twice = Histogram(EDGES, 2 * reference.counts, 2 * reference.underflow, 2 * reference.overflow)
    ratio = ratio_of_histograms(reference, twice, ratio_bins(reference, 20))
    np.testing.assert_allclose(ratio.value, 1.0)


def test_ratio_of_an_event_weight_is_found_within_its_error_bars():
    rng = np.random.default_rng(2)
    reference = fill_histogram(rng.uniform(-3.0, 3.0, 20_000), EDGES)
    lower = fill_histogram(np.append(rng.uniform(-3, 0, 4_000), rng.uniform(0, 3, 12_000)), EDGES)
    ratio = ratio_of_histograms(reference, lower, ratio_bins(reference, 10))
    expected = np.repeat([0.5, 1.5], 5)
    assert np.all(np.abs(ratio.value - expected) < 4.0 * (ratio.high - ratio.low))
