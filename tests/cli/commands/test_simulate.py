"""`calovox simulate` with trained models, here toys."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from calovox.binned_shower import SubVoxelProbabilities, write_sub_voxels
from calovox.dataset import DatasetReader
from calovox.hits.file import HitsReader, HitsWriter
from calovox.models.centers import fit_centers
from calovox.phi_modulation import PhiModulation
from calovox.phi_modulation.curve_file import write_curve
from calovox.runtime.onnx_runtime import onnxruntime
from calovox.voxelization import VoxelGrid
from tests.cli.commands.test_chain import fail, succeed
from tests.models.centers.test_centers import toy_centers
from tests.toy_gpu import CPU, CUDA, pretend_gpu
from tests.toy_onnx import describe_toy_folder, write_toy_onnx
from tests.toy_showers import toy_showers

PHOTONS = ("--energy", "65GeV", "--eta", "abs:0.2:0.25", "-n", 6)
SIMULATE = ("simulate", "--model", "toy", "--seed", 7)


def write_centers(path):
    showers, offsets, _ = toy_centers(2000)
    fit_centers(showers, offsets).write(path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with toy models that have curves and sub-voxel probabilities of their own."""
    monkeypatch.chdir(tmp_path)
    models = tmp_path / "toy"
    models.mkdir()
    write_toy_onnx(models / "toy.onnx")
    curve = PhiModulation.from_function(lambda layer, phi: 1.0 + 0.1 * np.cos(1024 * phi))
    write_curve(models / "curve.h5", curve)
    quarters = np.tile([0.7, 0.1, 0.1, 0.1], (1, 382, 1))
    probabilities = SubVoxelProbabilities(VoxelGrid.optimal(), np.array([65536.0]), quarters)
    write_sub_voxels(models / "sub.root", probabilities)
    describe_toy_folder(models, ["toy.onnx"], sub_voxels="sub.root", phi_modulation="curve.h5")
    write_centers(tmp_path / "centers.json")
    return tmp_path


def test_photons_become_cells(folder):
    succeed(*SIMULATE, *PHOTONS, "--cells", "--hits", "hits.h5", "-o", "new.h5")
    reader = DatasetReader(Path("new.h5"))
    voxels = reader.read()
    assert voxels.incident_energy.tolist() == [65e3] * 6
    assert not voxels.extrapolated.any()
    hits = HitsReader(Path("hits.h5"))
    cells = reader.cells()
    expected = hits.read().energy.sum(dtype=float)
    assert cells.energy.sum(dtype=float) + cells.outside.sum() == pytest.approx(expected, rel=1e-5)
    assert hits.phi_modulation == {"state": "present"}
    assert reader.provenance["phi_modulation"] == {"state": "removed"}
    assert set(reader.provenance["model_files"]) == {"toy.onnx", "curve.h5", "sub.root"}
    succeed("reconstruct", "new.h5", "-o", "shapes.parquet")


def test_the_models_side_files_are_the_default_and_can_be_switched_off(folder):
    succeed(*SIMULATE, *PHOTONS, "--hits", "own.h5", "-o", "a.h5")
    named = ("--sub-voxels", "toy/sub.root", "--phi-modulation", "toy/curve.h5")
    succeed(*SIMULATE, *PHOTONS, *named, "--hits", "named.h5", "-o", "b.h5")
    none = ("--sub-voxels", "none", "--phi-modulation", "none")
    succeed(*SIMULATE, *PHOTONS, *none, "--hits", "none.h5", "-o", "c.h5")
    own, again, without = (HitsReader(Path(f"{x}.h5")).read() for x in ("own", "named", "none"))
    assert np.array_equal(own.energy, again.energy)
    assert np.array_equal(own.eta, again.eta)
    assert not np.array_equal(own.eta, without.eta)
    assert not np.array_equal(own.energy, without.energy)
    assert HitsReader(Path("none.h5")).phi_modulation == {"state": "removed"}
    assert set(DatasetReader(Path("c.h5")).provenance["model_files"]) == {"toy.onnx"}


def test_photons_come_from_a_file(folder):
    hits = toy_showers(5, n_hits=50)
    with HitsWriter(Path("reference.h5"), provenance={}) as writer:
        writer.append(hits)
    succeed(*SIMULATE, "--photons", "reference.h5", "-n", 3, "-o", "a.h5")
    voxels = DatasetReader(Path("a.h5")).read()
    assert np.array_equal(voxels.phi_center, hits.photons.phi[:3])
    assert np.array_equal(voxels.index, hits.photons.index[:3])
    succeed(*SIMULATE, "--photons", "a.h5", "-o", "b.h5")
    assert np.array_equal(DatasetReader(Path("b.h5")).read().energy, voxels.energy)


def test_centres_are_drawn_about_the_impacts_of_photons(folder):
    with HitsWriter(Path("hits.h5"), provenance={}) as writer:
        writer.append(toy_showers(6, n_hits=200))
    succeed("voxelize", "hits.h5", "-o", "photons.h5")
    photons = ("--photons", "photons.h5", "--allow-extrapolation")
    succeed(*SIMULATE, *photons, "--center", "centers.json", "-o", "drawn.h5")
    succeed(*SIMULATE, *photons, "--center", "photon", "-o", "centred.h5")
    reference = DatasetReader(Path("photons.h5")).read()
    drawn, centred = (DatasetReader(Path(name)).read() for name in ("drawn.h5", "centred.h5"))
    assert np.array_equal(drawn.photon_eta, reference.photon_eta)
    assert not np.any(drawn.eta_center == drawn.photon_eta)
    assert np.array_equal(centred.eta_center, reference.eta_center)
    assert "centers.json" in DatasetReader(Path("drawn.h5")).provenance["model_files"]
    fail(*SIMULATE[:2], "photons.h5", "--center", "photon", "-o", "no.h5", match="trained models")


