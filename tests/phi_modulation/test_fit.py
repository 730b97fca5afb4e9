import numpy as np
import pytest

from calovox.phi_modulation import PhiModulation, apply_phi_modulation
from calovox.phi_modulation.fit import (
    FitSettings,
    fit_phi_modulation,
    loss_and_gradient,
    mean_profiles,
    minimise_loss,
)
from calovox.phi_modulation.profile import hits_to_profiles, replay_profiles
from tests.phi_modulation.test_curve import AMPLITUDES, cosine
from tests.reference.phi_modulation import adam_twin, gradient_twin, loss_twin
from tests.toy_showers import toy_showers

SMALL = FitSettings(eta_edges=(0.0, 1.4), n_phases=10, n_bootstrap=4, steps=5, symmetry_weight=1.0)


@pytest.fixture(scope="module")
def profiles():
    truth = PhiModulation.from_function(cosine)
    hits = apply_phi_modulation(toy_showers(60, n_hits=2000, energy=200e3), truth)
    return replay_profiles(hits, cosine, copies=50, seed=1)


@pytest.fixture(scope="module")
def small_means():
    hits = toy_showers(40, n_hits=300, energy=200e3)
    hits = apply_phi_modulation(hits, PhiModulation.from_function(cosine))
    replays = replay_profiles(hits, cosine, copies=10, seed=1, n_bins=8)
    return mean_profiles(replays, 10, np.ones((1, len(replays))))


def test_loss_and_gradient_equal_the_plain_twin(small_means):
    rng = np.random.default_rng(5)
    curves = 1.0 + 0.05 * rng.normal(size=(1, 4, 8))
    loss, gradient = loss_and_gradient(curves, small_means.swapaxes(1, 2), SMALL)
    twin = gradient_twin(curves[0], small_means[0], SMALL)
    assert loss[0] == pytest.approx(loss_twin(curves[0], small_means[0], SMALL))
    assert gradient[0] == pytest.approx(twin, rel=1e-4, abs=1e-6)


def test_adam_equals_the_plain_twin(small_means):
    fast, _ = minimise_loss(small_means, SMALL)
    assert fast[0] == pytest.approx(adam_twin(small_means[0], SMALL), abs=1e-6)


def test_fit_finds_the_true_curve(profiles):
    result = fit_phi_modulation(profiles, FitSettings(eta_edges=(0.0, 1.4), n_bootstrap=4))
    truth = PhiModulation.from_function(cosine).values[0]
    difference = np.sqrt(((result.modulation.values[0] - truth) ** 2).mean(axis=1))
    assert difference[1] < 0.1 * AMPLITUDES[1]
    assert difference[2] < 0.1 * AMPLITUDES[2]
    assert np.ptp(result.response_after) < 0.2 * np.ptp(result.response_before)
    assert result.loss[0, -1] < result.loss[0, 0]


def test_fit_of_unmodulated_showers_is_compatible_with_one():
    hits = toy_showers(60, n_hits=2000, energy=200e3)
    flat = replay_profiles(hits, lambda layer, phase: np.ones_like(phase), copies=50, seed=1)
    result = fit_phi_modulation(flat, FitSettings(eta_edges=(0.0, 1.4), n_bootstrap=10))
    off = np.sqrt(((result.modulation.values[0] - 1.0) ** 2).mean(axis=1))
    expected = np.sqrt((result.modulation.uncertainties[0] ** 2).mean(axis=1))
    assert np.all(off[1:3] < 3.0 * expected[1:3])
    assert np.all(off[1:3] < 0.01)


def test_fit_gives_every_eta_range_its_curve(profiles):
    result = fit_phi_modulation(
        profiles, FitSettings(eta_edges=(0.0, 0.6, 1.4), n_bootstrap=2, steps=10)
    )
    assert result.modulation.values.shape == (2, 4, 50)
    assert sum(result.n_showers) == len(profiles)


def test_fit_refuses_showers_below_the_energy_limit(profiles):
    with pytest.raises(ValueError, match=r"E_kin >= 300 GeV in 0 <= \|eta\| < 1.4"):
        fit_phi_modulation(profiles, FitSettings(eta_edges=(0.0, 1.4), min_energy=300e3))


def test_fit_says_that_a_small_sample_does_not_constrain_the_curve():
    few = hits_to_profiles(toy_showers(200, n_hits=100, energy=200e3))
    settings = FitSettings(eta_edges=(0.0, 1.4), n_phases=5, n_bootstrap=4, steps=400)
    result = fit_phi_modulation(few, settings)
    assert any("does not constrain" in line for line in result.warnings)


def test_fit_refuses_empty_bins_in_t():
    few = hits_to_profiles(toy_showers(20, n_hits=100, energy=200e3))
    with pytest.raises(ValueError, match="place them more often"):
        fit_phi_modulation(few, FitSettings(eta_edges=(0.0, 1.4), n_bootstrap=2))
