"""Toy showers in one or a few samples of a parametrisation, and fits to them."""

from dataclasses import replace
from functools import cache

import numpy as np

from calovox.models.parametric.fit import fit_parametric
from calovox.photons import Fixed, LogUniform, SignedUniform, draw_photons
from tests.toy_showers import toy_showers

ENERGY = 2.0**12
ETA_RANGE = (0.2, 0.25)


@cache
def spread_showers(n_events, *, energies=(ENERGY, ENERGY), eta=(0.22, 0.23), first=0, seed=2):
    """Showers whose total energy, share of EMB1 and width vary together: so do the bins' shapes.

    Every other one has no energy in TileBar0.
    """
    low, high = energies
    photons = draw_photons(
        np.arange(first, first + n_events),
        energy=Fixed(low) if low == high else LogUniform(low, high),
        eta=SignedUniform(*eta),
        seed=seed,
    )
    hits = toy_showers(n_events, n_hits=80, photons=photons, seed=seed)
    event = np.repeat(np.arange(n_events), np.diff(hits.event_offsets))
    rng = np.random.default_rng(seed)
    spread = 1.0 + 0.1 * rng.standard_normal(n_events)
    factor = np.clip(spread, 0.3, None)[event] * np.where(hits.layer == 1, spread[event], 1.0)
    factor[(hits.layer == 12) & (event % 2 == 0)] = 0.0
    hits = replace(hits, energy=(hits.energy * factor).astype(np.float32))
    return _widen(hits, np.clip(3.0 * spread - 2.0, 0.4, 1.6)[event])


def _widen(hits, factor):
    """Move hits away from their photons."""
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    eta, phi = hits.photons.eta[event], hits.photons.phi[event]
    distance = (hits.phi - phi + np.pi) % (2.0 * np.pi) - np.pi
    moved = (phi + factor * distance + np.pi) % (2.0 * np.pi) - np.pi
    below_pi = np.nextafter(np.float32(np.pi), np.float32(0))
    return replace(
        hits,
        eta=(eta + factor * (hits.eta - eta)).astype(np.float32),
        phi=np.clip(moved.astype(np.float32), -below_pi, below_pi),
    )


@cache
def fitted_model(n_events=1500):
    """A parametrisation of one sample."""
    hits = spread_showers(n_events)
    return fit_parametric(lambda title: [hits], eta_range=ETA_RANGE)
