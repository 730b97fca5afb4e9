"""Memory and time of four million showers, as many as the note has.

Run from the repository: ``python -m bench.bench_millions``. Two files of 4.05 million
toy showers with the keys of Table A.1 are written, 4 GB for some minutes; one is read and trained
with, and the other one scored against it; and the same with a tenth of them. Each step is a
process of its own: the peak of its memory is beside that for a tenth of the showers. On a machine
with other work, the processor time says more than that of the wall.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.timing import cost_in_process, count, print_cost, run
from calovox.cli import app
from calovox.dataset import DatasetReader, DatasetWriter
from calovox.samples.files import EvaluationFiles
from calovox.samples.samples import Samples
from calovox.samples.source import open_sample
from calovox.scores.scoring import score_samples
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels
from tests.toy_showers import toy_photons, toy_showers

SHOWERS = 4_050_000
BATCH = 10_000
TRAINING_STEPS = 50


def write(folder: Path, n_showers: int) -> None:
    """Write showers that repeat, each with another energy in every voxel and another photon."""
    n_batch = min(count(BATCH), n_showers)
    hits = toy_showers(n_batch, n_hits=100, photons=toy_photons(n_batch))
    voxels = hits_to_voxels(hits, VoxelGrid.optimal())
    rng = np.random.default_rng(1)
    for name in ("reference", "simulated"):
        with DatasetWriter(
            folder / f"{name}.h5", voxels.grid, provenance={}, overwrite=True
        ) as writer:
            for start in range(0, n_showers, n_batch):
                rows = rng.permutation(n_batch)[: n_showers - start]
                writer.append(varied(voxels, rows, start, rng))


def varied(voxels: Voxels, rows: np.ndarray, start: int, rng: np.random.Generator) -> Voxels:
    factor = rng.uniform(0.9, 1.1, (len(rows), 1)).astype(np.float32)
    return replace(
        voxels[rows],
        energy=voxels.energy[rows] * factor,
        index=np.arange(start, start + len(rows)),
    )


def read(folder: Path) -> None:
    total = sum(
        float(v.energy.sum()) for v in DatasetReader(folder / "reference.h5").batches(1000)
    )
    assert total > 0


def train(folder: Path) -> None:
    words = f"train cfm --data {folder / 'reference.h5'} --steps {TRAINING_STEPS} --width 16"
    app([*words.split(), "-o", f"{folder / 'run'}"], standalone_mode=False)


def score(folder: Path) -> None:
    files = {name: folder / f"{name}.h5" for name in ("reference", "simulated")}
    judged = {name: open_sample([path], cells=False) for name, path in files.items()}
    simulated = {"simulated": [files["simulated"]]}
    score_samples(
        Samples(
            files=EvaluationFiles(reference=[files["reference"]], simulated=simulated),
            judged=judged,
        )
    )


STEPS: dict[str, Callable[[Path], None]] = {"read": read, "train": train, "score": score}


def bench_millions(folder: Path) -> None:
    first: dict[str, float] = {}
    print("step      showers   wall [s]   cpu [s]   showers/cpu s   peak [MiB]   more than 1/10")
    for size in (count(SHOWERS) // 10, count(SHOWERS)):
        started = time.monotonic()
        write(folder, size)
        print(f"{'write':6} {size:10d} {time.monotonic() - started:10.1f}", flush=True)
        for step in STEPS:
            cpu, wall, peak = cost_in_process("bench.bench_millions", step, folder)
            more = peak - first.setdefault(step, peak)
            print(
                f"{step:6} {size:10d} {wall:10.1f} {cpu:9.1f} {size / cpu:15.0f} {peak:12.0f} "
                f"{more:12.0f}",
                flush=True,
            )
        shutil.rmtree(folder / "run")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", nargs="?", choices=STEPS, default="read")
    parser.add_argument("--folder", type=Path, help="measure this folder, and nothing else")
    arguments = parser.parse_args()
    if arguments.folder is not None:
        print_cost(STEPS[arguments.step], arguments.folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        bench_millions(Path(temporary))


if __name__ == "__main__":
    run(main)
