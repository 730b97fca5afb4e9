"""How well boosted trees tell the shipped models and baselines from Geant4.

Run from the repository, `make referee`, or ``python -m bench.referee``. It reads the showers of
`make demo` for the photons of the sample. Rows appear one by one, and are written to a JSON file
as they come; rows that the file has already are not measured again.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from bench.timing import run
from calovox.samples.observables.observed import ObservedShowers, read_observed
from calovox.samples.observables.pairs import ObservedPair, pair_showers
from calovox.samples.regions import CENTRAL
from calovox.samples.source import SourceChain, open_sample
from calovox.scores.referee import (
    ClassifierInputs,
    classify_by_trees,
    inputs_of,
    measure_floor,
)
from calovox.scores.referee.kinds import NOISE_SEEDS, THRESHOLD, Kind

MODELS = ("calofast", "calodit", "calodit_teacher", "calocfm")
BASELINES = ("fastcalogan", "fastcalosimv2")
GRIDS = ("optimal", "regular", "coarse")
MOST = 1_000_000

Photons = Literal["optimal", "central", "scan"]
"""Geant4's showers: around 65 GeV, those of them at 0.20 to 0.25, or of all energies."""

Compute = Callable[[ObservedShowers, np.ndarray, int], ClassifierInputs]


class Row(NamedTuple):
    """One test: which inputs, of which samples, of which photons."""

    title: str
    compute: Compute
    photons: Photons
    samples: tuple[str, ...]


class Samples:
    """The samples, each read once."""

    def __init__(self, sample: Path, demo: Path) -> None:
        self._sample, self._demo = sample, demo
        self._read: dict[Path, tuple[SourceChain, ObservedShowers]] = {}

    def reference(self, photons: Photons) -> tuple[SourceChain, ObservedShowers]:
        name = "scan" if photons == "scan" else "optimal"
        return self._open(self._sample / f"photons_{name}.h5")

    def pair(self, name: str, photons: Photons) -> ObservedPair:
        prefix = "scan_" if photons == "scan" else "simulated_"
        prefix = "" if name.startswith("binned") else prefix
        first, reference = self.reference(photons)
        source, showers = self._open(self._demo / f"{prefix}{name}.h5")
        pair = pair_showers(reference, showers, (first, source))
        if isinstance(pair, str):
            raise SystemExit(f"{source.path}: {pair}")
        return pair

    def _open(self, path: Path) -> tuple[SourceChain, ObservedShowers]:
        if path not in self._read:
            source = open_sample([path])
            self._read[path] = source, read_observed(source, MOST, path.name)
        return self._read[path]


def rows() -> Iterator[Row]:
    """List the tests, the most important first."""
    grids = (*(f"binned_{grid}" for grid in GRIDS), "binned_patterns")
    of_cells = (*grids, *MODELS, *BASELINES)
    yield Row("all cells, noise", of("all cells, noise"), "optimal", of_cells)
    yield Row("cell observables", of("cell observables"), "optimal", of_cells)
    yield Row("voxels", of("voxels"), "scan", MODELS)
    yield Row("voxels, 65 GeV", of("voxels"), "central", MODELS)
    yield Row("voxels, 65 GeV, without D", of("voxels without D"), "central", MODELS)
    yield Row("eight of the nine observables", of("shower shapes"), "optimal", MODELS)
    yield Row("voxel observables", of("voxel observables"), "scan", MODELS)
    yield Row("cell observables, noise", of("cell observables, noise"), "optimal", of_cells)
    yield Row("all cells", of("all cells"), "optimal", of_cells)


def of(kind: Kind) -> Compute:
    """Take all inputs of a kind."""
    return lambda showers, photon, seed: inputs_of(
        kind, showers, photon, threshold=THRESHOLD, noise_seed=seed
    )


def in_region(showers: ObservedShowers, row: Row) -> np.ndarray:
    """Find the showers that a test is of: all, or those around 65 GeV at 0.20 to 0.25."""
    assert showers.abs_eta is not None
    if row.photons != "central":
        return np.arange(len(showers))
    return np.flatnonzero(CENTRAL.select(showers.energy, showers.abs_eta))


def measure(row: Row, name: str, samples: Samples, n_seeds: int) -> dict[str, object]:
    """Measure one entry of the table: a sample against Geant4, or Geant4 halves."""
    if name == "halves":
        _, reference = samples.reference(row.photons)
        chosen = in_region(reference, row)
        inputs = row.compute(reference[chosen], np.arange(len(chosen)), NOISE_SEEDS[0])
        areas = measure_floor(inputs, n_seeds=n_seeds)
    else:
        pair = samples.pair(name, row.photons)
        parts = [
            row.compute(showers, photon, seed)
            for showers, photon, seed in zip(
                (pair.reference, pair.simulated), pair.photon_numbers, NOISE_SEEDS, strict=True
            )
        ]
        chosen = in_region(pair.reference, row)
        areas = classify_by_trees(*(part.rows(chosen) for part in parts), n_seeds=n_seeds)
    return {
        "inputs": row.title,
        "sample": name,
        "auc": areas.mean,
        "error": areas.error,
        "seeds": areas.auc.tolist(),
        "n_showers": min(areas.n_reference, areas.n_simulated),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=Path, default=Path("sample"))
    parser.add_argument("--demo", type=Path, default=Path("demo"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("demo/referee.json"))
    arguments = parser.parse_args()
    samples = Samples(arguments.sample, arguments.demo)
    output = arguments.output
    table = json.loads(output.read_text(encoding="utf-8")) if output.exists() else []
    known = {(entry["inputs"], entry["sample"]) for entry in table}
    for row in rows():
        for name in (*row.samples, "halves"):
            if (row.title, name) in known:
                continue
            start = time.process_time()
            found = measure(row, name, samples, arguments.seeds)
            table.append(found)
            output.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
            spent = time.process_time() - start
            print(
                f"{row.title:30} {name:16} {found['auc']:.3f} +- {found['error']:.3f}  "
                f"{found['n_showers']} showers  {spent:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    run(main)
