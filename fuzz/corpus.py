"""Small files that every reader accepts: what mutations start from.

One folder per target, made by the package itself of toy showers, and of few rows of the shipped
parametrisation.
"""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import uproot

from calovox.arrays import Array
from calovox.binned_shower import SubVoxelProbabilities, write_sub_voxels
from calovox.cli.values import settings_text
from calovox.dataset import DatasetWriter
from calovox.foreign.guessing import guess_description
from calovox.geant4.shards import ShardFolder
from calovox.geometry import BARREL_NUMBERS, barrel_cells
from calovox.geometry.detector_files import DetectorMark, read_detector
from calovox.hits import Hits
from calovox.hits.file import HitsWriter
from calovox.models.parametric.file import read_parametric, write_parametric
from calovox.models.parametric.model import ParametricModel
from calovox.patterns import PatternMaker
from calovox.patterns.file import write_patterns
from calovox.phi_modulation import PhiModulation, phi_phase
from calovox.phi_modulation.average_shower import AverageProfile
from calovox.phi_modulation.curve_file import write_curve, write_curve_root
from calovox.phi_modulation.fit import FitResult, FitSettings
from calovox.reconstruction import Calibration, cells_to_shapes, hits_to_cells, write_shapes
from calovox.runtime.model_set import find_model
from calovox.scores.table import NotScored, Score, Scores
from calovox.voxelization import Ring, VoxelGrid, hits_to_voxels
from fuzz.commands import run_command
from tests.export.toy_runs import write_runs
from tests.foreign import foreign_files
from tests.toy_calochallenge import toy_challenge, write_binning, write_showers
from tests.toy_detector import showers_in
from tests.toy_detector import small_grid as toy_grid
from tests.toy_onnx import describe_toy_folder, write_toy_onnx
from tests.toy_showers import toy_photons, toy_showers

__all__ = ["CONFIGS", "make_corpus", "small_grid", "train_options"]

_N_EVENTS: Final = 3
_CALIBRATION_BINS: Final = 14

CONFIGS: Final[dict[str, dict[str, Any]]] = {
    "geant4": {"energy": "49GeV:98GeV", "eta": "abs:0.2:0.25", "number": 2, "workers": 1},
    "voxelize": {"hits": ["hits.h5"], "grid": "optimal", "cells": False},
    "phi-modulation fit": {"hits": ["hits.h5"], "seed": 1},
    "phi-modulation remove": {"hits": "hits.h5", "curve": "curve.h5"},
    "train inn": {"data": ["photons.h5"], "steps": 2, "batch_size": 2, "width": 4, "blocks": 1},
    "train gan": {"data": ["photons.h5"], "steps": 2, "batch_size": 2, "eta": "0:1.3"},
    "export": {"runs": ["inn"], "fastcalosim": True},
    "simulate": {"model": "photons.h5", "matching": "perfect", "seed": 3, "e_hit": "4MeV"},
    "reconstruct": {"file": "photons.h5", "strip_rows": 1},
    "evaluate": {"reference": "photons.h5", "simulated": ["a=photons.h5"]},
    "benchmark": {"models": ["photons.h5"]},
}
"""Settings of the commands, one file each."""


_LAYERS: Final = """
name = "toy"
eta_range = [0.0, 1.2]
[[layers]]
number = 4
name = "Front{number}"
role = "middle"
surface = "cylinder"
inner = 1000.0
thickness = 50.0
count = 2
[[layers]]
number = 7
role = "back"
surface = "cylinder"
inner = [1200.0, 1150.0]
outer = [1300.0, 1250.0]
bins_per_eta = 2.0
"""

_CELLS: Final = """
[cells]
per_eta = 5
n_phi = 8
eta = [0.0, 1.2]
"""


def make_corpus(folder: Path) -> None:
    """Make all seed files.

    Args:
        folder: Where the folders of the targets appear.
    """
    grid = small_grid()
    hits = toy_showers(_N_EVENTS, n_hits=30, photons=toy_photons(_N_EVENTS))
    names = (
        "foreign",
        "detector",
        "hits",
        "dataset",
        "challenge",
        "lemurs",
        "curve",
        "sub_voxels",
        "cells",
        "photons",
        "centers",
    )
    for name in names:
        (folder / name).mkdir()
    _write_hits(folder / "hits" / "hits.h5", hits)
    _write_dataset(folder / "dataset" / "photons.h5", hits, grid)
    _write_library(folder / "dataset" / "library.h5", hits, grid)
    _write_challenge(folder / "challenge")
    _write_lemurs(folder / "lemurs")
    _write_foreign(folder / "foreign")
    _write_detector(folder / "detector")
    _write_curves(folder / "curve")
    _write_sub_voxels(folder / "sub_voxels" / "sub_voxels.root", grid)
    _write_dataset(folder / "sub_voxels" / "photons.h5", hits, grid)
    _write_cells(folder / "cells" / "CaloCells.root")
    _write_hits(folder / "cells" / "hits.h5", hits)
    _write_photons(folder / "photons")
    shutil.copyfile(find_model("calodit") / "centers.json", folder / "centers" / "centers.json")
    _write_dataset(folder / "centers" / "photons.h5", hits, grid)
    _write_patterns(folder / "patterns", hits, grid)
    _write_shapes(folder / "shapes", hits)
    _write_parametrisation(folder / "parametrisation")
    _write_model(folder / "model", folder / "curve" / "curve.h5")
    _write_run(folder / "run", folder / "dataset" / "photons.h5")
    _write_texts(folder, grid, folder / "hits" / "hits.h5")
    _write_report(folder / "report")
    _write_scores(folder / "scores")
    _write_shards(folder / "shards", hits)


