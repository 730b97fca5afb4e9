"""Time and memory of all scores but the classifiers, against the number of showers.

Run from the repository: ``python -m bench.bench_scores``. Each size is scored in a process of its
own, one sample against a reference of the same size, both with cells, and a training set of
20 000 showers; its peak of resident memory is beside that of the smallest size. Showers are toy
showers, with voxels varied so that no two are alike; their cells repeat.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from calovox.dataset import DatasetWriter
from calovox.evaluation.scoring import score_samples
from calovox.geometry import barrel_cells
from calovox.photons import Photons
from calovox.reconstruction import hits_to_cells
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers

BATCH = 1000
N_TRAINING = 20_000
SIZES = (10_000, 100_000)


def write_toys(path: Path, n_showers: int, seed: int) -> None:
    rng = np.random.default_rng(0)  # the same photons for all
    photons = Photons(
        energy=256.0 * 2.0 ** rng.uniform(0, 14, BATCH),
        eta=rng.uniform(-1.3, 1.3, BATCH),
        phi=rng.uniform(-3.0, 3.0, BATCH),
        index=np.arange(BATCH),
    )
    rng = np.random.default_rng(seed)
    hits = toy_showers(BATCH, n_hits=400, photons=photons)
    voxels, cells = hits_to_voxels(hits, VoxelGrid.optimal()), hits_to_cells(hits, barrel_cells())
    with DatasetWriter(path, voxels.grid, provenance={}, cell_table="barrel") as writer:
        for start in range(0, n_showers, BATCH):
            factors = rng.lognormal(0.0, 0.2, voxels.energy.shape)
            varied = (voxels.energy * factors).astype(np.float32)
            index = np.arange(start, start + BATCH)
            writer.append(replace(voxels, energy=varied, index=index), cells)


def score(folder: Path) -> None:
    """Score a folder; print processor and wall time in s, peak memory in MiB, rows."""
    start, processor = time.monotonic(), time.process_time()
    found = score_samples(
        [folder / "reference.h5"],
        {"simulated": [folder / "simulated.h5"]},
        training=folder / "training.h5",
    )
    seconds = time.process_time() - processor, time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(*seconds, peak, len(found.scores), *found.missing)


def bench_scores(folder: Path) -> None:
    write_toys(folder / "training.h5", N_TRAINING, seed=0)
    print("showers of each   process [s]   wall [s]   peak memory [MiB]   of the first   rows")
    first = 0.0
    for size in SIZES:
        for seed, name in enumerate(("reference", "simulated"), start=1):
            (folder / f"{name}.h5").unlink(missing_ok=True)
            write_toys(folder / f"{name}.h5", size, seed)
        command = [sys.executable, "-m", "bench.bench_scores", "--folder", str(folder)]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        processor, wall, peak, rows, *missing = result.stdout.split(maxsplit=4)
        first = first or float(peak)
        print(
            f"{size:15d} {float(processor):13.1f} {float(wall):10.1f} {float(peak):19.0f} "
            f"{float(peak) / first:14.2f} {rows:>6} {' '.join(missing)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="score this folder, and nothing else")
    folder = parser.parse_args().folder
    if folder is not None:
        score(folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        bench_scores(Path(temporary))


if __name__ == "__main__":
    main()
