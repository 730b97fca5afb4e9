"""Rates of hits to voxels on one core, against plain numpy and the slow twin.

Run from the repository: ``python -m bench.bench_voxelize``; ratios are of one run, rates
per second of processor time.
"""

from pathlib import Path
from typing import Any

import numpy as np

from bench.timing import best_time, count, run
from calovox.geometry import layer_radius, to_polar
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.hits import Hits
from calovox.voxelization import VoxelGrid, hits_to_voxels, shower_centers
from tests.reference.voxelize import slow_voxels
from tests.toy_showers import toy_showers

COARSE = Path(__file__).parents[1] / "grids" / "coarse.toml"
N_SLOW = 2


def voxelize_with_numpy(hits: Hits, grid: VoxelGrid) -> Any:
    """Whole-array numpy around the compiled look-up: the sums without the rules for negatives."""
    event = np.repeat(np.arange(len(hits)), np.diff(hits.event_offsets))
    eta, phi = shower_centers(hits)
    radii = np.zeros((13, len(hits)))
    for layer in BARREL_NUMBERS:
        radii[layer] = layer_radius(layer, eta)
    polar = to_polar(hits.eta, hits.phi, eta[event], phi[event], radii[hits.layer, event])
    voxel = grid.find(hits.layer, *polar)
    inside = voxel >= 0
    flat = event[inside] * grid.n_voxels + voxel[inside]
    sums = np.bincount(flat, hits.energy[inside], len(hits) * grid.n_voxels)
    return (sums.reshape(len(hits), -1) / hits.photons.energy[:, None]).astype(np.float32)


def main() -> None:
    hits = toy_showers(count(500), n_hits=count(8000))
    print(f"{len(hits)} showers, {hits.n_hits} hits, centres of the hits included")
    for grid in (VoxelGrid.optimal(), VoxelGrid.regular(), VoxelGrid.from_toml(COARSE)):
        rate = hits.n_hits / best_time(lambda g=grid: hits_to_voxels(hits, g))
        numpy = hits.n_hits / best_time(lambda g=grid: voxelize_with_numpy(hits, g), repeats=2)
        some = hits[:N_SLOW]
        slow = some.n_hits / best_time(lambda g=grid, h=some: slow_voxels(h, g, "hits"), repeats=1)
        print(
            f"hits to voxels, {grid.name:8s} ({grid.n_voxels:4d}): {rate / 1e6:5.1f} M hits/s, "
            f"{rate / numpy:.1f} x numpy, {rate / slow:.0f} x the twin"
        )
    photon = best_time(lambda: hits_to_voxels(hits, VoxelGrid.optimal(), center="photon"))
    print(f"around the photon's direction:  {hits.n_hits / photon / 1e6:5.1f} M hits/s")
    centers = best_time(lambda: shower_centers(hits))
    print(f"shower centres alone:           {hits.n_hits / centers / 1e6:5.1f} M hits/s")


if __name__ == "__main__":
    run(main)