def small_grid() -> VoxelGrid:
    """Give a grid of few voxels, of the width that all showers fit into."""
    rings = (Ring(0.0, 20.0, 10.0, 2), Ring(20.0, 500.0, 480.0, 4))
    return VoxelGrid(dict.fromkeys(BARREL_NUMBERS, rings), "small")


def _write_hits(path: Path, hits: Hits) -> None:
    modulation = {"state": "present", "layers": [1, 2]}
    with HitsWriter(path, provenance={"seed": 1}, phi_modulation=modulation) as writer:
        writer.append(hits)


def _write_dataset(path: Path, hits: Hits, grid: VoxelGrid) -> None:
    table = barrel_cells()
    provenance = {"command": "voxelize", "hits": [{"seed": 1}], "phi_modulation": None}
    with DatasetWriter(path, grid, provenance=provenance, cell_table=table.name) as writer:
        writer.append(hits_to_voxels(hits, grid), hits_to_cells(hits, table))
        writer.attach("calibration", _calibration().to_arrays())


def _write_library(path: Path, hits: Hits, grid: VoxelGrid) -> None:
    voxels = hits_to_voxels(hits, grid)
    assert voxels.phi_center is not None  # made from hits
    with DatasetWriter(path, grid, provenance={}, compression="gzip") as writer:
        writer.append(voxels, phi_mod=phi_phase(voxels.phi_center))


def _calibration() -> Calibration:
    size = _CALIBRATION_BINS
    return Calibration(
        eta_edges=np.linspace(0.0, 1.4, size + 1),
        offset=np.full(size, 10.0),
        weights=np.full((size, len(BARREL_NUMBERS)), 1.05),
        n_events=np.full(size, 9, dtype=np.int64),
        borrowed=np.zeros(size, dtype=bool),
    )


def _write_challenge(folder: Path) -> None:
    write_binning(folder / "binning.xml")
    write_showers(folder / "showers.h5", *toy_challenge(_N_EVENTS, seed=1))


def _write_lemurs(folder: Path) -> None:
    """Write few showers in the layout of LEMURS."""
    rng = np.random.default_rng(1)
    shape = (3, 4, 5)
    with h5py.File(folder / "lemurs.h5", "w") as file:
        file["showers"] = rng.random((_N_EVENTS, *shape)).astype(np.float32)
        file["incident_energy"] = rng.uniform(50.0, 100.0, _N_EVENTS)
        file["incident_theta"] = rng.uniform(1.0, 2.0, _N_EVENTS)
        file["incident_phi"] = rng.uniform(-3.0, 3.0, _N_EVENTS)


def _write_foreign(folder: Path) -> None:
    """Write few hits in the files of other programs."""
    hits = foreign_files.showers()[:_N_EVENTS]
    foreign_files.write_csv(folder, hits)
    foreign_files.write_hdf5_with_offsets(folder, hits)
    foreign_files.write_parquet(folder, hits)
    foreign_files.write_jagged_tree(folder, hits)
    foreign_files.write_edm4hep(folder, hits)
    guess = guess_description(folder / "hits.csv", folder / "primaries.csv")
    guess.sections["photons"]["file"] = "primaries.csv"
    (folder / "import.toml").write_text(guess.text(), encoding="utf-8")


def _write_detector(folder: Path) -> None:
    """Write a detector with its cells, one with a table of cells, and showers in the first."""
    (folder / "detector.toml").write_text(_LAYERS + _CELLS, encoding="utf-8")
    (folder / "table.toml").write_text(f'{_LAYERS}[cells]\nfile = "cells.csv"\n', encoding="utf-8")
    detector = read_detector(folder / "detector.toml")
    cells = detector.cells
    columns = {"layer": cells.layer, "eta": cells.eta, "phi": cells.phi}
    table = pa.table(columns | {"deta": cells.d_eta, "dphi": cells.d_phi})
    pyarrow.csv.write_csv(table, folder / "cells.csv")
    hits, mark = showers_in(detector, _N_EVENTS), DetectorMark.of(detector)
    with HitsWriter(folder / "hits.h5", provenance={}, detector=mark) as writer:
        writer.append(hits)
    grid = toy_grid(detector)
    with DatasetWriter(
        folder / "photons.h5", grid, provenance={}, cell_table="toy", detector=mark
    ) as writer:
        writer.append(hits_to_voxels(hits, grid, detector=detector), hits_to_cells(hits, cells))


