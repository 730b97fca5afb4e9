"""Rates of the phi modulation on one core: apply and remove, profiles, replays, a whole fit.

Run with ``python -m bench.bench_phi_modulation``; ratios compare within this one run.
"""

import time

import numpy as np

from bench.timing import best_time, count, run
from calovox.phi_modulation import (
    PERIOD,
    PhiModulation,
    apply_phi_modulation,
    remove_phi_modulation,
)
from calovox.phi_modulation.fit import FitSettings, fit_phi_modulation
from calovox.phi_modulation.profile import hits_to_profiles, replay_profiles
from tests.toy_showers import toy_showers


def truth(layer, phase):
    return 1.0 + 0.1 * np.cos(2.0 * np.pi * phase / PERIOD)


def numpy_apply(hits, modulation):
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    factor = np.ones(hits.n_hits)
    for layer in range(4):
        chosen = hits.layer == layer
        factor[chosen] = modulation.factor(
            layer, hits.phi[chosen], np.abs(hits.photons.eta[event[chosen]])
        )
    return hits.energy * factor


def main():
    hits = toy_showers(count(400), n_hits=10_000, energy=200e3)
    modulation = PhiModulation.from_function(truth)
    reference = best_time(lambda: numpy_apply(hits, modulation))
    cases = {
        "apply": (lambda: apply_phi_modulation(hits, modulation), 1),
        "remove": (lambda: remove_phi_modulation(hits, modulation), 1),
        "profiles": (lambda: hits_to_profiles(hits), 1),
        "50 replays": (lambda: replay_profiles(hits, truth, copies=50, seed=1), 50),
    }
    print(f"plain numpy apply: {hits.n_hits / reference / 1e6:.1f} M hits/s")
    for name, (function, copies) in cases.items():
        seconds = best_time(function, repeats=3)
        rate = hits.n_hits * copies / seconds
        ratio = rate * reference / hits.n_hits
        print(f"{name}: {rate / 1e6:.1f} M hits/s, {ratio:.1f} x plain numpy")
    profiles = replay_profiles(hits, truth, copies=50, seed=1)
    start = time.perf_counter()
    fit_phi_modulation(profiles, FitSettings(steps=count(FitSettings.steps)))
    print(f"fit of {len(profiles)} showers: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    run(main)
