"""Toy photon showers for tests: seeded, fast, with plausible layers and widths."""

import math

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.hits import Hits
from calovox.photons import Fixed, Photons, SignedUniform, draw_photons

LAYER_FRACTIONS = np.array([0.005, 0.2, 0.785, 0.008, 0.002])
LAYER_RADII = np.array([1441.0, 1530.0, 1740.0, 1930.0, 2380.0])
VISIBLE_FRACTION = 0.97


def toy_photons(
    n_events: int, *, energy: float | Float64[Array, " event"] = 65e3, seed: int = 1
) -> Photons:
    """Photons of either sign of eta, 0.05 < |eta| < 1.3; every third one is next to phi = +-pi."""
    photons = draw_photons(
        np.arange(n_events), energy=Fixed(65e3), eta=SignedUniform(0.05, 1.3), seed=seed
    )
    near_pi = np.where(np.arange(n_events) % 2 == 0, math.pi - 1e-3, -math.pi + 1e-3)
    phi = np.where(np.arange(n_events) % 3 == 0, near_pi, photons.phi)
    energies = np.broadcast_to(np.asarray(energy, dtype=np.float64), (n_events,)).copy()
    return Photons(energy=energies, eta=photons.eta, phi=phi, index=photons.index)


def toy_showers(
    n_events: int,
    *,
    n_hits: int = 1000,
    energy: float | Float64[Array, " event"] = 65e3,
    photons: Photons | None = None,
    seed: int = 1,
) -> Hits:
    """Showers of about n_hits hits each: a core of 10 mm and a halo of 50 mm round the photon.

    Hits are float32, in random order inside an event; the centres of EMB1 and EMB2 are shifted
    from the photon by about a millimetre, so that shower centre and photon differ.
    """
    rng = np.random.default_rng(seed)
    photons = toy_photons(n_events, energy=energy, seed=seed) if photons is None else photons
    sizes = np.maximum(rng.poisson(n_hits, len(photons)), 20)
    event = np.repeat(np.arange(len(photons)), sizes)
    shares = rng.dirichlet(300.0 * LAYER_FRACTIONS, len(photons))
    # every layer gets hits, in numbers that grow more slowly than its energy
    position = rng.choice(5, event.size, p=LAYER_FRACTIONS**0.5 / np.sum(LAYER_FRACTIONS**0.5))
    weight = rng.exponential(size=event.size)
    sums = np.bincount(5 * event + position, weights=weight, minlength=5 * len(photons))
    energies = VISIBLE_FRACTION * (photons.energy[:, None] * shares).ravel()
    hit_energy = weight * (energies / np.maximum(sums, 1e-300))[5 * event + position]

    radius = rng.exponential(np.where(rng.random(event.size) < 0.8, 10.0, 50.0))
    alpha = 2.0 * math.pi * rng.random(event.size)
    shift = rng.normal(scale=1.0, size=(2, len(photons)))[:, event]
    centre_radius = LAYER_RADII[position]
    # the note's J A is the layer's radius: d(eta) and d(phi) are lengths over the same radius
    eta = photons.eta[event] + (radius * np.cos(alpha) + shift[0]) / centre_radius
    phi = photons.phi[event] + (radius * np.sin(alpha) + shift[1]) / centre_radius
    phi = (phi + math.pi) % (2.0 * math.pi) - math.pi
    below_pi = np.nextafter(np.float32(math.pi), np.float32(0))
    phi = np.clip(phi.astype(np.float32), -below_pi, below_pi)
    return Hits(
        layer=np.asarray(BARREL_NUMBERS, dtype=np.uint8)[position],
        eta=eta.astype(np.float32),
        phi=phi,
        r=centre_radius.astype(np.float32),
        energy=hit_energy.astype(np.float32),
        event_offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        photons=photons,
    )
