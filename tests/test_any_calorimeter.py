"""Showers of other detectors go through all commands, which know the detector from the files."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from calovox.dataset import DatasetReader
from calovox.geometry.detector_files import DetectorMark, read_detector
from calovox.hits import HitsReader, HitsWriter
from calovox.reconstruction.shapes_file import read_shapes_file
from calovox.runtime import load_models
from tests.cli.commands.test_chain import fail, succeed
from tests.test_documents import commands_in
from tests.toy_cylinders import write_data_set_2, write_lemurs
from tests.toy_detector import showers_in

CYLINDERS = """
name = "cylinders"
eta_range = [0.0, 0.4]
[[layers]]
number = 0
count = 6
name = "Si{number}"
surface = "cylinder"
inner = 800.0
thickness = 25.5
[cells]
per_eta = 20
n_phi = 64
eta = [0.0, 0.5]
"""
STRIPS = """
eta_range = [0.0, 1.3]
[[layers]]
number = 4
name = "Front"
role = "strips"
surface = "cylinder"
inner = 1000.0
outer = 1100.0
cells = { per_eta = 40, n_phi = 64, eta = [0.0, 1.5] }
[[layers]]
number = 7
name = "Core"
role = "middle"
surface = "cylinder"
inner = 1100.0
outer = 1400.0
cells = { per_eta = 20, n_phi = 128, eta = [0.0, 1.5] }
"""
GRID = """
[rings]
default = [{ r_min = 0, r_max = 100, d_r = 20, n_alpha = 4 }]
"""
SHAPE = (3, 4, 6)
CELLS = ("--cells", "-o", "placed.h5")
TRAIN = "--batch-size 32 --steps 3 --threads 1 --eta 0:0.35"
DIT = (
    "--tokens patches --width 24 --heads 2 --blocks 1 --conditions maxima --voxels note "
    "--path karras --solver heun --solver-steps 2"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("cylinders.toml").write_text(CYLINDERS)
    Path("strips.toml").write_text(STRIPS)
    Path("grid.toml").write_text(GRID)
    return tmp_path


@pytest.mark.slow
def test_showers_in_cylinders_become_a_model_and_a_report(folder, monkeypatch):
    pytest.importorskip("torch", reason="needs torch: pip install calovox[train]")
    monkeypatch.setattr("calovox.export.folder._PARITY_SHOWERS", 20)
    write_lemurs(folder / "lemurs.h5", 120, SHAPE)
    succeed(
        "import", "lemurs.h5", "--ring", "13.95mm", "--detector", "cylinders.toml", "-o", "a.h5"
    )
    assert DatasetReader(folder / "a.h5").grid.layer_names == tuple(f"Si{i}" for i in range(6))
    succeed(*f"train inn --data a.h5 --blocks 4 --width 8 {TRAIN} -o inn".split())
    succeed(*f"train dit --data a.h5 {DIT} {TRAIN} -o dit".split())
    succeed("export", "inn", "dit", "-o", "model")
    Path("cylinders.toml").unlink()  # the files say it
    models = load_models(folder / "model")
    assert models.detector.name == "cylinders"
    assert "its layers are" in json.loads(Path("model/model.json").read_text())["no_fastcalosim"]
    photons = "--energy 2GeV:60GeV --eta abs:0.05:0.25 -n 60"
    succeed(*f"simulate --model model {photons} --cells --hits hits.h5 -o simulated.h5".split())
    assert DatasetReader(folder / "simulated.h5").detector == models.detector
    hits = HitsReader(folder / "hits.h5")
    assert hits.detector == models.detector
    r = hits.read().r
    assert r.min() > 800.0
    assert r.max() < 953.0
    succeed("reconstruct", "simulated.h5", "-o", "shapes.parquet")
    shapes = read_shapes_file(folder / "shapes.parquet")
    assert shapes.shapes is None
    np.testing.assert_allclose(shapes.layers.fraction.sum(axis=1), 1.0)
    assert "of layers alone" in succeed("info", "shapes.parquet").stdout
    succeed("simulate", "--model", "a.h5", "--cells", "-o", "reference.h5")
    succeed(*["evaluate", "reference.h5", "CaloDiT=model", "--referee", "none", "-o", "report"])
    numbers = json.loads(Path("report/report.json").read_text())
    reason = "has cells of the detector 'cylinders', without strips or without a middle layer"
    assert any(reason in line for line in numbers["missing"])
    scores = json.loads(Path("report/scores.json").read_text())
    assert {"e_layer_5", "width_eta_5", "n_above_1mev_5"} <= {
        row["feature"] for row in scores["scores"]
    }


def test_showers_of_the_calochallenge_have_a_detector(folder):
    write_data_set_2(folder / "ds.hdf5", folder / "binning.xml", 30, SHAPE)
    words = "import ds.hdf5 --binning binning.xml --detector cylinders.toml -o ds.h5"
    succeed(*words.split())
    library = "simulate --model ds.h5 --matching displaced --cells -o moved.h5"
    succeed(*library.split())
    energy = np.diff(DatasetReader(folder / "moved.h5").cells().event_offsets)
    assert np.all(energy > 0)
    match = r"grid 'CaloChallenge electron': expected layers out of \(4, 7\)"
    fail(*words.split(), "--force", "--detector", "strips.toml", match=match)


def test_hits_in_another_detector_go_to_shapes(folder):
    detector = read_detector(folder / "strips.toml")
    hits = showers_in(detector, 40, n_hits=120)
    event = np.repeat(hits.photons.index, np.diff(hits.event_offsets))
    rows = {"eventID": event, "eta": hits.eta, "phi": hits.phi, "r": hits.r, "edep": hits.energy}
    rows |= {f"mc_{name}": getattr(hits.photons, name)[event] for name in ("energy", "eta", "phi")}
    pa.csv.write_csv(pa.table(rows), "hits.csv")
    words = "import hits.csv --detector strips.toml -o hits.h5 --description import.toml"
    Path("import.toml").write_text(
        '[hits]\nevent = "eventID"\neta = "eta"\nphi = "phi"\nr = "r"\nenergy = "edep"\n'
        'length_unit = "mm"\nenergy_unit = "MeV"\n[photons]\nenergy = "mc_energy"\n'
        'eta = "mc_eta"\nphi = "mc_phi"\nenergy_unit = "MeV"\n'
    )
    succeed(*words.split())
    assert np.array_equal(HitsReader(folder / "hits.h5").read().layer, hits.layer)
    succeed(
        *[
            "voxelize",
            "hits.h5",
            "--grid",
            "grid.toml",
            "-o",
            "photons.h5",
            "--patterns",
            "patterns.h5",
        ]
    )
    reader = DatasetReader(folder / "photons.h5")
    assert reader.grid.numbers == (4, 7)
    assert reader.attached("calibration") is not None
    for name in ("hits", "photons"):
        succeed(
            "reconstruct", f"{name}.h5", "--calibration", "photons.h5", "-o", f"{name}.parquet"
        )
    first, second = (read_shapes_file(folder / f"{n}.parquet") for n in ("hits", "photons"))
    np.testing.assert_allclose(first.shapes.r_eta, second.shapes.r_eta, rtol=1e-5)
    np.testing.assert_allclose(first.layers.width_eta, second.layers.width_eta, atol=1e-6)
    placed = "simulate --model photons.h5 --patterns patterns.h5 --cells -o placed.h5"
    succeed(*placed.split())
    succeed("show", "placed.h5", "--view", "cells", "-o", "one.png")
    assert "strips" in succeed("info", "hits.h5").stdout


@pytest.mark.slow
def test_the_report_has_the_layers_of_another_detector(folder):
    detector = read_detector(folder / "strips.toml")
    hits = showers_in(detector, 700, n_hits=200)
    mark = DetectorMark.of(detector)
    with HitsWriter(
        folder / "hits.h5", provenance={}, detector=mark, particle="electron"
    ) as writer:
        writer.append(hits)
    succeed(
        *["voxelize", "hits.h5", "--grid", "grid.toml", "--center", "photon", "-o", "photons.h5"]
    )
    succeed(*["simulate", "--model", "photons.h5", "--cells", "-o", "placed.h5"])
    slices = "--slices-reference photons.h5 --slices placed=placed.h5"
    succeed(*f"evaluate photons.h5 placed=placed.h5 {slices} -o report".split())
    numbers = json.loads(Path("report/report.json").read_text())
    assert [len(entry["fractions"]) for entry in numbers["responses"]] == [2, 2]
    scores = json.loads(Path("report/scores.json").read_text())["scores"]
    assert {"r_eta", "w_eta1", "e_cal", "e_layer_4"} <= {row["feature"] for row in scores}
    page = Path("report/index.html").read_text()
    assert "Front (4)" in page
    assert re.search(r"[\d.]+ GeV, 0\.1\d &lt; \|η\| &lt; 1\.2\d", page)
    for word in ("65 GeV", "electrode", "in EMB1", "note's Figure 1", "note's model"):
        assert word not in page, word


def test_another_detector_is_refused(folder):
    detector = read_detector(folder / "strips.toml")
    with HitsWriter(
        folder / "hits.h5", provenance={}, detector=DetectorMark.of(detector)
    ) as writer:
        writer.append(showers_in(detector, 25, n_hits=60))
    words = ["voxelize", "hits.h5", "--grid", "grid.toml", "-o", "photons.h5"]
    other = ("--detector", "cylinders.toml")
    match = "expected the layers of hits.h5, which is of the detector 'strips', got those of"
    fail(*words, *other, match=match)
    succeed(*words)
    for command in (
        "reconstruct photons.h5 -o a.parquet",
        "simulate --model photons.h5 -o a.h5",
        "evaluate photons.h5 -o report",
        "show photons.h5 -o a.png",
    ):
        fail(*command.split(), *other, match=r"expected the layers of photons\.h5")
    match = "train parametric is for the layers of the built-in barrel"
    fail(*["train", "parametric", "hits.h5", "-o", "a.h5"], match=match)
    fail(*words, "--fastcalosim", "--force", match="--fastcalosim: expected the layers")


def test_hits_in_an_endcap_go_to_cells(folder):
    Path("disks.toml").write_text(
        STRIPS.replace("cylinder", "plane").replace("[0.0, 1", "[0.5, 1")
    )
    detector = read_detector(folder / "disks.toml")
    with HitsWriter(
        folder / "hits.h5", provenance={}, detector=DetectorMark.of(detector)
    ) as writer:
        writer.append(showers_in(detector, 150, n_hits=80))
    words = "voxelize hits.h5 --grid grid.toml --sub-voxels sub.root -o photons.h5"
    succeed(*words.split())
    succeed("simulate", "--model", "photons.h5", "--sub-voxels", "sub.root", *CELLS)
    succeed(*["reconstruct", "placed.h5", "-o", "shapes.parquet"])
    content = read_shapes_file(folder / "shapes.parquet")
    photons, shapes = content.photons, content.layers
    filled = shapes.n_cells > 0
    away = np.abs(shapes.center_eta - photons.eta[:, None])[filled]
    assert np.median(away) < 0.05


PAGE = Path(__file__).resolve().parents[1] / "docs" / "any_calorimeter.md"


@pytest.mark.slow
def test_commands_of_the_page_run(folder, monkeypatch):
    pytest.importorskip("torch", reason="needs torch: pip install calovox[train]")
    monkeypatch.setattr("calovox.export.folder._PARITY_SHOWERS", 20)
    text = PAGE.read_text(encoding="utf-8")
    (detector,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    Path("silicon.toml").write_text(detector)
    shape = (3, 4, 45)
    write_lemurs(folder / "LEMURS.h5", 150, shape)
    write_lemurs(folder / "LEMURS_test.h5", 60, shape, seed=9)
    write_data_set_2(folder / "dataset_2_1.hdf5", folder / "binning_dataset_2.xml", 30, shape)
    write_hits(read_detector(folder / "silicon.toml"))
    Path("rings.toml").write_text(GRID)
    for words in commands_in(text):
        small = ["3" if word in ("20000", "50000") else word for word in words]
        extra = {"simulate": ["--allow-extrapolation"], "evaluate": ["--referee", "none"]}
        more = extra.get(words[0], []) if "displaced" not in words else []
        succeed(*small, *more)
    samples = json.loads(Path("report/report.json").read_text())["samples"]
    assert [sample["label"] for sample in samples] == ["Geant4", "CaloDiT-2"]


def write_hits(detector):
    """Write hits, and the photons of their events, as text."""
    hits = showers_in(detector, 25, n_hits=90)
    r = hits.r.astype("f8")
    event = np.repeat(hits.photons.index, np.diff(hits.event_offsets))
    rows = {"eventID": event, "x_mm": r * np.cos(hits.phi), "y_mm": r * np.sin(hits.phi)}
    rows |= {"z_mm": r * np.sinh(hits.eta.astype("f8")), "edep_MeV": hits.energy}
    photons = {name: getattr(hits.photons, name) for name in ("energy", "eta", "phi")}
    photons = {"eventID": hits.photons.index, "E_MeV": photons.pop("energy"), **photons}
    pa.csv.write_csv(pa.table(rows), "hits.csv")
    pa.csv.write_csv(pa.table(photons), "primaries.csv")
