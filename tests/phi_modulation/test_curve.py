import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calovox.phi_modulation import (
    PERIOD,
    PhiModulation,
    apply_phi_modulation,
    phi_phase,
    remove_phi_modulation,
)
from tests.toy_showers import toy_showers

AMPLITUDES = {0: 0.02, 1: 0.1, 2: 0.1, 3: 0.05}


def cosine(layer, phase):
    return 1.0 + AMPLITUDES[layer] * np.cos(2.0 * np.pi * phase / PERIOD)


@given(st.floats(-10.0, 10.0), st.integers(-2000, 2000))
def test_phase_is_periodic_and_inside_the_period(phi, turns):
    phase = float(phi_phase(np.array(phi)))
    assert 0.0 <= phase < PERIOD
    moved = float(phi_phase(np.array(phi + turns * PERIOD)))
    assert abs(math.remainder(moved - phase, PERIOD)) < 1e-12


def test_phase_is_zero_at_every_cell_centre_of_every_layer():
    for n_phi in (64, 256):
        centres = -math.pi + (np.arange(n_phi) + 0.5) * 2.0 * math.pi / n_phi
        phase = phi_phase(centres)
        assert np.minimum(phase, PERIOD - phase) == pytest.approx(0.0, abs=1e-12)


def test_phase_folds_at_the_border_of_two_cells():
    border = 7 * 2.0 * math.pi / 256
    below, above = phi_phase(np.array([border - 1e-6, border + 1e-6]))
    assert above - below == pytest.approx(-PERIOD + 2e-6) or above - below == pytest.approx(2e-6)


def test_curve_of_a_symmetric_function_is_symmetric_with_mean_one():
    values = PhiModulation.from_function(cosine).values
    assert values == pytest.approx(values[:, :, ::-1])
    assert values.mean(axis=2) == pytest.approx(1.0)


def test_remove_is_the_inverse_of_apply():
    hits = toy_showers(20)
    modulation = PhiModulation.from_function(cosine)
    back = remove_phi_modulation(apply_phi_modulation(hits, modulation), modulation)
    assert back.energy == pytest.approx(hits.energy, rel=1e-6)


def test_apply_multiplies_by_the_factor_at_the_place_of_the_hit():
    hits = toy_showers(10)
    modulation = PhiModulation.from_function(cosine)
    applied = apply_phi_modulation(hits, modulation)
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    for layer in (0, 1, 2, 3, 12):
        chosen = hits.layer == layer
        factor = modulation.factor(
            layer, hits.phi[chosen], np.abs(hits.photons.eta[event[chosen]])
        )
        expected = hits.energy[chosen] * factor
        # a phase on the edge of a bin may be rounded into the neighbour
        assert np.mean(np.isclose(applied.energy[chosen], expected, rtol=1e-6)) > 0.999


@pytest.mark.parametrize("turns", [-1, 0, 1])
def test_azimuths_beyond_a_turn_have_the_factor_of_their_place(turns):
    modulation = PhiModulation.from_function(cosine)
    hits = toy_showers(4)
    n_bins = modulation.values.shape[2]
    place = np.arange(len(hits.phi)) + 0.5 - 512 * n_bins  # centres of bins, from -pi
    phi = np.asarray((place * PERIOD / n_bins + turns * 2.0 * np.pi).astype(hits.phi.dtype))
    turned = dataclasses.replace(hits, phi=phi)
    applied = apply_phi_modulation(turned, modulation)
    position = np.minimum(hits.layer, 4)
    rows = np.arange(len(phi)) % n_bins
    factors = np.ones((5, n_bins))
    factors[:4] = modulation.values[0]
    assert applied.energy == pytest.approx(hits.energy * factors[position, rows], rel=1e-6)


def test_azimuth_just_below_minus_pi_has_the_factor_of_the_last_bin():
    values = np.ones((1, 4, 50))
    values[:, :, -1] = 2.0
    modulation = PhiModulation(values, np.array([0.0, 1.5]))
    hits = toy_showers(4)
    below = np.nextafter(np.float32(-np.pi), np.float32(-4.0))
    hits = dataclasses.replace(hits, phi=np.full_like(hits.phi, below))
    applied = apply_phi_modulation(hits, modulation)
    expected = np.where(hits.layer < 4, 2.0, 1.0) * hits.energy
    assert applied.energy == pytest.approx(expected, rel=1e-6)


def test_flat_curve_changes_nothing_and_inputs_are_kept():
    hits = toy_showers(5)
    before = hits.energy.copy()
    flat = PhiModulation.from_function(lambda layer, phase: np.ones_like(phase))
    assert np.array_equal(apply_phi_modulation(hits, flat).energy, before)
    assert np.array_equal(hits.energy, before)


@pytest.mark.parametrize(
    ("values", "edges", "message"),
    [
        (np.ones((1, 3, 50)), [0.0, 1.4], "4 layers"),
        (np.ones((2, 4, 50)), [0.0, 0.8, 0.8], "3 rising numbers"),
        (np.ones((2, 4, 50)), [0.0, np.inf, np.inf], "3 rising numbers"),
        (np.zeros((1, 4, 50)), [0.0, 1.4], "above 0"),
    ],
)
def test_bad_curves_are_refused(values, edges, message):
    with pytest.raises(ValueError, match=message):
        PhiModulation(values, np.array(edges))
