"""How well learned curves undo a known modulation, on showers that the fit has not seen.

Run with ``python -m bench.phi_modulation_closure CURVE TEST_HITS [COPIES]``: curves of
``calovox phi-modulation fit``, and hits of ``calovox geant4`` from another seed. Prints the
distance of the curves from the generator's, the amplitude of E_tot(T) before and after their
removal, and the curves that a fit finds in the same test showers without any modulation.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.timing import run
from calovox.geant4 import TruePhiModulation
from calovox.geometry import BARREL_NAMES
from calovox.hits import HitsReader
from calovox.phi_modulation import MODULATED_LAYERS, PhiModulation
from calovox.phi_modulation.curve_file import read_curve
from calovox.phi_modulation.fit import FitSettings, fit_phi_modulation, mean_profiles
from calovox.phi_modulation.profile import concatenate_profiles, replay_profiles

SEED = 77
N_PHASES = 50


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("curve", type=Path, help="curves of calovox phi-modulation fit")
    parser.add_argument("hits", type=Path, help="hits of calovox geant4, from another seed")
    parser.add_argument("copies", type=int, nargs="?", default=50, help="azimuths of each shower")
    arguments = parser.parse_args()
    curve, reader, copies = (
        read_curve(arguments.curve),
        HitsReader(arguments.hits),
        arguments.copies,
    )
    truth = TruePhiModulation.from_dict(reader.phi_modulation)
    modulated, bare = [], []
    for hits in reader.batches():
        modulated.append(replay_profiles(hits, truth, copies=copies, seed=SEED))
        bare.append(without_modulation(hits, truth, copies))
    print_distances(curve, PhiModulation.from_function(truth))
    print_amplitudes(curve, concatenate_profiles(modulated))
    print_flat_fit(concatenate_profiles(bare))


def without_modulation(hits, truth, copies):
    """Take the true modulation out and replay the bare showers."""
    factor = np.ones(hits.n_hits)
    for layer in MODULATED_LAYERS:
        chosen = hits.layer == layer
        factor[chosen] = truth(layer, hits.phi[chosen])
    bare = replace(hits, energy=(hits.energy / factor).astype(np.float32))
    return replay_profiles(
        bare, lambda layer, phase: np.ones_like(phase), copies=copies, seed=SEED
    )


def print_distances(curve, truth):
    print("rms difference of learned and true curve, in % of the true amplitude")
    for row, (low, high) in enumerate(zip(curve.eta_edges, curve.eta_edges[1:], strict=False)):
        rms = np.sqrt(((curve.values[row] - truth.values[0]) ** 2).mean(axis=1))
        shares = 100 * rms / truth.amplitude[0]
        names = [BARREL_NAMES[layer] for layer in MODULATED_LAYERS]
        text = ", ".join(f"{n} {s:.1f}" for n, s in zip(names, shares, strict=True))
        print(f"  {low:g} <= |eta| < {high:g}: {text}")


def print_amplitudes(curve, profiles):
    print(f"E_tot(T) of {len(profiles)} placed test showers, amplitude of the first harmonic")
    ranges = curve.eta_range(profiles.abs_eta)
    phases = 2.0 * np.pi * (np.arange(N_PHASES) + 0.5) / N_PHASES
    for row in np.unique(ranges):
        chosen = profiles[ranges == row]
        means = mean_profiles(chosen, N_PHASES, np.ones((1, len(chosen))))[0]
        before = means.sum(axis=(1, 2))
        after = (means / curve.values[row]).sum(axis=(1, 2))
        first = [2 * abs(np.mean(e / e.mean() * np.exp(1j * phases))) for e in (before, after)]
        spread = [e.std() / e.mean() for e in (before, after)]
        print(
            f"  range {row}: {100 * first[0]:.3f} % to {100 * first[1]:.3f} % "
            f"({first[0] / first[1]:.1f} times less), std {100 * spread[0]:.3f} % to "
            f"{100 * spread[1]:.3f} %"
        )


def print_flat_fit(profiles):
    print(f"fit to {len(profiles)} placed test showers without modulation")
    settings = FitSettings(eta_edges=(0.0, 1.4))
    result = fit_phi_modulation(profiles, settings)
    for row, layer in enumerate(MODULATED_LAYERS):
        off = np.sqrt(((result.modulation.values[0, row] - 1.0) ** 2).mean())
        error = np.sqrt((result.modulation.uncertainties[0, row] ** 2).mean())
        print(f"  {BARREL_NAMES[layer]}: rms of g - 1 is {off:.4f}, uncertainty {error:.4f}")


if __name__ == "__main__":
    run(main)
