"""Where barycentres of cells lie about the impacts of photons, by what places the showers.

Run with ``python -m bench.shower_centers CENTERS FILE...``: a file of ``calovox train centers``,
and hits files or datasets with cells of showers that it was not fitted to. The voxels of Geant4's
showers are placed at their own centres (what voxels lose), at the photons, about them as the file
says, and, of hits, with voxels round the photon (``--center photon``). Prints the bias in standard
deviations of Geant4 and the width over that of Geant4, of the energy-weighted mean of all cells
less the impact, in EMB1 and EMB2. The bias is that of the median, the width half of the central
68 %; uncertainties are from resampled showers.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.timing import run
from calovox.binned_shower import read_sub_voxels
from calovox.dataset import DatasetReader
from calovox.files.formats import detect_format
from calovox.geometry import barrel_cells, wrap_phi
from calovox.hits import read_hits
from calovox.models.centers import CenterModel
from calovox.models.centers.model import RADIUS
from calovox.reconstruction import hits_to_cells
from calovox.simulation.centers import draw_centers
from calovox.simulation.simulate import simulate_voxels
from calovox.voxelization import VoxelGrid, hits_to_voxels

SAMPLE = Path(__file__).resolve().parents[1] / "sample"
CELLS = barrel_cells()
GRID = VoxelGrid.optimal()
SEEDS = (1, 2)
BATCH = 300
LOWEST, HIGHEST = 8, 21


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("centers", type=Path, help="a file of calovox train centers")
    parser.add_argument("showers", type=Path, nargs="+", help="hits, or datasets with cells")
    arguments = parser.parse_args()
    model = CenterModel.read(arguments.centers)
    probabilities = read_sub_voxels(SAMPLE / "sub_voxels_optimal.root", GRID)
    for path in arguments.showers:
        voxels, cells, samples = open_showers(path)
        reference = barycentres(cells, voxels)
        samples["as the file says"] = voxels
        found = {}
        for label, showers in samples.items():
            parts = []
            for seed in SEEDS:
                batches = [showers[i : i + BATCH] for i in range(0, len(showers), BATCH)]
                if label == "as the file says":
                    batches = draw_centers(batches, model, seed=seed)
                results = simulate_voxels(batches, probabilities, seed=seed, table=CELLS)
                parts.append(np.concatenate([barycentres(r.cells, r.voxels) for r in results]))
            found[label] = np.stack(parts)
        print(path)
        octave = np.floor(np.log2(voxels.incident_energy) + 0.01).astype(int)
        for low in range(LOWEST, HIGHEST):
            chosen = octave == low
            if chosen.sum() >= 40:
                print_octave(low, chosen, reference, found)


def open_showers(path):
    """Give voxels round the centres of hits, cells, and what to place."""
    if detect_format(path) == "hits":
        hits = read_hits(path)
        voxels = hits_to_voxels(hits, GRID)
        cells = hits_to_cells(hits, CELLS)
        others = {"voxels round the photon": hits_to_voxels(hits, GRID, center="photon")}
    else:
        reader = DatasetReader(path)
        voxels, cells, others = reader.read(), reader.cells(slice(None)), {}
    at_photon = replace(voxels, eta_center=voxels.photon_eta, phi_center=voxels.photon_phi)
    return voxels, cells, {"own centres": voxels, "at the photon": at_photon, **others}


def barycentres(cells, voxels):
    """Energy-weighted mean of the cells less the impact in mm: [event, layer, axis]."""
    result = np.empty((len(voxels), 2, 2))
    event, rows = cells.event, cells.cell
    away = np.where(voxels.photon_eta < 0, -1.0, 1.0)
    for place, layer in enumerate((1, 2)):
        inside = CELLS.layer[rows] == layer
        weight = np.where(inside, cells.energy, 0.0)
        total = np.bincount(event, weight, len(voxels))
        total = np.where(total > 0, total, np.nan)
        eta = weight * (CELLS.eta[rows] - voxels.photon_eta[event])
        phi = weight * wrap_phi(CELLS.phi[rows] - voxels.photon_phi[event])
        result[:, place, 0] = away * np.bincount(event, eta, len(voxels)) / total
        result[:, place, 1] = np.bincount(event, phi, len(voxels)) / total
    return RADIUS * result


def print_octave(low, chosen, reference, found):
    print(f"  {2**low} to {2 ** (low + 1)} MeV, {chosen.sum()} showers")
    for label, values in found.items():
        texts = []
        for layer, axis in ((0, 0), (0, 1), (1, 0), (1, 1)):
            real, drawn = reference[chosen, layer, axis], values[:, chosen, layer, axis]
            bias, width = compared(real, drawn)
            errors = resampled(real, drawn)
            texts.append(
                f"{'EMB1' if layer == 0 else 'EMB2'} {'phi' if axis else 'eta'} {bias:+.2f} +- "
                f"{errors[0]:.2f}, {width:.2f} +- {errors[1]:.2f}"
            )
        print(f"    {label}: " + "; ".join(texts))


def compared(real, drawn):
    spread = width_of(real)
    return (np.nanmedian(drawn) - np.nanmedian(real)) / spread, width_of(drawn) / spread


def width_of(values):
    low, high = np.nanquantile(values, [0.16, 0.84])
    return 0.5 * (high - low)


def resampled(real, drawn):
    rng = np.random.default_rng(5)
    rows = [rng.integers(0, len(real), len(real)) for _ in range(100)]
    return np.std([compared(real[row], drawn[:, row]) for row in rows], axis=0)


if __name__ == "__main__":
    run(main)
