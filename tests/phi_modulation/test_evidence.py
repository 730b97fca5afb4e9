"""Which fitted curves are believed: noise is not, and a sine part only where it is seen."""

import numpy as np
import pytest

from calovox.phi_modulation.evidence import weigh_curves

N_BINS = 50
Y = 2.0 * np.pi * (np.arange(N_BINS) + 0.5) / N_BINS


def fits_of(curve, noise, *, n_layers=1, n_samples=20, seed=1):
    """Fits to showers and to bootstrap samples: smooth noise of the same size in all."""
    rng = np.random.default_rng(seed)
    terms = np.stack([wave(k * Y) for k in (1, 2, 3) for wave in (np.cos, np.sin)])
    noises = noise * rng.normal(size=(n_samples + 1, n_layers, len(terms))) @ terms
    noises[1:] += noises[0]  # bootstrap samples scatter round the fit to all showers
    return 1.0 + curve + noises


def test_noise_alone_is_no_curve():
    evidence = weigh_curves(fits_of(0.0, 0.03, n_layers=400))
    assert np.mean(evidence.constrained) < 0.03
    assert np.all(evidence.curves[~evidence.constrained] == 1.0)


def test_noise_alone_is_no_sine_part():
    evidence = weigh_curves(fits_of(0.1 * np.cos(Y), 0.003, n_layers=400))
    assert np.all(evidence.constrained)
    symmetric = np.all(evidence.curves == evidence.curves[:, ::-1], axis=1)
    assert np.mean(symmetric) > 0.97


def test_symmetric_curve_has_half_of_the_noise():
    fits = fits_of(0.1 * np.cos(Y), 0.003, n_layers=100)
    evidence = weigh_curves(fits)
    before = fits[1:].var(axis=0, ddof=1).mean()
    assert (evidence.uncertainties**2).mean() == pytest.approx(0.5 * before, rel=0.15)


def test_sine_part_that_is_seen_is_kept_whole():
    curve = 0.09 * np.cos(Y) + 0.036 * np.sin(Y)
    evidence = weigh_curves(fits_of(curve, 0.001))
    assert evidence.curves[0] == pytest.approx(1.0 + curve, abs=0.006)
    assert "keeps a sine part" in evidence.notes(0)[0]


def test_sine_alone_is_a_curve():
    assert weigh_curves(fits_of(0.05 * np.sin(Y), 0.002)).constrained[0]


def test_what_is_not_constrained_keeps_its_uncertainty_and_is_named():
    evidence = weigh_curves(fits_of(0.05 * np.cos(Y), 0.1))
    assert not evidence.constrained[0]
    assert evidence.uncertainties.mean() > 0.05
    assert "does not constrain the curve, which is set to 1" in evidence.notes(0)[0]


def test_two_samples_say_less_than_twenty():
    curve = 0.1 * np.cos(Y)
    many, few = (fits_of(curve, 0.015, n_layers=40, n_samples=n) for n in (20, 2))
    assert weigh_curves(many).constrained.mean() > 0.9
    assert weigh_curves(few).constrained.mean() < 0.3
