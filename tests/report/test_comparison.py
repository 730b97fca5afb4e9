import numpy as np
import pytest

from calovox.report.comparison import compare_values, score_chi2, with_events
from calovox.samples.comparable import PhotonKeys


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(1)
    values = [rng.normal(0.0, 1.0, 800), rng.normal(0.0, 1.0, 700), rng.normal(0.5, 1.0, 600), []]
    simulated = [("same", 0), ("moved", 1), ("empty", 2)]
    return compare_values("x", [np.asarray(column) for column in values], simulated)


def test_a_moved_sample_is_seen_and_a_like_one_is_not(result):
    same, moved, empty = result.simulated
    assert same.chi2.reduced < 2.0 < 5.0 < moved.chi2.reduced
    assert result.floor.low < 1.0 < result.floor.high
    assert empty.chi2.ndf == 0


def test_bins_are_those_of_the_reference(result):
    for entry in result.simulated:
        np.testing.assert_array_equal(entry.histogram.edges, result.reference.edges)
    assert [entry.histogram.total for entry in result.simulated] == [700, 600, 0]


def test_simulations_without_events_have_no_score(result):
    assert [entry.label for entry in with_events(result)] == ["same", "moved"]
    same, moved = score_chi2(result, "1 GeV", "all")
    assert (same.sample, same.metric, same.feature, same.bin) == ("same", "chi2_ndf", "x", "1 GeV")
    assert (same.n_reference, same.n_simulated) == (800, 700)
    assert moved.value == result.simulated[1].chi2.reduced
    assert moved.p_value < 1e-6 < same.p_value
    assert same.floor_source == "exchange of showers"


def test_samples_of_the_same_photons_are_exchanged_within_them():
    rng = np.random.default_rng(2)
    energy, eta = np.geomspace(1e3, 1e5, 800), rng.uniform(0.0, 1.0, 800)
    first, second = (np.log(energy) + 0.1 * rng.normal(size=800) for _ in range(2))
    order = rng.permutation(800)
    photons = [PhotonKeys(energy, eta), PhotonKeys(energy[order], eta[order])]
    (found,) = compare_values("x", [first, second[order]], [("a", 0)], photons).simulated
    assert found.tested.floor_source == "exchange within photons"
    assert found.tested.floor < 0.7
    photons[1] = PhotonKeys(1.1 * energy[order], eta[order])
    (other,) = compare_values("x", [first, second[order]], [("a", 0)], photons).simulated
    assert other.tested.floor_source == "exchange of showers"
    assert other.tested.value == found.tested.value
