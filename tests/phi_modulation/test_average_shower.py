import numpy as np
import pytest

from calovox.phi_modulation import PERIOD, PhiModulation, apply_phi_modulation
from calovox.phi_modulation.average_shower import average_profile, join_averages
from tests.phi_modulation.test_curve import cosine
from tests.toy_showers import toy_showers


@pytest.fixture(scope="module")
def hits():
    showers = toy_showers(40, n_hits=1000, energy=200e3)
    return apply_phi_modulation(showers, PhiModulation.from_function(cosine))


def test_shower_follows_its_centre(hits):
    average = average_profile(hits, cosine, copies=20, seed=1)
    middle = 0.5 * (average.edges[1:] + average.edges[:-1])
    near = np.abs(middle) < 0.8 * PERIOD
    weights = average.density[:, near]
    means = (weights * middle[near]).sum(axis=1) / weights.sum(axis=1)
    assert np.all(np.diff(means) > 0)
    assert average.n_showers.sum() == 20 * len(hits)


def test_ratio_to_the_unmodulated_shower_is_the_modulation(hits):
    flat = average_profile(hits, cosine, copies=40, seed=1, n_phases=1)
    phases = 0.5 * (flat.edges[1:] + flat.edges[:-1])
    folded = flat.density[0].reshape(-1, round(PERIOD / (flat.edges[1] - flat.edges[0])))
    modulation = folded.sum(axis=0) / folded.sum(axis=0).mean()
    expected = cosine(2, phases[: folded.shape[1]])
    assert modulation == pytest.approx(expected / expected.mean(), abs=0.04)


def test_batches_join_to_the_whole(hits):
    whole = average_profile(hits, cosine, copies=5, seed=1)
    parts = [average_profile(part, cosine, copies=5, seed=1) for part in (hits[:10], hits[10:])]
    joined = join_averages(parts)
    assert np.array_equal(joined.n_showers, whole.n_showers)
    assert joined.density == pytest.approx(whole.density)
