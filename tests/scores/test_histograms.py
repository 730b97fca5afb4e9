import numpy as np
import pytest

from calovox.scores.histograms import (
    Histogram,
    chi2_of_histograms,
    choose_edges,
    fill_histogram,
    merge_bins,
    poisson_interval,
)


def test_chi2_of_a_histogram_with_itself_is_zero():
    values = np.random.default_rng(1).normal(size=1000)
    histogram = fill_histogram(values, choose_edges(values))
    chi2 = chi2_of_histograms(histogram, histogram)
    assert chi2.value == 0.0
    assert chi2.ndf > 5


def test_chi2_of_two_bins_matches_the_formula():
    edges = np.array([0.0, 1.0, 2.0])
    first = Histogram(edges, np.array([30, 70]), 0, 0)
    second = Histogram(edges, np.array([50, 50]), 0, 0)
    chi2 = chi2_of_histograms(first, second)
    assert chi2.ndf == 1
    assert chi2.value == pytest.approx(20**2 / 80 + 20**2 / 120)


@pytest.mark.parametrize("sizes", [(2000, 2000), (2000, 700), (300, 300)])
def test_independent_samples_of_one_distribution_give_chi2_per_ndf_of_one(sizes):
    rng = np.random.default_rng(2)
    reduced = []
    for _ in range(400):
        first, second = (rng.exponential(size=size) for size in sizes)
        edges = choose_edges(first)
        histograms = fill_histogram(first, edges), fill_histogram(second, edges)
        reduced.append(chi2_of_histograms(*histograms).reduced)
    error = np.std(reduced) / np.sqrt(len(reduced))
    assert np.mean(reduced) == pytest.approx(1.0, abs=4 * error)


def test_chi2_sees_events_outside_the_borders():
    values = np.linspace(0.0, 1.0, 1000)
    edges = choose_edges(values)
    moved = np.where(np.arange(1000) < 100, 5.0, values)
    chi2 = chi2_of_histograms(fill_histogram(values, edges), fill_histogram(moved, edges))
    assert chi2.reduced > 2.0


def test_chi2_refuses_different_bins():
    values = np.linspace(0.0, 1.0, 100)
    first = fill_histogram(values, np.array([0.0, 0.5, 1.0]))
    second = fill_histogram(values, np.array([0.0, 0.4, 1.0]))
    with pytest.raises(ValueError, match="same `edges`"):
        chi2_of_histograms(first, second)


def test_chi2_of_few_events_has_no_degree_of_freedom():
    values = np.array([1.0, 2.0, 3.0])
    histogram = fill_histogram(values, choose_edges(values))
    assert np.isnan(chi2_of_histograms(histogram, histogram).reduced)


def test_merged_bins_expect_enough_events():
    expected = np.random.default_rng(3).exponential(3.0, size=50)
    starts = merge_bins(expected, 10.0)
    assert starts[0] == 0
    assert np.add.reduceat(expected, starts).min() >= 10.0


def test_histogram_counts_every_event_once():
    values = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0])
    histogram = fill_histogram(values, np.array([0.0, 0.5, 1.0]))
    assert histogram.all_counts.tolist() == [1, 1, 2, 2]
    assert histogram.total == len(values)


def test_histogram_refuses_nan():
    with pytest.raises(ValueError, match="event 1"):
        fill_histogram(np.array([0.0, np.nan]), np.array([0.0, 1.0]))


def test_edges_hold_all_but_one_per_cent_of_the_reference():
    values = np.random.default_rng(4).normal(size=4000)
    histogram = fill_histogram(values, choose_edges(values))
    assert len(histogram.counts) == 40
    assert histogram.underflow + histogram.overflow == pytest.approx(40, abs=2)


def test_edges_of_a_constant_contain_it():
    edges = choose_edges(np.full(30, 1.0))
    assert edges[0] < 1.0 < edges[-1]


def test_poisson_interval_covers_68_per_cent_or_more():
    rng = np.random.default_rng(5)
    low, high = poisson_interval(rng.poisson(30.0, size=20_000))
    covered = np.mean((low < 30.0) & (high > 30.0))
    assert 0.67 < covered < 0.75
    assert poisson_interval(np.array([0]))[0] == 0.0


def test_edges_ignore_far_outliers():
    values = np.append(np.random.default_rng(9).normal(size=160), [-80.0, -90.0])
    edges = choose_edges(values)
    assert -7.0 < edges[0] < -1.5
    assert fill_histogram(values, edges).underflow >= 2
