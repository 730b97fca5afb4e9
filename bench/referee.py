"""What boosted trees tell apart: the table of the shipped models, on voxels and on cells.

Run from the repository: ``python -m bench.referee --samples FOLDER``. The folder holds showers of
``calovox simulate`` for the photons of the sample: ``scan_MODEL_SEED.h5`` for photons_scan.h5, and
``opt_MODEL.h5`` and ``binned_GRID.h5`` with cells for photons_optimal.h5. What is not there is
left out. Rows appear one by one.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from bench.timing import run
from calovox.arrays import Array, Bool
from calovox.dataset import DatasetReader
from calovox.geometry import barrel_cells
from calovox.photons import Photons
from calovox.samples.observables import (
    ELECTRONIC_NOISE,
    ObservableTable,
    VoxelPositions,
    add_noise,
    cells_to_observables,
    cells_to_window_cells,
    cut_cells,
    voxels_to_observables,
)
from calovox.scores.referee import (
    ClassifierInputs,
    classify_by_trees,
    measure_floor,
    measure_learning_curve,
    observable_inputs,
    voxel_inputs,
    what_a_classifier_sees,
    window_inputs,
)

THRESHOLD = 1.0  # MeV
EIGHT = ("f1", "delta_e", "e_ratio", "w_eta1", "fracs1", "r_phi", "r_eta", "cells_e_all")
MODELS = ("calocfm", "calodit_teacher", "calodit")
CELL_MODELS = (*MODELS, "fastcalogan", "fastcalosimv2")
GRIDS = ("optimal", "regular", "coarse")


def narrow(reader: DatasetReader) -> Bool[Array, " event"]:
    """Choose the photons of 49 to 98 GeV at abs(eta) of 0.20 to 0.25."""
    voxels = reader.read()
    abs_eta = np.abs(voxels.photon_eta)
    return (abs_eta >= 0.2) & (abs_eta < 0.25) & (voxels.incident_energy > 48e3)


class Voxels:
    """Voxels of a file, as classifiers see them."""

    def __init__(self, path: Path, rows: Bool[Array, " event"] | None = None) -> None:
        voxels = DatasetReader(path).read()
        chosen = slice(None) if rows is None else np.flatnonzero(rows)
        self.incident = voxels.incident_energy[chosen]
        self.photon, self.abs_eta = voxels.index[chosen], np.abs(voxels.eta_center[chosen])
        self.energy = voxels.energy[chosen] * self.incident[:, None].astype(np.float32)
        positions = VoxelPositions.from_grid(voxels.grid)
        self.observables = voxels_to_observables(
            self.energy, self.incident, positions, threshold=THRESHOLD
        )

    def inputs(self, kind: str) -> ClassifierInputs:
        table = self.observables
        if kind.endswith("without D"):
            kept = [n for n in table.names if not n.startswith(("center_", "move_", "asymmetry"))]
            table = table.select(kept)
        if kind.startswith("observables"):
            return observable_inputs(table, self.incident, self.photon, abs_eta=self.abs_eta)
        return voxel_inputs(
            self.energy,
            self.incident,
            self.photon,
            threshold=THRESHOLD,
            abs_eta=self.abs_eta,
            observables=table,
        )


class Cells:
    """Cells of a file, as classifiers see them, with noise and without."""

    def __init__(self, path: Path, seed: int, photons: Photons) -> None:
        reader = DatasetReader(path)
        table = barrel_cells()
        windows = cells_to_window_cells(reader.cells(), table)
        self.photons = photons
        self.quiet, self.noisy = cut_cells(windows), add_noise(windows, photons.index, seed=seed)
        self.observables: dict[str, ObservableTable] = {
            "without noise": cells_to_observables(self.quiet, table, photons),
            "with noise": cells_to_observables(self.noisy, table, photons, noise=ELECTRONIC_NOISE),
        }

    def inputs(self, kind: str, noise: str) -> ClassifierInputs:
        photon = self.photons.energy, self.photons.index
        abs_eta = np.abs(self.photons.eta)
        if kind == "all cells":
            cells = self.noisy if noise == "with noise" else self.quiet
            return window_inputs(cells, *photon, abs_eta=abs_eta)
        table = self.observables[noise]
        if kind == "eight of the nine observables":
            table = table.select(EIGHT)
        return observable_inputs(table, *photon, abs_eta=abs_eta)


def say(*columns: object) -> None:
    print(*columns, f"[{time.process_time():.0f} s]", sep=" | ", flush=True)


def compare(
    title: str, reference: ClassifierInputs, simulated: ClassifierInputs, n_seeds: int
) -> None:
    areas = classify_by_trees(reference, simulated, n_seeds=n_seeds)
    say(title, f"{areas.mean:.3f} +- {areas.error:.3f}", f"{len(reference)} showers")


def halves(title: str, reference: ClassifierInputs, n_seeds: int) -> None:
    floor = measure_floor(reference, n_seeds=n_seeds)
    say(f"halves, {title}", f"{floor.mean:.3f} +- {floor.error:.3f}", f"{len(reference)} showers")


def judge_voxels(sample: Path, samples: Path, n_seeds: int) -> None:
    whole = Voxels(sample / "photons_scan.h5")
    optimal = DatasetReader(sample / "photons_optimal.h5")
    rows = narrow(optimal)
    slices = {
        "scan": (whole, "scan_{}_1.h5", None),
        "49-98 GeV": (Voxels(optimal.path, rows), "opt_{}.h5", rows),
    }
    for title, (reference, name, chosen) in slices.items():
        kinds = ["observables", "voxels and observables"]
        kinds += ["voxels and observables, without D"] if chosen is not None else []
        for kind in kinds:
            for model in MODELS:
                path = samples / name.format(model)
                if path.exists():
                    other = Voxels(path, chosen)
                    compare(
                        f"{title} {model}: {kind}",
                        reference.inputs(kind),
                        other.inputs(kind),
                        n_seeds,
                    )
            halves(f"{title}: {kind}", reference.inputs(kind), n_seeds)


def judge_cells(sample: Path, samples: Path, n_seeds: int) -> None:
    reader = DatasetReader(sample / "photons_optimal.h5")
    read = reader.read()
    photons = Photons(read.incident_energy, read.photon_eta, read.photon_phi, read.index)
    reference = Cells(reader.path, 1, photons)
    names = [f"binned_{grid}" for grid in GRIDS] + [f"opt_{model}" for model in CELL_MODELS]
    paths = [samples / f"{name}.h5" for name in names]
    for kind, noise in (
        ("observables of cells", "without noise"),
        ("all cells", "with noise"),
        ("eight of the nine observables", "without noise"),
        ("observables of cells", "with noise"),
        ("all cells", "without noise"),
    ):
        first = reference.inputs(kind, noise)
        for path in filter(Path.exists, paths):
            second = Cells(path, 2, photons).inputs(kind, noise)
            compare(f"cells {path.stem}: {kind}, {noise}", first, second, n_seeds)
        halves(f"cells: {kind}, {noise}", first, n_seeds)


def judge_in_depth(sample: Path, samples: Path, model: str) -> None:
    """Show the learning curve, and what a classifier sees."""
    reference = Voxels(sample / "photons_scan.h5")
    other = Voxels(samples / f"scan_{model}_1.h5")
    pair = reference.inputs("observables"), other.inputs("observables")
    curve = measure_learning_curve(*pair, classify_by_trees(*pair, n_seeds=1))
    for point in curve.points:
        say(f"{model}: {point.n_showers} showers", f"{point.auc:.3f} +- {point.error:.3f}")
    say(f"{model}: extrapolated", curve.extrapolation)
    for seen in what_a_classifier_sees(reference.observables, other.observables, *pair)[:12]:
        say(
            seen.observable.name,
            f"importance {seen.importance:.4f} +- {seen.importance_error:.4f}",
            f"shift {seen.shift:+.3f} +- {seen.shift_error:.3f}",
            f"width {seen.width:.3f} +- {seen.width_error:.3f}",
            f"alone {seen.alone:.3f}",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=Path, default=Path("sample"))
    parser.add_argument("--samples", type=Path, required=True, help="simulated showers")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--part", choices=("voxels", "cells", "depth"), action="append")
    arguments = parser.parse_args()
    for part in arguments.part or ("voxels", "cells", "depth"):
        if part == "voxels":
            judge_voxels(arguments.sample, arguments.samples, arguments.seeds)
        elif part == "cells":
            judge_cells(arguments.sample, arguments.samples, arguments.seeds)
        else:
            judge_in_depth(arguments.sample, arguments.samples, "calodit")


if __name__ == "__main__":
    run(main)
