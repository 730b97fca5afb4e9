"""Time and memory of the scores, of a whole `calovox evaluate`, and of boosted trees.

Run from the repository: ``python -m bench.bench_scores``. Each size is measured in processes of
their own, one sample against a reference of the same size: all scores of voxels, on one core, then
the whole report with cells and a training set of 20 000 showers, without classifiers. Boosted
trees are given all voxels and their observables, one seed of the full referee, for sizes of their
own. The peak of resident memory is beside that of the smallest size, and how much more it is for
each further shower of both samples together; ratios of times to those of the smallest size do not
depend on how fast the machine is. Showers are toy showers, with voxels varied so that no two are
alike; their cells repeat.
"""

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.timing import cost_in_process, count, print_cost, run
from calovox.cli import app
from calovox.dataset import DatasetWriter
from calovox.geometry import barrel_cells
from calovox.photons import Photons
from calovox.reconstruction import hits_to_cells
from calovox.samples.files import EvaluationFiles
from calovox.samples.observables.observed import read_observed
from calovox.samples.samples import Samples
from calovox.samples.source import open_sample
from calovox.scores.referee import classify_by_trees
from calovox.scores.referee.kinds import THRESHOLD, inputs_of
from calovox.scores.referee.trees import FEWEST_SHOWERS
from calovox.scores.scoring import score_samples
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers

BATCH = 1000
N_TRAINING = 20_000
SIZES = (10_000, 100_000)
SIZES_OF_TREES = (10_000, 50_000)


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
    """Evaluate a folder."""
    arguments = ["evaluate", "reference.h5", "simulated.h5", "--training", "training.h5"]
    os.chdir(folder)
    app([*arguments, "--force", "-o", "report"], standalone_mode=False)


def score(folder: Path) -> None:
    """Compute all scores of the voxels of a folder."""
    files = EvaluationFiles(
        reference=[folder / "reference.h5"], simulated={"simulated": [folder / "simulated.h5"]}
    )
    judged = {
        name: open_sample([folder / f"{name}.h5"], cells=False)
        for name in ("reference", "simulated")
    }
    score_samples(Samples(files=files, judged=judged))


def classify(folder: Path) -> None:
    """Tell the voxels of a folder apart by boosted trees, one seed of the full referee."""
    inputs = []
    for name in ("reference", "simulated"):
        source = open_sample([folder / f"{name}.h5"], cells=False)
        showers = read_observed(source, len(source), name)
        photon = np.arange(len(showers))
        inputs.append(inputs_of("voxels", showers, photon, threshold=THRESHOLD, noise_seed=1))
    classify_by_trees(*inputs, n_seeds=1)


def bench_scores(folder: Path) -> None:
    write_toys(folder / "training.h5", count(N_TRAINING), seed=0)
    first: dict[str, tuple[float, float]] = {}
    print("step     showers of each   process [s]   wall [s]   ratio   peak [MiB]   bytes/shower")
    for size in map(count, sorted({*SIZES, *SIZES_OF_TREES})):
        for seed, name in enumerate(("reference", "simulated"), start=1):
            (folder / f"{name}.h5").unlink(missing_ok=True)
            write_toys(folder / f"{name}.h5", size, seed)
        for step, (_, sizes) in STEPS.items():
            too_few = step == "trees" and size < FEWEST_SHOWERS  # with --quick
            if size not in map(count, sizes) or too_few:
                continue
            processor, wall, peak = cost_in_process("bench.bench_scores", step, folder)
            processor_first, peak_first = first.setdefault(step, (processor, peak))
            slope = (peak - peak_first) * 2**20 / max(2 * (size - count(SIZES[0])), 1)
            print(
                f"{step:8s} {size:15d} {processor:13.1f} {wall:10.1f} "
                f"{processor / processor_first:7.2f} {peak:12.0f} {slope:14.0f}",
                flush=True,
            )


STEPS = {
    "scores": (score, SIZES),
    "report": (evaluate, SIZES),
    "trees": (classify, SIZES_OF_TREES),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", nargs="?", choices=STEPS, default="report")
    parser.add_argument("--folder", type=Path, help="measure this folder, and nothing else")
    arguments = parser.parse_args()
    if arguments.folder is not None:
        print_cost(STEPS[arguments.step][0], arguments.folder)
        return
    with tempfile.TemporaryDirectory() as temporary:
        bench_scores(Path(temporary))


if __name__ == "__main__":
    run(main)
