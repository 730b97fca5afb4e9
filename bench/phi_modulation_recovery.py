"""What the fit recovers of modulations that its model does not contain, in displaced cells.

Run with ``python -m bench.phi_modulation_recovery HITS [COPIES]``: hits of ``calovox geant4``
above 130 GeV. The generator's modulation is taken out, the bare showers are placed at random
azimuths among the cells of the displaced half barrels, each as often at every T, and get another
modulation: one with a sine part, one that depends on the depth of a hit in its layer, one that
differs in each half of |eta|. The fit sees energies alone. Half of the showers are fitted, the
others are judged. Prints the first harmonics of what was put in, averaged over the energy of the
hits, beside those that came back, and the standard deviation of E_tot(T) before and after.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.timing import run
from calovox.geant4.truth import read_true_modulation
from calovox.geometry import BARREL_NAMES, aligned_barrel_cells, layer_radius, wrap_phi
from calovox.hits import HitsReader
from calovox.phi_modulation import MODULATED_LAYERS, PERIOD, center_phases
from calovox.phi_modulation.fit import FitSettings, fit_phi_modulation
from calovox.phi_modulation.phases import phi_in_cells
from calovox.phi_modulation.profile import concatenate_profiles, hits_to_profiles
from calovox.voxelization import shower_centers

SEED = 78
N_PHASES = 25
MOST_HITS = 1000
CELLS = aligned_barrel_cells()
COSINE = {0: 0.02, 1: 0.09, 2: 0.09, 3: 0.05}
SETTINGS = FitSettings(eta_edges=(0.0, 1.4), n_phases=N_PHASES)

# of the layer, Y in units of an angle, depth from -1 to 1 in mm over 100, and |eta| of the photon
MODULATIONS = {
    "cosine": lambda a, y, depth, abs_eta: 1.0 + a * np.cos(y),
    "with a sine part": lambda a, y, depth, abs_eta: 1.0 + a * (np.cos(y) + 0.4 * np.sin(y)),
    "by depth": lambda a, y, depth, abs_eta: 1.0 + a * (1.0 + 0.5 * depth) * np.cos(y),
    "by half of |eta|": lambda a, y, depth, abs_eta: (
        1.0 + a * np.where(abs_eta < 0.7, 0.7, 1.3) * np.cos(y)
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hits", type=Path, help="hits of calovox geant4 above 130 GeV")
    parser.add_argument("copies", type=int, nargs="?", default=50, help="azimuths of each shower")
    arguments = parser.parse_args()
    path, copies = arguments.hits, arguments.copies
    truth = read_true_modulation(path)
    showers = [thinned(bare(hits, truth)) for hits in HitsReader(path).batches()]
    for name, function in MODULATIONS.items():
        fitted, judged, put_in = [], [], np.zeros((len(MODULATED_LAYERS), 3))
        for copy in range(copies):
            for hits in showers:
                moved, sums = modulated(placed(hits, copy, copies), function)
                half = len(moved) // 2
                fitted.append(hits_to_profiles(moved[:half], cells=CELLS))
                judged.append(hits_to_profiles(moved[half:], cells=CELLS))
                put_in += sums
        result = fit_phi_modulation(concatenate_profiles(fitted), SETTINGS)
        print_result(name, put_in, result, concatenate_profiles(judged))


def bare(hits, truth):
    """Take out the generator's modulation, which counts in the built-in barrel."""
    if truth is None:
        return hits
    factor = np.ones(hits.n_hits)
    for layer in MODULATED_LAYERS:
        chosen = hits.layer == layer
        factor[chosen] = truth(layer, hits.phi[chosen])
    return replace(hits, energy=(hits.energy / factor).astype(np.float32))


