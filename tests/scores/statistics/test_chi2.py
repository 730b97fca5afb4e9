"""Chi2 of histograms beside its floor."""

import numpy as np
import pytest

from calovox.scores.histograms import chi2_of_histograms, choose_edges, fill_histogram
from calovox.scores.statistics import N_EXCHANGES, measure_chi2, split_floor


def photons_decide(rng, n_events, *, move=0.0):
    """Two samples of the same photons: most of the observable is the photon's."""
    photon = rng.normal(size=n_events)
    return tuple(photon + 0.06 * rng.normal(mean, 1.0, n_events) for mean in (0.0, move))


def test_the_value_is_that_of_the_histograms():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=900), rng.normal(0.3, 1.0, 700)
    edges = choose_edges(first)
    found = measure_chi2(first, second, edges, rng, same_photons=False)
    chi2 = chi2_of_histograms(fill_histogram(first, edges), fill_histogram(second, edges))
    assert found.value == chi2.reduced


@pytest.mark.parametrize("same_photons", [True, False])
def test_p_values_of_samples_of_one_distribution_are_uniform(same_photons):
    rng = np.random.default_rng(2)
    found = []
    for _ in range(300):
        first, second = photons_decide(rng, 400)
        if not same_photons:
            second = rng.normal(0.0, 1.0018, 350)
        edges = choose_edges(first)
        found.append(measure_chi2(first, second, edges, rng, same_photons=same_photons))
    p_values = np.sort([entry.p_value for entry in found])
    # Kolmogorov-Smirnov at 0.1 %
    assert np.abs(p_values - np.linspace(0.0, 1.0, 300)).max() < 1.95 / np.sqrt(300)
    values, floors = (np.mean([getattr(e, name) for e in found]) for name in ("value", "floor"))
    assert values == pytest.approx(floors, abs=0.06)


def test_common_photons_lower_the_floor_and_sharpen_the_test():
    rng = np.random.default_rng(3)
    first, second = photons_decide(rng, 4000, move=2.0)
    edges = choose_edges(first)
    paired = measure_chi2(first, second, edges, rng, same_photons=True)
    free = measure_chi2(first, second, edges, rng, same_photons=False)
    assert paired.value == free.value
    assert paired.floor < 0.8 < 0.9 < free.floor
    assert paired.p_value < 0.05 < free.p_value
    assert (paired.floor_source, free.floor_source) == (
        "exchange within photons",
        "exchange of showers",
    )


def test_exchanges_within_photons_have_the_mean_of_shuffled_showers():
    rng = np.random.default_rng(4)
    first, second = photons_decide(rng, 500)
    edges = choose_edges(first)
    slow = []
    for _ in range(N_EXCHANGES):
        stays = rng.random(500) < 0.5
        pair = np.where(stays, first, second), np.where(stays, second, first)
        slow.append(chi2_of_histograms(*(fill_histogram(x, edges) for x in pair)).reduced)
    found = measure_chi2(first, second, edges, rng, same_photons=True)
    error = np.std(slow) / np.sqrt(N_EXCHANGES) * np.sqrt(2.0)
    assert found.floor == pytest.approx(np.mean(slow), abs=4 * error)
    assert found.floor_uncertainty == pytest.approx(np.std(slow), rel=0.25)


def test_too_few_events_have_no_chi2():
    rng = np.random.default_rng(5)
    edges = np.linspace(0.0, 1.0, 11)
    assert measure_chi2(rng.random(9), rng.random(5), edges, rng, same_photons=False) is None
    assert measure_chi2(rng.random(9), np.array([]), edges, rng, same_photons=False) is None


def test_floor_of_random_halves_is_one():
    values = np.random.default_rng(7).normal(size=2000)
    floor = split_floor(values, choose_edges(values), np.random.default_rng(8))
    assert floor.low < 1.0 < floor.high
    assert floor.mean == pytest.approx(1.0, abs=0.15)
