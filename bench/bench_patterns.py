"""Placement by patterns: what boosted trees see of it, and what it costs.

Run from the repository: ``python -m bench.bench_patterns`` for the cost, or with ``--part auc``.
Showers of the sample, whose voxels and cells are known, are placed again by patterns and as in the
note, and their cells compared with Geant4's; the patterns are from other showers. ``--judged
FOLDER`` adds showers around 10 GeV: ``judged_BIN_GRID.h5``, datasets with cells of the hits of
``sample/make_patterns.sh``. ``--hits FILES`` judges by any hits in their place. ``--grid`` may be
any grid whose voxels are unions of those of the regular one, with ``--patterns``; with ``--hits``,
any at all. Where the sample has no sub-voxel probabilities for it, the note is left out. Each row
has the AUC on all cells of the windows, above 1 MeV without noise, or with noise; halves of Geant4
are the floor. Last comes chi2/ndf of eight of the nine shower shapes: the calibrated energy is
left out.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.lost_modulation import lost_modulation
from bench.timing import count, run
from calovox.arrays import Array
from calovox.binned_shower import SubVoxelProbabilities, read_sub_voxels, voxels_to_hits
from calovox.dataset import DatasetReader
from calovox.geometry import barrel_cells
from calovox.geometry.cell_energies import CellEnergies, concatenate_cells
from calovox.patterns import PatternLibrary, voxels_to_cells, voxels_to_pattern_hits
from calovox.patterns.file import read_patterns
from calovox.patterns.shipped import shipped_patterns
from calovox.phi_modulation import PhiModulation, apply_phi_modulation
from calovox.phi_modulation.bare_hits import BareHits
from calovox.photons import Photons
from calovox.reconstruction import cells_to_shapes, hits_to_cells
from calovox.reconstruction.variables import SHAPE_VARIABLES
from calovox.samples.observables import WindowCells, add_noise, cells_to_window_cells, cut_cells
from calovox.scores.histograms import chi2_of_histograms, choose_edges, fill_histogram
from calovox.scores.referee import (
    ClassifierInputs,
    classify_by_trees,
    measure_floor,
    window_inputs,
)
from calovox.voxelization import VoxelGrid, Voxels, concatenate_voxels, hits_to_voxels
from calovox.voxelization.choice import choose_grid

ETA_BINS = {"central": (0.2, 0.25), "gap": (0.0, 0.05), "transition": (0.75, 0.8)}
TABLE = barrel_cells()


@dataclass(frozen=True)
class Showers:
    """Geant4 showers in one range of abs(eta)."""

    title: str
    voxels: Voxels
    cells: CellEnergies
    lost: PhiModulation | None = None  # the phi modulation that cells have and voxels do not

    @property
    def photons(self) -> Photons:
        voxels = self.voxels
        return Photons(voxels.incident_energy, voxels.photon_eta, voxels.photon_phi, voxels.index)

    def inputs(self, cells: CellEnergies, seed: int, *, noise: bool) -> ClassifierInputs:
        windows: WindowCells = cells_to_window_cells(cells, TABLE)
        index = self.photons.index
        seen = add_noise(windows, index, seed=seed) if noise else cut_cells(windows)
        eta = np.abs(self.photons.eta)
        return window_inputs(seen, self.photons.energy, index, abs_eta=eta)


def read_showers(
    title: str, path: Path, eta: tuple[float, float], voxels: Path | None = None
) -> Showers:
    """Read showers of a dataset; their voxels may come from another one on another grid."""
    reader = DatasetReader(path)
    of_cells = reader.read()
    size = np.abs(of_cells.photon_eta)
    rows = np.flatnonzero((size >= eta[0]) & (size < eta[1]) & (of_cells.incident_energy > 7e3))
    if "65 GeV" in title:
        rows = rows[of_cells.incident_energy[rows] > 48e3]
    cells = reader.cells()
    offsets = cells.event_offsets
    entries = np.concatenate([np.arange(offsets[row], offsets[row + 1]) for row in rows])
    chosen = CellEnergies(
        cells.cell[entries],
        cells.energy[entries],
        np.concatenate([[0], np.cumsum(np.diff(offsets)[rows])]),
        cells.outside[rows],
    )
    of_voxels = reader if voxels is None else DatasetReader(voxels)
    return Showers(title, of_voxels.read()[rows], chosen, lost_modulation(of_voxels))


def showers_of_hits(files: list[Path], curve: Path, grid: VoxelGrid) -> Showers:
    """Make voxels and cells of the hits of several files, both without the phi modulation."""
    bare = BareHits(files, curve, takes_weights=True)
    voxels, cells = [], []
    for hits in bare.batches("hits"):
        voxels.append(hits_to_voxels(hits, grid))
        cells.append(hits_to_cells(hits, TABLE))
    title = ", ".join(file.stem for file in files)
    return Showers(title, concatenate_voxels(voxels), concatenate_cells(cells))


def join_voxels(voxels: Voxels, grid: VoxelGrid) -> Voxels:
    """Add up voxels of a finer grid in those of another one, which are unions of them."""
    if grid == voxels.grid:
        return voxels
    r_min, r_max, alpha_min, alpha_max = voxels.grid.edges.T
    energy = np.zeros((len(voxels), grid.n_voxels), dtype=np.float32)
    for voxel, (r_low, r_high, alpha_low, alpha_high) in enumerate(grid.edges):
        inside = (voxels.grid.layer == grid.layer[voxel]) & (r_min >= r_low) & (r_max <= r_high)
        inside &= (alpha_min >= alpha_low - 1e-9) & (alpha_max <= alpha_high + 1e-9)
        energy[:, voxel] = voxels.energy[:, inside].sum(axis=1, dtype=np.float64)
    joined = replace(voxels, energy=energy, grid=grid)
    if not np.allclose(joined.layer_energy, voxels.layer_energy, atol=1e-4):
        raise SystemExit(f"{grid!r} has voxels that are no unions of those of {voxels.grid!r}")
    return joined


def all_showers(arguments: argparse.Namespace) -> Iterator[Showers]:
    """Give the showers of the hits, or those around 65 GeV, 10 GeV and 1 TeV."""
    sample, judged, grid = arguments.sample, arguments.judged, arguments.grid
    chosen = choose_grid(grid)
    if arguments.hits:
        yield showers_of_hits(arguments.hits, sample / "phi_curve.h5", chosen)
        return
    cells, own = sample / "photons_optimal.h5", sample / f"photons_{grid}.h5"
    own = own if own.exists() else sample / "photons_regular.h5"
    for name, eta in ETA_BINS.items():
        showers = read_showers(f"65 GeV, {name}", cells, eta, own)
        yield replace(showers, voxels=join_voxels(showers.voxels, chosen))
    for name, eta in ETA_BINS.items():
        path = None if judged is None else judged / f"judged_{name}_{grid}.h5"
        if path is not None and path.exists():
            yield read_showers(f"10 GeV, {name}", path, eta)
    if grid == "optimal":
        yield read_showers("1 TeV, transition", sample / "photons_1tev.h5", (0.75, 0.8))


def shapes_chi2(first: CellEnergies, second: CellEnergies) -> str:
    """Compare eight of the nine shower shapes."""
    shapes = [cells_to_shapes(cells, TABLE) for cells in (first, second)]
    reduced = []
    for variable in SHAPE_VARIABLES:
        if variable.name != "e_cal":
            reference, other = (getattr(shape, variable.name) for shape in shapes)
            edges = choose_edges(reference)
            pair = fill_histogram(reference, edges), fill_histogram(other, edges)
            reduced.append(chi2_of_histograms(*pair).reduced)
    return f"{min(reduced):.2f} to {max(reduced):.2f}"


def say(*columns: object) -> None:
    print(*columns, f"[{time.process_time():.0f} s]", sep=" | ", flush=True)


def judge(showers: Showers, placements: dict[str, CellEnergies], n_seeds: int) -> None:
    for noise in (False, True):
        kind = "with noise" if noise else "without noise"
        reference = showers.inputs(showers.cells, 1, noise=noise)
        for name, cells in placements.items():
            areas = classify_by_trees(
                reference, showers.inputs(cells, 2, noise=noise), n_seeds=n_seeds
            )
            say(showers.title, name, kind, f"{areas.mean:.3f} +- {areas.error:.3f}")
        floor = measure_floor(reference, n_seeds=n_seeds)
        say(
            showers.title, "halves", kind, f"{floor.mean:.3f} +- {floor.error:.3f}", len(reference)
        )
    for name, cells in placements.items():
        say(showers.title, name, "chi2/ndf of shapes", shapes_chi2(showers.cells, cells))


def measure_auc(arguments: argparse.Namespace) -> None:
    library, probabilities = read_placements(arguments)
    for showers in all_showers(arguments):
        if arguments.only and arguments.only not in showers.title:
            continue
        patterns, counts = voxels_to_cells(
            showers.voxels, library, TABLE, seed=1, phi_modulation=showers.lost
        )
        say(showers.title, "patterns", counts)
        placements = {"patterns": patterns}
        if probabilities is not None:
            note = voxels_to_hits(showers.voxels, probabilities, seed=1)
            if showers.lost is not None:
                note = apply_phi_modulation(note, showers.lost)
            placements["note"] = hits_to_cells(note, TABLE)
        judge(showers, placements, arguments.seeds)


def read_placements(
    arguments: argparse.Namespace,
) -> tuple[PatternLibrary, SubVoxelProbabilities | None]:
    grid = choose_grid(arguments.grid)
    path = arguments.patterns
    library = shipped_patterns(grid) if path is None else read_patterns(path)
    if library is None:
        raise SystemExit("no patterns for this grid in the package: give --patterns FILE")
    table = arguments.sample / f"sub_voxels_{arguments.grid}.root"
    return library, read_sub_voxels(table, grid) if table.exists() else None


def measure_speed(arguments: argparse.Namespace) -> None:
    """Compare the fused kernel with the two arrows, by patterns and as in the note.

    Showers differ from call to call: a processor learns the branches of one that comes again.
    """
    library, probabilities = read_placements(arguments)
    if probabilities is None:
        raise SystemExit("the cost is measured beside the note's: take a grid of the sample")
    showers = read_showers("65 GeV", arguments.sample / "photons_optimal.h5", ETA_BINS["central"])
    calls: dict[str, Callable[[Voxels], object]] = {
        "note, hits, then cells": lambda v: hits_to_cells(
            voxels_to_hits(v, probabilities, seed=1), TABLE
        ),
        "patterns, hits, then cells": lambda v: hits_to_cells(
            voxels_to_pattern_hits(v, library, seed=1)[0], TABLE
        ),
        "patterns, cells at once": lambda v: voxels_to_cells(v, library, TABLE, seed=1),
    }
    for size in (1, 500, 1000):
        number = count(max(size, 200))
        batches = [showers.voxels[first : first + size] for first in range(0, number, size)]
        spent = rounds_of(calls, batches)
        for name, seconds in spent.items():
            ratios = spent["note, hits, then cells"] / seconds
            say(
                f"batches of {size}",
                name,
                f"{1e6 * np.median(seconds) / number:.0f} us a shower",
                f"x {np.median(ratios):.2f}, {ratios.min():.2f} to {ratios.max():.2f}",
            )


def rounds_of(
    calls: dict[str, Callable[[Voxels], object]], batches: list[Voxels]
) -> dict[str, Array]:
    """Take the processor times of each call with all batches; calls take turns."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(1 + count(9)):  # the first one compiles
        for name, call in calls.items():
            start = time.process_time()
            for batch in batches:
                call(batch)
            spent[name].append(max(time.process_time() - start, 1e-9))
    return {name: np.array(times[1:]) for name, times in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("auc", "speed"), default="speed")
    parser.add_argument("--sample", type=Path, default=Path("sample"))
    parser.add_argument("--judged", type=Path, help="folder of datasets around 10 GeV")
    parser.add_argument("--hits", type=Path, nargs="+", help="hits files to judge by")
    parser.add_argument("--grid", default="optimal", help="name or TOML file")
    parser.add_argument("--patterns", type=Path, help="library of patterns of the grid")
    parser.add_argument("--only", help="part of the title of the showers to judge")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    measure_speed(arguments) if arguments.part == "speed" else measure_auc(arguments)


if __name__ == "__main__":
    run(main)