def thinned(hits):
    """Stand for the hits of each layer by fewer of equal energy: chosen by energy."""
    rng = np.random.default_rng(SEED)
    chosen, energies, sizes = [], [], []
    for start, stop in zip(hits.event_offsets[:-1], hits.event_offsets[1:], strict=True):
        rows_of_event = []
        for layer in np.unique(hits.layer[start:stop]):
            rows = start + np.flatnonzero(hits.layer[start:stop] == layer)
            weight = hits.energy[rows].astype(np.float64)
            n = min(len(rows), MOST_HITS)
            rows_of_event.append(rng.choice(rows, n, p=weight / weight.sum()))
            energies.append(np.full(n, weight.sum() / n))
        chosen += rows_of_event
        sizes.append(sum(map(len, rows_of_event)))
    rows = np.concatenate(chosen)
    return replace(
        hits,
        layer=hits.layer[rows],
        eta=hits.eta[rows],
        phi=hits.phi[rows],
        r=hits.r[rows],
        energy=np.concatenate(energies).astype(np.float32),
        event_offsets=np.concatenate([[0], np.cumsum(sizes)]),
    )


def placed(hits, copy, copies):
    """Turn each shower to a random azimuth where T has a given value: copies cover the period."""
    rng = np.random.default_rng((SEED, copy, int(hits.photons.index[0])))
    eta, phi = shower_centers(hits)
    azimuth = rng.uniform(-np.pi, np.pi, len(hits))
    azimuth += (copy + 0.5) / copies * PERIOD - center_phases(eta, azimuth, CELLS)
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    moved = wrap_phi(hits.phi + (azimuth - phi)[event])
    photons = replace(hits.photons, phi=wrap_phi(hits.photons.phi + azimuth - phi))
    return replace(hits, phi=moved, photons=photons)


def modulated(hits, function):
    """Put a modulation in; also return sums of E, and of E times the first harmonics of g."""
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    abs_eta = np.abs(hits.photons.eta)[event]
    y = 2.0 * np.pi / PERIOD * phi_in_cells(hits.layer, hits.eta, hits.phi, CELLS)
    factor = np.ones(hits.n_hits)
    sums = np.zeros((len(MODULATED_LAYERS), 3))
    angles = 2.0 * np.pi * (np.arange(8) + 0.5) / 8
    for row, layer in enumerate(MODULATED_LAYERS):
        chosen = np.flatnonzero(hits.layer == layer)
        depth = (hits.r[chosen] - layer_radius(layer, hits.eta[chosen])) / 100.0
        depth = np.clip(depth, -1.0, 1.0)
        energy = hits.energy[chosen].astype(np.float64)
        factor[chosen] = function(COSINE[layer], y[chosen], depth, abs_eta[chosen])
        sums[row, 0] = energy.sum()
        for angle in angles:
            g = function(COSINE[layer], angle, depth, abs_eta[chosen])
            sums[row, 1:] += np.sum(energy * g) / 4.0 * np.array([np.cos(angle), np.sin(angle)])
    return replace(hits, energy=(hits.energy * factor).astype(np.float32)), sums


def print_result(name, put_in, result, judged):
    print(f"{name}, {sum(result.n_showers)} placed showers")
    curves = result.modulation.values[0]
    angles = 2.0 * np.pi * result.modulation.phases / PERIOD
    for row, layer in enumerate(MODULATED_LAYERS):
        cosine, sine = put_in[row, 1:] / put_in[row, 0]
        found = [2.0 * (curves[row] * wave(angles)).mean() for wave in (np.cos, np.sin)]
        print(
            f"  {BARREL_NAMES[layer]}: cosine {cosine:.4f}, found {found[0]:.4f}; sine "
            f"{sine:.4f}, found {found[1]:.4f}"
        )
    before = response_spread(judged.energy, judged.center_phase)
    after = response_spread(judged.energy / curves, judged.center_phase)
    print(f"  std of E_tot(T) of other showers: {before:.3%} to {after:.3%}")
    for line in result.warnings:
        print(f"  {line}")


def response_spread(energy, phase):
    bins = np.minimum(phase / PERIOD * N_PHASES, N_PHASES - 1).astype(int)
    sums = np.bincount(bins, energy.sum(axis=(1, 2)), N_PHASES)
    means = sums / np.bincount(bins, minlength=N_PHASES)
    return means.std() / means.mean()


if __name__ == "__main__":
    run(main)
