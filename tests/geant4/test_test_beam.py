"""Geant4 against published numbers, and the detector against the ranges it was built for."""

import math

import numpy as np
import pytest

from calovox.geant4 import Geant4Settings, simulate_hits
from calovox.geant4.engine import ELECTRON, build_simulation
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.photons import Photons

N_LAYERS = 50
ABSORBER, GAP, WIDTH = 2.3, 5.7, 400.0
PUBLISHED = {"Absorber": 6722.95, "Gap": 2571.75}
"""Mean energies in MeV of 10 GeV electrons: Geant4 and HepEmShow, https://hepemshow.readthedocs.io"""


def lead_tungstate_stack():
    """Fifty layers of PbWO4 and liquid argon along x; lengths in cm."""
    volumes = {}
    for layer in range(N_LAYERS):
        start = layer * (ABSORBER + GAP)
        for name, offset, thickness, material in (
            ("Absorber", 0.0, ABSORBER, "G4_PbWO4"),
            ("Gap", ABSORBER, GAP, "G4_lAr"),
        ):
            volumes[f"{name}{layer}"] = {
                "material": material,
                "role": "record_deposits",
                "box": [thickness / 10, WIDTH / 10, WIDTH / 10],
                "position": [(start + offset + 0.5 * thickness) / 10, 0.0, 0.0],
            }
    return {"World": {"material": "G4_Galactic", "box": [200.0, 100.0, 100.0]} | volumes}


@pytest.mark.slow
def test_lead_tungstate_stack_agrees_with_published_numbers(geant4_data):
    """The bound of 1.5 % is 5 standard errors of 200 events in the absorber, 5 in the gap."""
    import calzone

    n_events = 200
    simulation = build_simulation(lead_tungstate_stack(), cut=0.7)
    particles = calzone.particles(n_events, pid=ELECTRON, energy=10e3)
    particles["position"] = [-0.1, 0.0, 0.0]
    particles["direction"] = [1.0, 0.0, 0.0]
    positions = np.stack([np.arange(n_events), np.zeros(n_events)], axis=1).astype(np.uint64)
    deposits = simulation.run(particles, random_indices=positions).deposits
    for name, published in PUBLISHED.items():
        energy = np.zeros(n_events)
        for volume, recorded in deposits.items():
            if volume.split(".")[-1].startswith(name):
                for rows in (recorded.line, recorded.point):
                    energy += np.bincount(rows["event"].astype(int), rows["value"], n_events)
        error = energy.std(ddof=1) / math.sqrt(n_events)
        assert error / published < 0.005
        assert energy.mean() == pytest.approx(published, rel=0.015)


@pytest.mark.slow
def test_layer_fractions_of_65_gev_photons(engine):
    n_events = 30
    rng = np.random.default_rng(1)
    photons = Photons(
        energy=np.full(n_events, 65e3),
        eta=rng.uniform(0.2, 0.25, n_events),
        phi=rng.uniform(-np.pi, np.pi, n_events),
        index=np.arange(n_events),
    )
    hits = simulate_hits(engine, photons, Geant4Settings(seed=2))
    total = hits.energy.sum(dtype=np.float64)
    fractions = [hits.energy[hits.layer == layer].sum() / total for layer in BARREL_NUMBERS]
    limits = [(0.003, 0.04), (0.10, 0.30), (0.65, 0.85), (0.0, 0.04), (0.0, 0.005)]
    for fraction, (low, high) in zip(fractions, limits, strict=True):
        assert low <= fraction <= high
    event = np.repeat(np.arange(n_events), np.diff(hits.event_offsets))
    sums = np.bincount(event, hits.energy, n_events)
    assert sums.mean() / 65e3 == pytest.approx(0.98, abs=0.02)
    assert sums.std(ddof=1) / sums.mean() * math.sqrt(65) < 0.16
