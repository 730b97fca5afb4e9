"""Statistics of two samples: uniform p-values, power, floors, outliers, constant features."""

import numpy as np
import pytest
from scipy.stats import kstest, wasserstein_distance

from calovox.samples.observables import Observable, ObservableTable
from calovox.scores.statistics import (
    METRICS,
    Exchange,
    NotMeasured,
    count_outliers,
    exchange,
    measure_many_features,
    measure_one_feature,
    normal_scores,
)

N_TRIALS = 200


def rng(seed=0):
    return np.random.default_rng(seed)


def samples(seed, n=200, m=150, shift=0.0):
    draw = rng((7, seed))
    return draw.normal(size=n), draw.normal(shift, size=m)


def paired(seed, n=300, shift=0.0):
    """Two samples of the same photons: most of the spread is the photon's."""
    draw = rng((8, seed))
    photon = draw.normal(size=n)
    return photon + 0.3 * draw.normal(size=n), photon + 0.3 * draw.normal(shift, size=n)


def p_values(make, **options):
    rows = []
    for seed in range(N_TRIALS):
        found = measure_one_feature(*make(seed), rng(seed), **options)
        rows.append([found.distances[metric].p_value for metric in METRICS])
    return np.array(rows)


@pytest.mark.parametrize(("make", "same_photons"), [(samples, False), (paired, True)])
def test_p_values_of_one_law_are_uniform_for_every_metric(make, same_photons):
    for metric, values in zip(METRICS, p_values(make, same_photons=same_photons).T, strict=True):
        assert kstest(values, "uniform").pvalue > 1e-3, metric


def p_values_of_many_features(n_trials):
    rows = []
    for seed in range(n_trials):
        draw = rng((9, seed))
        pair = draw.normal(size=(80, 3)), draw.normal(size=(60, 3))
        found = measure_many_features(*pair, draw)
        rows.append((found.frechet.p_value, found.correlation.p_value))
    return np.transpose(rows)


def test_p_values_of_one_law_are_uniform_in_many_features(monkeypatch):
    monkeypatch.setattr(exchange, "N_EXCHANGES", 39)
    for values in p_values_of_many_features(40):
        assert kstest(values, "uniform").pvalue > 1e-3


@pytest.mark.slow
def test_p_values_of_one_law_are_uniform_in_many_features_in_200_splits():
    for values in p_values_of_many_features(N_TRIALS):
        assert kstest(values, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("make", "same_photons", "shift"), [(samples, False, 0.5), (paired, True, 0.4)]
)
def test_a_shift_is_found(make, same_photons, shift):
    """0.5 standard deviations of 200 and 150 showers; 0.12 of 300 showers of the same photons."""
    found = 0
    for seed in range(20):
        pair = make(seed, shift=shift)
        result = measure_one_feature(*pair, rng(seed), same_photons=same_photons)
        found += result.distances["wasserstein"].p_value < 0.05
    assert found >= 18


def test_the_same_photons_sharpen_the_test():
    pair = paired(0, n=2000, shift=0.15)
    knows, ignores = (
        measure_one_feature(*pair, rng(1), same_photons=same).distances["wasserstein"]
        for same in (True, False)
    )
    assert knows.floor < 0.6 * ignores.floor
    assert knows.p_value < ignores.p_value
    assert knows.floor_source == "exchange within photons"


def test_chi2_of_the_same_photons_is_below_one_and_so_is_its_floor():
    pair = paired(3, n=3000)
    knows, ignores = (
        measure_one_feature(*pair, rng(1), same_photons=same).distances["chi2_ndf"]
        for same in (True, False)
    )
    assert knows.value < 0.8
    assert ignores.floor == pytest.approx(1.0, abs=0.06)
    assert knows.floor < ignores.floor - 0.06


def test_distances_are_those_of_their_definition():
    first, second = samples(2, 400, 300, 0.3)
    found = measure_one_feature(first, second, rng(1)).distances
    ends = np.quantile(first, (0.001, 0.999))
    spread = np.clip(first, *ends).std()
    assert found["wasserstein"].value == pytest.approx(
        wasserstein_distance(first, second) / spread
    )
    assert found["ks"].value == pytest.approx(kstest(first, second).statistic)


@pytest.mark.parametrize("metric", ["wasserstein", "ks", "separation"])
def test_uncertainties_cover_the_scatter(metric):
    rows = [
        measure_one_feature(*samples(seed, shift=1.0), rng(1)).distances[metric]
        for seed in range(60)
    ]
    scatter = np.std([row.value for row in rows], ddof=1)
    assert np.mean([row.uncertainty for row in rows]) == pytest.approx(scatter, rel=0.35)


def test_many_values_are_grouped_without_loss():
    first, second = samples(4, 40_000, 40_000, 0.02)
    found = measure_one_feature(first, second, rng(1)).distances["wasserstein"]
    assert found.value == pytest.approx(wasserstein_distance(first, second), rel=0.02)


