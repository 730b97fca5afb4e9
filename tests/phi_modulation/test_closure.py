"""Modulations that the fit's model does not contain, in displaced cells: what comes back.

Each shower is placed once, anywhere; nothing of the modulation but the energies reaches the fit.
"""

from dataclasses import replace

import numpy as np
import pytest

from calovox.geometry import aligned_barrel_cells
from calovox.phi_modulation import (
    MODULATED_LAYERS,
    PERIOD,
    apply_phi_modulation,
    remove_phi_modulation,
)
from calovox.phi_modulation.fit import FitSettings, fit_phi_modulation
from calovox.phi_modulation.profile import hits_to_profiles
from tests.toy_showers import LAYER_FRACTIONS, toy_photons, toy_showers

CELLS = aligned_barrel_cells()
COSINE = np.array([0.02, 0.09, 0.09, 0.05])
FIT = FitSettings(eta_edges=(0.0, 1.4), n_phases=20, steps=600, learning_rate=6e-3, n_bootstrap=10)


def symmetric(row, y, depth, abs_eta):
    return 1.0 + COSINE[row] * np.cos(y)


def with_sine(row, y, depth, abs_eta):
    return 1.0 + COSINE[row] * (np.cos(y) + 0.4 * np.sin(y))


def with_depth(row, y, depth, abs_eta):
    return 1.0 + COSINE[row] * (1.0 + 0.5 * depth) * np.cos(y)


def with_eta(row, y, depth, abs_eta):
    return 1.0 + COSINE[row] * np.where(abs_eta < 0.7, 0.7, 1.3) * np.cos(y)


def bare_showers(n_events, seed):
    """Toy showers anywhere round the detector whose layers have the same energy in all."""
    rng = np.random.default_rng(seed)
    photons = toy_photons(n_events, energy=200e3, seed=seed)
    photons = replace(photons, phi=rng.uniform(-np.pi, np.pi, n_events))
    hits = toy_showers(n_events, n_hits=150, photons=photons, seed=seed)
    cell = 5 * events_of(hits) + np.minimum(hits.layer, 4)
    sums = np.bincount(cell, hits.energy, minlength=5 * n_events)
    wanted = (photons.energy[:, None] * LAYER_FRACTIONS).ravel()
    scale = (wanted / np.maximum(sums, 1e-9))[cell]
    return replace(hits, energy=(hits.energy * scale).astype(np.float32))


def events_of(hits):
    return np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))


def modulate(hits, g, seed):
    """Put g(layer, Y, depth, |eta|) into the energies; Y from the cells, the slow way."""
    depth = np.random.default_rng(seed).uniform(-1.0, 1.0, hits.n_hits)
    rows = CELLS.lookup().find(hits.layer, hits.eta, hits.phi)
    y = 2.0 * np.pi * (hits.phi.astype(np.float64) - CELLS.phi[rows]) / PERIOD
    abs_eta = np.abs(hits.photons.eta)[events_of(hits)]
    factor = np.ones(hits.n_hits)
    for row, layer in enumerate(MODULATED_LAYERS):
        chosen = (hits.layer == layer) & (rows >= 0)
        factor[chosen] = g(row, y[chosen], depth[chosen], abs_eta[chosen])
    return replace(hits, energy=(hits.energy * factor).astype(np.float32))


def waves(curves):
    y = 2.0 * np.pi * (np.arange(50) + 0.5) / 50
    return 2.0 * (curves * np.cos(y)).mean(1), 2.0 * (curves * np.sin(y)).mean(1)


def response_spread(hits):
    """std of E(T) over its mean in twenty bins of T."""
    profiles = hits_to_profiles(hits, cells=CELLS)
    bins = (profiles.center_phase / PERIOD * 20).astype(int)
    energy = profiles.energy.sum(axis=(1, 2))
    means = np.bincount(bins, energy, 20) / np.bincount(bins, minlength=20)
    return means.std() / means.mean()


@pytest.fixture(scope="module")
def bare():
    return bare_showers(1000, seed=3), bare_showers(600, seed=4)


@pytest.mark.parametrize("g", [symmetric, with_sine, with_depth, with_eta])
def test_mean_modulation_comes_back_and_other_showers_become_flat(bare, g):
    fitted, others = (modulate(hits, g, seed=5) for hits in bare)
    result = fit_phi_modulation(hits_to_profiles(fitted, cells=CELLS), FIT)
    cosine, sine = waves(result.modulation.values[0])
    is_even = g in (symmetric, with_sine)  # else hits or showers differ, and are few
    assert cosine[1:3] == pytest.approx(COSINE[1:3], rel=0.05 if is_even else 0.12)
    expected = 0.4 * COSINE[1:3] if g is with_sine else np.zeros(2)
    assert sine[1:3] == pytest.approx(expected, abs=0.004 if is_even else 0.012)
    removed = remove_phi_modulation(others, result.modulation, CELLS)
    assert response_spread(removed) < (0.1 if is_even else 0.3) * response_spread(others)
    again = apply_phi_modulation(removed, result.modulation, CELLS)
    assert again.energy == pytest.approx(others.energy, rel=1e-6)


def test_displaced_cells_hide_the_modulation_from_a_fit_that_does_not_know_them(bare):
    fitted = modulate(bare[0], symmetric, seed=5)
    cosine, _ = waves(fit_phi_modulation(hits_to_profiles(fitted), FIT).modulation.values[0])
    assert np.all(np.abs(cosine[1:3]) < 0.4 * COSINE[1:3])


def test_symmetry_weight_takes_half_of_a_sine_part(bare):
    fitted = hits_to_profiles(modulate(bare[0], with_sine, seed=5), cells=CELLS)
    pulled = fit_phi_modulation(fitted, replace(FIT, symmetry_weight=1.0))
    _, sine = waves(pulled.modulation.values[0])
    assert np.all(sine[1:3] < 0.8 * 0.4 * COSINE[1:3])