def _write_curves(folder: Path) -> None:
    phase = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)
    values = np.broadcast_to(1.0 + 0.02 * np.sin(phase), (2, 4, 8)).copy()
    curve = PhiModulation(values, np.array([0.0, 0.8, 1.4]), np.full_like(values, 0.01))
    rows = np.full((2, 5), 0.97)
    fit = FitResult(
        *(curve, np.ones((2, 6)), np.linspace(-1e-3, 1e-3, 5), rows, rows, 0.01 * rows),
        *((10, 20), ("few showers",)),
    )
    average = AverageProfile(
        np.linspace(-0.01, 0.01, 4),
        np.linspace(-0.003, 0.003, 3),
        np.ones((2, 3)),
        np.array([5, 6], dtype=np.int64),
    )
    path = folder / "curve.h5"
    write_curve(path, fit, settings=FitSettings(), truth=curve, average=average)
    write_curve_root(folder, PhiModulation(values[:1], np.array([0.0, 1.4])))


def _write_sub_voxels(path: Path, grid: VoxelGrid) -> None:
    energies = np.array([16384.0, 65536.0])
    quarters = np.full((2, grid.n_voxels, 4), 0.25)
    write_sub_voxels(path, SubVoxelProbabilities(grid, energies, quarters))


def _write_cells(path: Path) -> None:
    """Write few large cells, as `CaloCells.root` has them."""
    d_eta, d_phi, n_phi = 0.5, np.pi / 4, 8
    layer, eta, phi = (
        part.ravel()
        for part in np.meshgrid(
            np.array(BARREL_NUMBERS),
            np.arange(-1.25, 1.5, d_eta),
            (np.arange(n_phi) + 0.5) * d_phi - np.pi,
        )
    )
    order = np.argsort(layer, kind="stable")
    radius = 1500.0 + 100.0 * layer
    columns: dict[str, Array] = {
        "id": np.arange(len(layer)),
        "layer": layer[order],
        "eta": eta[order],
        "phi": phi[order],
        "r": radius[order],
        "z": (radius * np.sinh(eta))[order],
        "deta": np.full(len(layer), d_eta),
        "dphi": np.full(len(layer), d_phi),
        "dr": np.full(len(layer), 50.0),
    }
    with uproot.recreate(path) as file:
        file["caloDetCells"] = columns


def _write_photons(folder: Path) -> None:
    table = pa.table({"energy": [65e3, 1e4], "eta": [0.2, -0.21], "phi": [1.0, -3.0]})
    pyarrow.csv.write_csv(table, folder / "photons.csv")
    pyarrow.parquet.write_table(table, folder / "photons.parquet")


def _write_patterns(folder: Path, hits: Hits, grid: VoxelGrid) -> None:
    folder.mkdir()
    maker = PatternMaker(grid)
    maker.add(hits)
    write_patterns(folder / "patterns.h5", maker.library({"seed": 1}))
    _write_dataset(folder / "photons.h5", hits, grid)


def _write_shapes(folder: Path, hits: Hits) -> None:
    folder.mkdir()
    table, calibration = barrel_cells(), _calibration()
    shapes = cells_to_shapes(hits_to_cells(hits, table), table, calibration=calibration)
    write_shapes(
        folder / "shapes.parquet",
        shapes,
        photons=hits.photons,
        calibration=calibration,
        provenance={"source": {"seed": 1}},
    )


def _write_parametrisation(folder: Path) -> None:
    """Take the first sample of the shipped parametrisation."""
    folder.mkdir()
    whole = read_parametric(find_model("fastcalosimv2") / "parametrisation.h5")
    n_bins = int(whole.n_bins[0, 0])
    model = ParametricModel(
        energies=whole.energies[:1],
        eta_edges=whole.eta_edges[:2],
        **{name: getattr(whole, name)[:1, :1] for name in ("n_showers", "n_bins", "response")},
        **{
            name: getattr(whole, name)[:n_bins]
            for name in ("quantiles", "empty", "axes", "shapes")
        },
        phi_modulation=whole.phi_modulation,
        provenance={"seed": 1},
    )
    write_parametric(folder / "parametrisation.h5", model)