# -- nearly constant features ----------------------------------------------------------------


def test_rounding_noise_of_a_constant_feature_is_no_distance():
    draw = rng(6)
    first, second = (1e3 + 1e-7 * draw.normal(size=3000) for _ in range(2))
    found = measure_one_feature(first, second, draw)
    assert isinstance(found, NotMeasured)
    assert (found.off_mode_reference, found.off_mode_simulated) == (0, 0)
    assert "25 are needed" in found.reason


def test_a_few_showers_off_the_mode_are_no_distance():
    first, second = np.zeros(3000), np.zeros(3000)
    first[:3], second[:9] = 5.0, 7.0
    found = measure_one_feature(first, second, rng(1))
    assert isinstance(found, NotMeasured)
    assert (found.off_mode_reference, found.off_mode_simulated) == (3, 9)


def test_a_constant_that_varies_in_the_simulation_is_found():
    second = np.zeros(3000)
    second[:300] = np.linspace(1.0, 2.0, 300)
    found = measure_one_feature(np.zeros(3000), second, rng(1))
    assert found.distances["wasserstein"].p_value == pytest.approx(0.005)
    assert found.distances["wasserstein"].value < 10.0


def test_the_uncertainty_knows_the_tails():
    draw = rng(7)
    first, second = (
        np.where(draw.random(3000) < 0.02, 1e3 * draw.random(3000), 0.0) for _ in range(2)
    )
    found = measure_one_feature(first, second, draw).distances["wasserstein"]
    assert found.uncertainty > 0.3 * found.value
    assert found.p_value > 0.01


# -- many features ---------------------------------------------------------------------------


def test_one_outlier_in_thousands_decides_nothing():
    draw = rng(8)
    first, second = draw.normal(size=(4470, 5)), draw.normal(size=(4470, 5))
    before = measure_many_features(first, second, rng(1))
    second[0] = 1e4
    after = measure_many_features(first, second, rng(1))
    assert after.frechet.value == pytest.approx(before.frechet.value, rel=0.5, abs=1e-3)
    assert after.frechet.p_value > 0.01
    assert after.correlation.p_value > 0.01


def test_a_lost_correlation_is_found_and_named():
    draw = rng(9)
    first, second = draw.normal(size=(1000, 4)), draw.normal(size=(1000, 4))
    first[:, 3] = 0.6 * first[:, 1] + 0.8 * first[:, 3]
    found = measure_many_features(first, second, draw)
    assert found.correlation.p_value == pytest.approx(0.005)
    assert found.worst_pair == (1, 3)
    assert found.worst_difference == pytest.approx(-0.6, abs=0.1)


def test_copies_are_not_closer_than_nothing():
    draw = rng(10)
    first = draw.normal(size=(500, 3))
    found = measure_many_features(first, first.copy(), draw, same_photons=True)
    assert found.frechet.value == pytest.approx(0.0, abs=1e-9)
    assert found.frechet.p_value == 1.0


def test_scores_are_ranks_whatever_the_values():
    first, second = samples(1)
    one = normal_scores(first[:, None], second[:, None])
    other = normal_scores(np.exp(first)[:, None], np.exp(second)[:, None])
    np.testing.assert_array_equal(one[0], other[0])
    with pytest.raises(ValueError, match="expected 40 showers or more"):
        measure_many_features(np.zeros((39, 1)), np.zeros((50, 1)), rng())


def test_pairs_need_as_many_showers():
    with pytest.raises(ValueError, match="same_photons: expected as many showers"):
        Exchange(3, 4, True)


# -- outliers --------------------------------------------------------------------------------


def table(values):
    names = tuple(Observable(f"o{k}", "some") for k in range(values.shape[1]))
    return ObservableTable(names, values)


def test_one_shower_far_out_in_5000_is_found_in_its_observable():
    draw = rng(11)
    first, second = draw.normal(size=(5000, 3)), draw.normal(size=(5000, 3))
    second[7, 1] = 30.0
    worst, *others = count_outliers(table(first), table(second))
    assert worst.observable.name == "o1"
    assert worst.found
    assert worst.n_far == 1
    assert not any(other.found for other in others)


def test_outliers_of_one_law_are_as_many_as_expected():
    draw = rng(12)
    first, second = draw.exponential(size=(500, 400)), draw.exponential(size=(700, 400))
    counts = count_outliers(table(first), table(second))
    assert np.mean([count.n_beyond for count in counts]) == pytest.approx(2 * 700 / 501, rel=0.15)
    # 2 m / n^2 = 0.0056 of the observables have a shower far out, 0.001 too many showers beyond
    assert sum(count.found for count in counts) <= 8
    assert np.mean([count.p_value < 0.1 for count in counts]) < 0.15


def test_a_constant_observable_has_outliers_where_it_varies():
    second = np.zeros((100, 1))
    second[3] = 1.0
    (count,) = count_outliers(table(np.zeros((100, 1))), table(second))
    assert count.n_far == 1
    assert count.farthest == np.inf