def test_the_models_own_centres_are_the_default(folder):
    (Path("toy") / "centers.json").write_bytes(Path("centers.json").read_bytes())
    sides = {"sub_voxels": "sub.root", "phi_modulation": "curve.h5", "centers": "centers.json"}
    describe_toy_folder(Path("toy"), ["toy.onnx"], **sides)
    succeed(*SIMULATE, *PHOTONS, "-o", "drawn.h5")
    succeed(*SIMULATE, *PHOTONS, "--center", "photon", "-o", "centred.h5")
    drawn, centred = (DatasetReader(Path(name)).read() for name in ("drawn.h5", "centred.h5"))
    assert np.array_equal(drawn.energy, centred.energy)
    assert np.array_equal(centred.eta_center, centred.photon_eta)
    assert not np.any(drawn.eta_center == drawn.photon_eta)


def test_new_photons_of_a_library_come_from_a_file(folder):
    succeed(*SIMULATE, *PHOTONS, "-o", "library.h5")
    rows = pa.table({"energy": [50e3, 60e3], "eta": [0.2, -0.2], "phi": [0.0, 1.0]})
    pyarrow.csv.write_csv(rows, "photons.csv")
    options = ("--matching", "nearest", "--photons", "photons.csv", "-o", "a.h5")
    succeed("simulate", "--model", "library.h5", *options)
    assert DatasetReader(Path("a.h5")).read().incident_energy.tolist() == [50e3, 60e3]


def test_extrapolated_photons_are_refused_or_flagged(folder):
    photons = ("--energy", "65GeV", "--eta", "1.3:1.4", "-n", 20, "-o", "a.h5")
    fail(*SIMULATE, *photons, match=r"\|eta\| 0 to 1\.35.*of 20 outside.*--allow-extrapolation")
    assert not Path("a.h5").exists()
    result = succeed(*SIMULATE, *photons, "--allow-extrapolation")
    flags = DatasetReader(Path("a.h5")).read().extrapolated
    assert 0 < flags.sum() < 20
    assert f"{flags.sum()} extrapolated" in result.stdout


def test_contradicting_options_are_refused(folder):
    fail(*SIMULATE, "--energy", "1GeV", "--eta", "0", "-o", "a.h5", match="needs -n, or --photons")
    fail(*SIMULATE, *PHOTONS, "--matching", "nearest", "-o", "a.h5", match="--matching is for")
    Path("p.csv").write_text("energy,eta,phi\n1000,0,0\n")
    more = ("--photons", "p.csv", "-o", "a.h5")
    fail(*SIMULATE, *PHOTONS, *more, match="--energy is not for the photons of a file")
    succeed(*SIMULATE, *PHOTONS, "-o", "a.h5")
    library = ("simulate", "--model", "a.h5", "-o", "b.h5")
    fail(*library, "--allow-extrapolation", match="is for trained models")
    fail(*library, "--accelerator", "cuda", match="a.h5 is a library of showers: leave it out")
    fail(*library, "--photons", "p.csv", match="--matching nearest")
    fail("simulate", "--model", "missing.h5", "-o", "b.h5", match=r"missing\.h5: no such file")
    fail(*library, "--sub-voxels", "missing.root", match=r"missing\.root: no such file")
    fail(*library, "--phi-modulation", "missing.h5", match=r"missing\.h5: no such file")


def test_one_onnx_file_is_a_model_without_side_files(folder):
    arguments = ("simulate", "--model", "toy/toy.onnx", *PHOTONS, "--seed", 7)
    succeed(*arguments, "--hits", "hits.h5", "-o", "one.h5")
    succeed(*SIMULATE, *PHOTONS, "-o", "all.h5")
    one, of_folder = (DatasetReader(Path(f"{x}.h5")).read() for x in ("one", "all"))
    assert np.array_equal(one.energy, of_folder.energy)
    assert HitsReader(Path("hits.h5")).phi_modulation is None


def test_an_unknown_model_is_refused(folder):
    fail("simulate", "--model", "nothing", *PHOTONS, "-o", "a.h5", match="nothing: no such file")


def test_a_recorded_run_gives_the_same_showers(folder):
    succeed(*SIMULATE, *PHOTONS, "-o", "a.h5")
    succeed("simulate", "--config", "a.h5.config.toml", "-o", "b.h5")
    first, second = (DatasetReader(Path(f"{x}.h5")).read() for x in "ab")
    assert np.array_equal(first.energy, second.energy)


def test_a_gpu_draws_the_showers_of_the_same_seed_and_events(folder, monkeypatch):
    succeed(*SIMULATE, *PHOTONS, "-o", "cpu.h5")
    gpu = pretend_gpu(monkeypatch)
    succeed(*SIMULATE, *PHOTONS, "--accelerator", "cuda", "-o", "cuda.h5")
    assert gpu.asked[0]["providers"][0][0] == CUDA
    first, second = (DatasetReader(Path(f"{name}.h5")).read() for name in ("cpu", "cuda"))
    assert np.array_equal(first.energy, second.energy)
    assert DatasetReader(Path("cuda.h5")).provenance["settings"]["accelerator"] == "cuda"


def test_a_gpu_that_is_not_there_is_one_line_and_no_result(folder, monkeypatch):
    cuda = (*PHOTONS, "--accelerator", "cuda", "-o", "a.h5")
    pretend_gpu(monkeypatch, used=(CPU,))
    fail(*SIMULATE, *cuda, match=r"--accelerator cuda: expected toy\.onnx on CUDA")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    fail(*SIMULATE, *cuda, match="install onnxruntime-gpu in place of onnxruntime")
    assert not Path("a.h5").exists()
