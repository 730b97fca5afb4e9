import numpy as np
import pytest

from calovox.geant4 import Response, SamplingFractions
from calovox.geant4.engine import Deposits
from calovox.geant4.response import deposits_to_hits
from calovox.geometry import ABSORBER_PERIOD as PERIOD
from calovox.photons import Photons

PLAIN = Response(SamplingFractions(1.0, 1.0, 1.0, 1.0), gaps=None, modulation=None)


def make_photons(eta, phi):
    n_events = len(eta)
    return Photons(np.full(n_events, 1e3), np.array(eta), np.array(phi), np.arange(n_events))


def make_deposits(start, end, n_events=1):
    start, end = np.array(start, dtype=float), np.array(end, dtype=float)
    n = len(start) // n_events
    return Deposits(
        start=start,
        end=end,
        energy=np.linspace(1.0, 2.0, len(start)),
        event_offsets=np.arange(n_events + 1) * n,
        shell=np.zeros(len(start), dtype=np.int64),
        shell_names=("Gap0",),
    )


def test_splitting_conserves_energy_and_shortens_steps():
    deposits = make_deposits([[1600, 0, 0], [1700, 0, 0]], [[1600, 7.0, 0], [1723.0, 0, 0]])
    hits = deposits_to_hits(deposits, make_photons([0.0], [0.0]), PLAIN)
    assert hits.energy.sum() == pytest.approx(3.0)
    assert hits.n_hits == 14 + 5
    np.testing.assert_allclose(np.diff(hits.phi[:14] * hits.r[:14]), 0.5, atol=0.01)


def test_points_become_one_hit():
    deposits = make_deposits([[1600, 0, 5.0]], [[1600, 0, 5.0]])
    hits = deposits_to_hits(deposits, make_photons([0.0], [0.0]), PLAIN)
    assert hits.n_hits == 1
    assert hits.r[0] == 1600.0
    assert hits.eta[0] == pytest.approx(np.arcsinh(5.0 / 1600), abs=4e-6)


def test_hits_turn_with_the_photon():
    deposits = make_deposits([[1600, 3.0, 700]] * 3, [[1600, 3.0, 700]] * 3, n_events=3)
    hits = deposits_to_hits(deposits, make_photons([0.4] * 3, [0.0, 1.5, 3.14]), PLAIN)
    around = np.mod(hits.phi - hits.phi[0] + np.pi, 2 * np.pi) - np.pi
    np.testing.assert_allclose(around, [0.0, 1.5, 3.14], atol=1e-5)
    assert np.all(np.abs(hits.phi) < np.pi)
    assert np.all(hits.eta == hits.eta[0])


def test_negative_eta_is_the_mirror_image():
    deposits = make_deposits([[1600, 3.0, 700]] * 2, [[1600, 4.0, 710]] * 2, n_events=2)
    hits = deposits_to_hits(deposits, make_photons([0.4, -0.4], [0.3, 0.3]), PLAIN)
    half = hits.n_hits // 2
    np.testing.assert_array_equal(hits.eta[:half], -hits.eta[half:])
    np.testing.assert_array_equal(hits.phi[:half], hits.phi[half:])
    np.testing.assert_array_equal(hits.layer[:half], hits.layer[half:])


def test_deposits_outside_all_layers_are_dropped():
    deposits = make_deposits(
        [[1600, 0, 0], [2200, 0, 0], [1700, 0, 0]], [[1600, 0, 0], [2200, 0, 0], [1700, 0, 0]]
    )
    hits = deposits_to_hits(deposits, make_photons([0.0], [0.0]), PLAIN)
    np.testing.assert_allclose(hits.energy, [1.0, 2.0])
    np.testing.assert_array_equal(hits.event_offsets, [0, 2])


def test_energies_come_to_the_electromagnetic_scale():
    z = np.array([0.5, 1.0, 0.5, 0.5]) * [1600, 1600, 1430, 2400]
    points = np.stack([[1600, 1600, 1430, 2400], np.zeros(4), z], axis=1)
    sampling = SamplingFractions(presampler=0.1, thick_lead=0.2, thin_lead=0.25, tile=0.05)
    response = Response(sampling, gaps=None, modulation=None)
    deposits = make_deposits(points, points)
    hits = deposits_to_hits(deposits, make_photons([0.5], [0.0]), response)
    np.testing.assert_array_equal(hits.layer, [2, 2, 0, 12])
    np.testing.assert_allclose(hits.energy / deposits.energy, [5.0, 4.0, 10.0, 20.0], rtol=1e-6)


def test_modulation_follows_phi_of_the_hit():
    phi = np.array([0.0, 0.25, 0.5]) * PERIOD
    points = np.stack([1700 * np.cos(phi), 1700 * np.sin(phi), np.full(3, 300.0)], axis=1)
    modulated, plain = (
        deposits_to_hits(make_deposits(points, points), make_photons([0.2], [0.0]), response)
        for response in (Response(PLAIN.sampling, gaps=None), PLAIN)
    )
    expected = Response().modulation(2, phi)
    np.testing.assert_allclose(modulated.energy / plain.energy, expected, rtol=1e-3)


def test_gap_reduces_the_accordion_only():
    points = np.array([[1700.0, 0, 0], [1430.0, 0, 0]])
    response = Response(PLAIN.sampling, modulation=None)
    hits = deposits_to_hits(make_deposits(points, points), make_photons([0.0], [0.0]), response)
    np.testing.assert_allclose(hits.energy / [1.0, 2.0], [1.0 - response.gaps.depth[0], 1.0])


def test_sampling_fraction_refuses_zero():
    with pytest.raises(ValueError, match="`tile` must be in"):
        SamplingFractions(tile=0.0)
