import numpy as np
import pytest

from calovox.phi_modulation import PERIOD, PhiModulation, apply_phi_modulation
from calovox.phi_modulation.profile import hits_to_profiles, replay_profiles
from calovox.random_streams import Stream, event_keys, event_uniforms
from tests.phi_modulation.test_curve import cosine
from tests.reference.phi_modulation import profile_twin
from tests.toy_showers import toy_showers


def test_profile_equals_the_plain_twin():
    hits = toy_showers(4, n_hits=200)
    profiles = hits_to_profiles(hits, n_bins=32)
    for event in range(len(hits)):
        energy, phase = profile_twin(hits, event, 32)
        assert profiles.energy[event] == pytest.approx(energy, abs=1e-12)
        assert profiles.center_phase[event] == pytest.approx(phase, abs=1e-9)


def test_profile_holds_the_energy_of_the_modulated_layers():
    hits = toy_showers(5)
    profiles = hits_to_profiles(hits)
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    chosen = hits.layer < 4
    expected = np.bincount(event[chosen], hits.energy[chosen], len(hits)) / hits.photons.energy
    assert profiles.energy.sum(axis=(1, 2)) == pytest.approx(expected)


def test_replay_moves_hits_and_modulates_them_at_their_new_place():
    hits = toy_showers(2, n_hits=200)
    copies = 5
    profiles = replay_profiles(hits, cosine, copies=copies, seed=3, n_bins=32)
    keys = event_keys(3, Stream.PLACEMENT, hits.photons.index)
    shifts = (np.arange(copies) + event_uniforms(keys, copies)) / copies * PERIOD

    def factor(layer, old, new):
        return 1.0 if layer == 12 else cosine(layer, new) / cosine(layer, old)

    for event in range(len(hits)):
        for copy in range(copies):
            row = event * copies + copy
            energy, phase = profile_twin(hits, event, 32, shifts[event, copy], factor)
            total = profiles.energy[row].sum(axis=1)
            # the tabulated modulation has steps of 1 / 4096 of a period
            assert total == pytest.approx(energy.sum(axis=1), rel=2e-4)
            assert profiles.center_phase[row] == pytest.approx(phase, abs=1e-7)


def test_replays_spread_over_the_period():
    hits = toy_showers(3, n_hits=100)
    phases = replay_profiles(hits, cosine, copies=10, seed=1).center_phase
    assert np.ptp(phases.reshape(3, 10), axis=1).min() > 0.75 * PERIOD


def test_replay_refuses_zero_copies():
    with pytest.raises(ValueError, match="copies: expected at least 1, got 0"):
        replay_profiles(toy_showers(1), cosine, copies=0, seed=1)


def test_replays_do_not_depend_on_the_batch():
    hits = apply_phi_modulation(toy_showers(6), PhiModulation.from_function(cosine))
    whole = replay_profiles(hits, cosine, copies=4, seed=1)
    part = replay_profiles(hits[2:4], cosine, copies=4, seed=1)
    assert np.array_equal(whole.energy[8:16], part.energy)