def _write_model(folder: Path, curve: Path) -> None:
    folder.mkdir()
    write_toy_onnx(folder / "low.onnx", eta_range=(0.0, 0.7))
    write_toy_onnx(folder / "high.onnx", eta_range=(0.7, 1.35))
    _write_sub_voxels(folder / "sub_voxels.root", VoxelGrid.optimal())
    (folder / "phi_modulation.h5").write_bytes(curve.read_bytes())
    describe_toy_folder(
        folder,
        ["low.onnx", "high.onnx"],
        sub_voxels="sub_voxels.root",
        phi_modulation="phi_modulation.h5",
    )
    path = folder / "model.json"
    grid = VoxelGrid.optimal()
    content = json.loads(path.read_text(encoding="utf-8"))
    content["program"] = "calovox"
    content["grid"] = {"name": grid.name, "voxels": grid.n_voxels, "rings": grid.to_toml()}
    parity = {"n_showers": 10, "floor": 1e-6, "mean": 0.0, "quantile_999": 0.0, "largest": 1e-6}
    file = {"name": "photons.h5", "sha256": "0", "n_showers": 1, "provenance": 0}
    before = file | {"provenance": {"hits": []}}
    training = {"n_showers": 2, "files": [file, before]}
    content["provenances"] = [{"hits": []}]
    for model, eta_range in zip(content["models"], ([0.0, 0.7], [0.7, 1.35]), strict=True):
        part = {"model": "toy", "parameters": 1, "metrics": {"loss": 0.5}, "recipe": {"seed": 1}}
        part["data"] = {"training": training}
        model |= {"energy_range": [256.0, 524288.0], "eta_range": eta_range, "parity": parity}
        model |= {"half_weights": False, "energies": part, "shapes": part}
    path.write_text(json.dumps(content), encoding="utf-8")


def _write_run(folder: Path, data: Path) -> None:
    """Write a paused run, and two finished ones."""
    folder.mkdir()
    write_runs(folder)
    (folder / "photons.h5").write_bytes(data.read_bytes())
    run_command("train", "inn", *train_options(folder), "--stop-after", "0.001s")


def train_options(folder: Path) -> list[str]:
    """Give the options of the paused run in a folder."""
    sizes = ("--width", "4", "--blocks", "4", "--bins", "4", "--batch-size", "2")
    steps = ("--steps", "2", "--averaging", "0.5", "--accelerator", "cpu")
    return ["--data", f"{folder / 'photons.h5'}", *sizes, *steps, "-o", f"{folder / 'paused'}"]


def _write_texts(folder: Path, grid: VoxelGrid, hits: Path) -> None:
    for name in ("grid", "gates", "configs"):
        (folder / name).mkdir()
    (folder / "grid" / "grid.toml").write_text(grid.to_toml(), encoding="utf-8")
    (folder / "grid" / "hits.h5").write_bytes(hits.read_bytes())
    gates = (
        '[[gate]]\nmetric = "separation"\nfeature = "e_tot"\nabove_floor = 0.005\n'
        '[[gate]]\nmetric = "auc"\nenergy = "all"\nat_most = 0.6\nn_sigma = 2\n'
    )
    (folder / "gates" / "gates.toml").write_text(gates, encoding="utf-8")
    for command, settings in CONFIGS.items():
        path = folder / "configs" / f"{command.replace(' ', '_')}.toml"
        path.write_text(settings_text(settings), encoding="utf-8")
    for name in ("photons.h5", "hits.h5", "curve.h5"):
        with h5py.File(folder / "configs" / name, "w"):
            pass  # it only has to be there: these commands are dry runs
    (folder / "configs" / "inn").mkdir()


def _write_report(folder: Path) -> None:
    folder.mkdir()
    simulated = [
        {"label": "a", "chi2": {"reduced": 1.2}},
        {"label": "b", "chi2": {"reduced": None}},
    ]
    region = {
        "region": {"name": "central"},
        "observables": [{"name": "f1", "simulated": simulated}],
    }
    content = {
        "format": "calovox report",
        "samples": [{"label": name, "n_events": 3, "n_voxels": 30} for name in ("Geant4", "a")],
        "regions": [region],
    }
    (folder / "report.json").write_text(json.dumps(content), encoding="utf-8")


def _write_scores(folder: Path) -> None:
    folder.mkdir()
    row = Score("a", "separation", "e_tot", "all", "all", 0.1, 0.01, 0.02, 0.01, 100, 90, 0.5)
    scores = Scores((row, row), (NotScored("a", "auc", "all", "all", "few showers"),))
    scores.to_json(folder / "scores.json")
    scores.to_parquet(folder / "scores.parquet")


def _write_shards(folder: Path, hits: Hits) -> None:
    folder.mkdir()
    shards = ShardFolder.open(folder / "hits.h5", {"seed": 1})
    shards.write(0, hits)
