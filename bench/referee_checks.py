"""The referee itself: two seeds of one model, and models that are spoilt on purpose.

Run from the repository, ``python -m bench.referee_checks``. A shipped model simulates the photons
of `sample/photons_scan.h5` with two seeds. Boosted trees must not tell one from the other. Then
the second is spoilt in one way at a time, and the row of the scores that sees it must say so:
the smallest p-value of this metric, times the number of its rows, is below `CAUGHT`. For the
intact seed, no row may say so. Rows of outliers are left out there, and told: a model may have
outliers that one seed has and the other has not. Exits with 1 if anything is otherwise.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.timing import run
from calovox.dataset import DatasetReader, DatasetWriter
from calovox.samples.files import EvaluationFiles
from calovox.samples.observables.observed import read_observed
from calovox.samples.samples import Samples
from calovox.samples.source import open_sample
from calovox.scores.referee import classify_by_trees
from calovox.scores.referee.kinds import THRESHOLD, inputs_of
from calovox.scores.scoring import score_samples
from calovox.scores.table import Score
from calovox.simulation.alike import simulate_alike
from calovox.voxelization import Voxels

PHOTONS = Path("sample/photons_scan.h5")
CAUGHT = 0.001
AT_THE_FLOOR = 0.01
TILT = 0.02  # moves D by some 0.3 mm
LOST = 0.05


def intact(voxels: Voxels, rng: np.random.Generator) -> Voxels:
    return voxels


def move_centre(voxels: Voxels, rng: np.random.Generator) -> Voxels:
    """Weigh voxels by 1 + lambda x, with another lambda for each shower."""
    grid = voxels.grid
    x = np.clip(grid.r_middle / 30.0, 0.0, 1.0) * np.cos(grid.alpha_middle)
    return reweigh(voxels, 1.0 + TILT * rng.normal(size=(len(voxels), 1)) * x)


def lose_voxels(voxels: Voxels, rng: np.random.Generator) -> Voxels:
    return reweigh(voxels, (rng.random(voxels.energy.shape) > LOST).astype(np.float64))


def one_outlier(voxels: Voxels, rng: np.random.Generator) -> Voxels:
    """Put the whole kinetic energy of one shower into EMB3 as well."""
    energy = voxels.energy.copy()
    back = voxels.grid.layer_slice(3)
    energy[rng.integers(len(voxels)), back] += 1.0 / (back.stop - back.start)
    return replace(voxels, energy=energy)


def reweigh(voxels: Voxels, weight: np.ndarray) -> Voxels:
    """Change voxels, and keep the energy of each shower."""
    energy = voxels.energy * weight
    total = energy.sum(axis=1, keepdims=True)
    scale = voxels.energy.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
    return replace(voxels, energy=(energy * scale).astype(np.float32))


SPOILT: dict[str, tuple[Callable[[Voxels, np.random.Generator], Voxels], str, str]] = {
    "intact": (intact, "", ""),
    "D spoilt": (move_centre, "chi2_ndf", "center"),
    "5 % of the voxels lost": (lose_voxels, "chi2_ndf", ""),
    "one outlier": (one_outlier, "outlier_distance", "e_layer_3"),
}
"""What is done, and the metric and the beginning of the feature that must see it."""


def spoil(path: Path, output: Path, change: Callable[..., Voxels]) -> Path:
    reader = DatasetReader(path)
    with DatasetWriter(output, reader.grid, provenance={}) as writer:
        writer.append(change(reader.read(), np.random.default_rng(1)))
    return output


def scores_of(reference: Path, sample: Path, *training: Path) -> tuple[Score, ...]:
    files = EvaluationFiles(
        reference=[reference], simulated={"sample": [sample]}, training=training
    )
    judged = {
        name: open_sample([path], cells=False)
        for name, path in (("Geant4", reference), ("sample", sample))
    }
    copied = open_sample([*training], cells=False) if training else None
    return score_samples(Samples(files=files, judged=judged, training=copied)).scores.rows


def worst(rows: tuple[Score, ...], metric: str, feature: str) -> tuple[float, str]:
    """Give the smallest p-value of some rows times their number, and its row."""
    chosen = [
        row for row in rows if row.metric.startswith(metric) and row.feature.startswith(feature)
    ]
    row = min(chosen, key=lambda row: row.p_value)
    return min(1.0, row.p_value * len(chosen)), f"{row.metric} of {row.feature}, {row.bin}"


def check_seeds(first: Path, second: Path) -> bool:
    inputs = []
    for path in (first, second):
        source = open_sample([path], cells=False)
        showers = read_observed(source, len(source), path.name)
        photon = np.arange(len(showers))
        inputs.append(inputs_of("voxels", showers, photon, threshold=THRESHOLD, noise_seed=1))
    areas = classify_by_trees(*inputs)
    good = abs(areas.mean - 0.5) < AT_THE_FLOOR + areas.error
    print(f"AUC of seed 1 against seed 2: {areas.mean:.3f} +- {areas.error:.3f}  {good}")
    return good


def check_spoilt(reference: Path, second: Path, folder: Path) -> bool:
    good = True
    for name, (change, metric, feature) in SPOILT.items():
        path = spoil(second, folder / f"{name.replace(' ', '_')}.h5", change)
        rows = scores_of(reference, path)
        if name == "intact":
            print(f"{name:24} p x rows {{:.2g}}  {{}}".format(*worst(rows, "outlier", "")))
            rows = tuple(row for row in rows if not row.metric.startswith("outlier"))
        p_value, row = worst(rows, metric, feature)
        as_expected = (p_value < CAUGHT) != (name == "intact")
        good &= as_expected
        print(f"{name:24} p x rows {p_value:.2g}  {row}  {as_expected}", flush=True)
    return good


def check_copies(first: Path, second: Path, folder: Path) -> bool:
    """Let the sample be its own training set, and then that of the other seed."""
    good = True
    for name, training in (("copies", second), ("no copies", folder / "third.h5")):
        rows = scores_of(first, second, training)
        p_value, row = worst(rows, "training_distance", "")
        as_expected = (p_value < CAUGHT) == (name == "copies")
        good &= as_expected
        print(f"{name:24} p {p_value:.2g}  {row}  {as_expected}", flush=True)
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="calodit", help="a shipped model")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        first, second, third = (folder / f"{name}.h5" for name in ("first", "second", "third"))
        for seed, path in enumerate((first, second, third), start=1):
            simulate_alike(arguments.model, PHOTONS, path, seed=seed)
        good = check_seeds(first, second)
        good &= check_spoilt(first, second, folder)
        good &= check_copies(first, second, folder)
    sys.exit(not good)


if __name__ == "__main__":
    run(main)
