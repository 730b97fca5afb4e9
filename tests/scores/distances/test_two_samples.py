import numpy as np
import pytest
from scipy.stats import kstest, norm

from calovox.scores.binned import BinnedSample, FeatureAxes, coarse_groups
from calovox.scores.distances import two_samples
from calovox.scores.distances.two_samples import METRICS_1D, ReferenceFloor, compare_feature
from calovox.scores.histograms import chi2_of_histograms, choose_edges, fill_histogram
from tests.reference.two_samples import distances


def everything(values):
    return np.ones((1, len(values)), dtype=bool)


@pytest.fixture
def few_splits(monkeypatch):
    """Divide the reference less often, where only the floor depends on it."""
    monkeypatch.setattr(two_samples, "N_SPLITS", 19)


def compare(reference, simulated, *, seed=1, batch=10**6):
    axes = FeatureAxes.from_reference(reference[:20_000, None], everything(reference[:20_000]))
    samples = [BinnedSample(axes), BinnedSample(axes)]
    for sample, values in zip(samples, (reference, simulated), strict=True):
        for start in range(0, len(values), batch):
            part = values[start : start + batch, None]
            sample.fill(part, everything(part))
    floor = ReferenceFloor.from_sample(samples[0], 0, 0, np.random.default_rng(seed))
    return compare_feature(*samples, 0, (0, 0), floor)


def gaussian(n_events, seed, shift=0.0, width=1.0):
    return np.random.default_rng(seed).normal(shift, width, n_events)


@pytest.mark.parametrize(("shift", "width"), [(0.0, 1.0), (0.3, 1.0), (0.1, 1.4)])
def test_distances_are_those_of_all_values_in_memory(shift, width):
    reference, simulated = gaussian(20_000, 1), gaussian(30_000, 2, shift, width)
    found = compare(reference, simulated)
    axes = FeatureAxes.from_reference(reference[:, None], everything(reference))
    fine = axes.low[0, 0] + axes.width[0, 0] * np.arange(400)
    edges = np.concatenate([[-np.inf], fine[coarse_groups(len(reference))[1:] - 1], [np.inf]])
    expected = distances(reference, simulated, edges)
    assert found["separation"].value == pytest.approx(expected["separation"], rel=1e-9)
    assert found["wasserstein"].value == pytest.approx(expected["wasserstein"], rel=0.01)
    assert found["ks"].value == pytest.approx(expected["ks"], rel=0.05)
    edges = choose_edges(reference)
    chi2 = chi2_of_histograms(*(fill_histogram(v, edges) for v in (reference, simulated)))
    assert found["chi2_ndf"].value == pytest.approx(chi2.reduced, rel=1e-9)


@pytest.mark.parametrize("shift", [0.2, 1.0])
def test_distances_of_shifted_gaussians_are_analytic(shift):
    found = compare(gaussian(200_000, 3), gaussian(200_000, 4, shift))
    x = np.linspace(-8, 9, 20_001)
    p, q = norm.pdf(x), norm.pdf(x, shift)
    expected = {
        "wasserstein": shift,
        "ks": 2 * norm.cdf(shift / 2) - 1,
        "separation": 0.5 * np.sum((p - q) ** 2 / (p + q)) * (x[1] - x[0]),
    }
    for metric, value in expected.items():
        entry = found[metric]
        assert entry.value == pytest.approx(value, abs=3 * entry.uncertainty + 0.01 * value), (
            metric
        )


def test_a_tail_beyond_the_bins_counts_for_the_wasserstein_distance():
    reference = gaussian(5000, 5)
    simulated = np.where(np.arange(5000) < 50, 1000.0, gaussian(5000, 6))
    expected = distances(reference, simulated, np.array([-9.0, 1e4]))["wasserstein"]
    assert compare(reference, simulated)["wasserstein"].value == pytest.approx(expected, rel=1e-3)


def test_batches_do_not_matter():
    reference, simulated = gaussian(3000, 7), gaussian(2000, 8, 0.2)
    assert compare(reference, simulated) == compare(reference, simulated, batch=77)


@pytest.mark.parametrize("shift", [0.3, 1.0])
def test_uncertainties_are_the_scatter(shift, few_splits):
    found = [compare(gaussian(500, 2 * k), gaussian(800, 2 * k + 1, shift)) for k in range(60)]
    for metric in METRICS_1D:
        values, errors = (
            np.array([getattr(entry[metric], name) for entry in found])
            for name in ("value", "uncertainty")
        )
        assert errors.mean() == pytest.approx(values.std(), rel=0.3), metric


@pytest.mark.parametrize("size", [250, 4000])
def test_the_floor_is_what_independent_samples_of_these_sizes_give(size, few_splits):
    found = [compare(gaussian(1000, 2 * k), gaussian(size, 2 * k + 1), seed=k) for k in range(50)]
    for metric in METRICS_1D:
        values = np.array([entry[metric].value for entry in found])
        floors = np.array([entry[metric].floor for entry in found])
        scatters = np.array([entry[metric].floor_uncertainty for entry in found])
        tolerance = 4 * values.std() / len(values) ** 0.5
        assert values.mean() == pytest.approx(floors.mean(), abs=tolerance), metric
        assert values.std() == pytest.approx(scatters.mean(), rel=0.3), metric


def test_p_values_of_samples_of_one_distribution_are_uniform():
    found = [compare(gaussian(600, 2 * k), gaussian(900, 2 * k + 1), seed=k) for k in range(60)]
    for metric in METRICS_1D:
        p_values = [entry[metric].p_value for entry in found]
        assert kstest(p_values, "uniform").pvalue > 1e-3, metric


def test_a_discrete_feature_has_honest_p_values(few_splits):
    rng = np.random.default_rng(9)
    draws = [rng.binomial(6, 0.3, (2, 400)).astype(float) for _ in range(100)]
    found = [compare(*pair, seed=k) for k, pair in enumerate(draws)]
    for metric in METRICS_1D:
        p_values = np.array([entry[metric].p_value for entry in found])
        assert np.mean(p_values <= 0.1) < 0.1 + 3 * (0.1 * 0.9 / len(draws)) ** 0.5, metric


def test_a_constant_feature_has_no_chi2_and_no_distance():
    found = compare(np.full(300, 2.5), np.full(200, 2.5))
    assert "chi2_ndf" not in found
    assert {entry.value for entry in found.values()} == {0.0}
    assert {entry.p_value for entry in found.values()} == {1.0}
