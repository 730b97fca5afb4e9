"""Time and memory of a whole `calovox evaluate` without classifiers, against the showers.

Run from the repository: ``python -m bench.bench_scores``. Each size is evaluated in a process of
its own, one sample against a reference of the same size, both with cells, and a training set of
20 000 showers; its peak of resident memory is beside that of the smallest size, and how much more
it is for each further shower of both samples together. Showers are toy showers, with voxels varied
so that no two are alike; their cells repeat.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.timing import count, run
from calovox.cli import app
from calovox.dataset import DatasetWriter
from calovox.geometry import barrel_cells
from calovox.photons import Photons
from calovox.reconstruction import hits_to_cells
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers

BATCH = 1000
N_TRAINING = 20_000
SIZES = (10_000, 100_000)


def write_toys(path: Path, n_showers: int, seed: int) -> None:
    n_batch = count(BATCH)
    rng = np.random.default_rng(0)  # the same photons for all
    photons = Photons(
        energy=256.0 * 2.0 ** rng.uniform(0, 14, n_batch),
        eta=rng.uniform(-1.3, 1.3, n_batch),
        phi=rng.uniform(-3.0, 3.0, n_batch),
        index=np.arange(n_batch),
    )
    rng = np.random.default_rng(seed)
    hits = toy_showers(n_batch, n_hits=400, photons=photons)
    voxels, cells = hits_to_voxels(hits, VoxelGrid.optimal()), hits_to_cells(hits, barrel_cells())
    with DatasetWriter(path, voxels.grid, provenance={}, cell_table="barrel") as writer:
        for start in range(0, n_showers, n_batch):
            factors = rng.lognormal(0.0, 0.2, voxels.energy.shape)
            varied = (voxels.energy * factors).astype(np.float32)
            index = np.arange(start, start + n_batch)
            eta = voxels.eta_center + np.float32(1e-9) * start  # no two showers share a centre
            writer.append(replace(voxels, energy=varied, eta_center=eta, index=index), cells)


def evaluate(folder: Path) -> None:
    """Evaluate a folder; print processor and wall time in s, and peak memory in MiB."""
    start, processor = time.monotonic(), time.process_time()
    arguments = ["evaluate", "reference.h5", "simulated.h5", "--training", "training.h5"]
    os.chdir(folder)
    app([*arguments, "--force", "-o", "report"], standalone_mode=False)
    seconds = time.process_time() - processor, time.monotonic() - start
    print(*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def bench_scores(folder: Path) -> None:
    write_toys(folder / "training.h5", count(N_TRAINING), seed=0)
    print("showers of each   process [s]   wall [s]   peak memory [MiB]   bytes per shower")
    first = 0.0
    for size in map(count, SIZES):
        for seed, name in enumerate(("reference", "simulated"), start=1):
            (folder / f"{name}.h5").unlink(missing_ok=True)
            write_toys(folder / f"{name}.h5", size, seed)
        command = [sys.executable, "-m", "bench.bench_scores", "--folder", str(folder)]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        processor, wall, peak = map(float, result.stdout.split()[-3:])
        first = first or peak
        slope = (peak - first) * 2**20 / max(2 * (size - count(SIZES[0])), 1)
        print(f"{size:15d} {processor:13.1f} {wall:10.1f} {peak:19.0f} {slope:18.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="evaluate this folder, and nothing else")
    folder = parser.parse_args().folder
    if folder is not None:
        evaluate(folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        bench_scores(Path(temporary))


if __name__ == "__main__":
    run(main)
