"""Rates of BinnedShower on one core: voxels to hits, and how much faster it is than its twin.

Run from the repository: ``python -m bench.bench_binned_shower``; ratios are of one run.
"""

import time

import numpy as np

from bench.timing import best_time, count, run
from calovox.binned_shower import (
    ShowerLibrary,
    SubVoxelProbabilities,
    average_sub_voxels,
    voxels_to_hits,
)
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels
from tests.reference.placement import voxels_to_hits_twin
from tests.toy_showers import toy_photons, toy_showers


def twin_rate(one: Voxels, table: SubVoxelProbabilities) -> float:
    n_hits = voxels_to_hits(one, table, seed=1).n_hits
    return n_hits / best_time(lambda: voxels_to_hits_twin(one, table, 1), repeats=2)


def bench_placement(voxels: Voxels, table: SubVoxelProbabilities, twin: float) -> None:
    for name, probabilities in (("sub-voxel probabilities", table), ("uniform", None)):
        hits = voxels_to_hits(voxels, probabilities, seed=1)
        rate = hits.n_hits / best_time(lambda p=probabilities: voxels_to_hits(voxels, p, seed=1))
        print(
            f"voxels to hits, {name}: {rate / 1e6:.1f} M hits/s, "
            f"{hits.n_hits / len(voxels):.0f} hits per shower, {rate / twin:.0f} x the twin"
        )
    back = hits.n_hits / best_time(lambda: hits_to_voxels(hits, voxels.grid))
    print(f"hits to voxels of the same hits: {back / 1e6:.1f} M hits/s")


def bench_matching(voxels: Voxels) -> None:
    copies = 10
    many = voxels[np.tile(np.arange(len(voxels)), copies)]
    photons = toy_photons(len(many), seed=3)
    library = ShowerLibrary(many)
    for name, match in (
        ("nearest", lambda: library.match_nearest(photons)),
        ("random", lambda: library.match_random(photons, seed=1)),
    ):
        rate = len(photons) / best_time(match, repeats=3)
        print(f"match {name} among {len(many)} showers: {rate / 1e3:.0f} k photons/s")


def main() -> None:
    grid = VoxelGrid.optimal()
    twin = 0.0
    for energy in (65e3, 1e6):
        reference = toy_showers(count(300), n_hits=count(5000), energy=energy)
        voxels = hits_to_voxels(reference, grid)
        start = time.perf_counter()
        table = average_sub_voxels([reference], grid)
        seconds = time.perf_counter() - start
        rate = reference.n_hits / seconds
        print(f"{energy / 1e3:g} GeV: average showers from {rate / 1e6:.1f} M hits/s")
        twin = twin or twin_rate(voxels[:1], table)  # its rate does not depend on the energy
        bench_placement(voxels, table, twin)
    bench_matching(voxels)


if __name__ == "__main__":
    run(main)
