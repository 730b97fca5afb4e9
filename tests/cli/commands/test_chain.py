"""The commands one after the other, on a handful of toy showers."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from calovox.cli import app
from calovox.dataset import DatasetReader
from calovox.dataset.keys import LEAST_FRACTION
from calovox.hits.file import HitsReader, HitsWriter
from calovox.reconstruction import read_shapes, read_shapes_file
from tests.toy_showers import toy_photons, toy_showers

N_EVENTS = 24


def call(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def succeed(*arguments):
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def fail(*arguments, match):
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("calovox: ")
    assert result.stderr.count("\n") == 1
    assert re.search(match, result.stderr), result.stderr


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Results of all commands but the report."""
    folder = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with HitsWriter(Path("hits.h5"), provenance={"source": "toy"}) as writer:
            writer.append(toy_showers(N_EVENTS, n_hits=1000))
        succeed("voxelize", "hits.h5", "-o", "photons.h5", "--sub-voxels", "sub.root")
        simulate = ("simulate", "--model", "photons.h5", "--sub-voxels", "sub.root")
        succeed(*simulate, "--cells", "--hits", "simulated_hits.h5", "-o", "simulated.h5")
        succeed("reconstruct", "simulated.h5", "-o", "shapes.parquet")
    return folder


@pytest.fixture
def folder(chain, tmp_path, monkeypatch):
    """A copy of the results, to work in."""
    shutil.copytree(chain, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def unchanged(folder):
    """Check that the test leaves no file behind."""
    before = sorted(path.name for path in folder.iterdir())
    yield folder
    assert sorted(path.name for path in folder.iterdir()) == before


def test_chain_conserves_events_and_energy(chain):
    reference, simulated = (DatasetReader(chain / f"{x}.h5") for x in ("photons", "simulated"))
    assert len(reference) == len(simulated) == N_EVENTS
    assert np.array_equal(reference.read().energy, simulated.read().energy)
    assert np.array_equal(reference.read().index, simulated.read().index)
    total = HitsReader(chain / "simulated_hits.h5").read().energy.sum(dtype=float)
    voxels = simulated.read()
    assert total == pytest.approx(voxels.total_fraction @ voxels.incident_energy, rel=1e-5)


def test_calibration_follows_the_showers(chain):
    calibrations = [
        DatasetReader(chain / f"{name}.h5").attached("calibration")
        for name in ("photons", "simulated")
    ]
    assert np.array_equal(calibrations[0]["weights"], calibrations[1]["weights"])
    shapes = read_shapes(chain / "shapes.parquet")
    assert shapes.e_cal.mean() == pytest.approx(65e3, rel=0.02)


def test_hits_and_their_dataset_give_the_same_shapes(folder):
    succeed("reconstruct", "hits.h5", "--calibration", "photons.h5", "-o", "a.parquet")
    succeed("reconstruct", "photons.h5", "-o", "b.parquet")
    from_hits, from_dataset = (
        read_shapes_file(Path("a.parquet")),
        read_shapes_file(Path("b.parquet")),
    )
    assert np.array_equal(from_hits.shapes.r_eta, from_dataset.shapes.r_eta)
    assert np.array_equal(from_hits.shapes.e_cal, from_dataset.shapes.e_cal)
    assert np.array_equal(from_hits.photons.energy, from_dataset.photons.energy)


def test_hits_without_calibration_have_no_calibrated_energy(folder):
    succeed("reconstruct", "hits.h5", "--strip-rows", 2, "-o", "a.parquet")
    assert read_shapes(Path("a.parquet")).e_cal is None


@pytest.mark.parametrize("matching", ["nearest", "random"])
def test_new_photons_are_simulated(folder, matching):
    succeed(
        *("simulate", "--model", "photons.h5", "--matching", matching),
        *("--energy", "10GeV:20GeV", "--eta", "abs:0.2:0.3", "-n", 10, "--seed", 7),
        *("--e-hit", "20MeV", "-o", "new.h5"),
    )
    voxels = DatasetReader(Path("new.h5")).read()
    assert len(voxels) == 10
    assert np.all((voxels.incident_energy > 10e3) & (voxels.incident_energy < 20e3))
    assert np.all((np.abs(voxels.eta_center) > 0.2) & (np.abs(voxels.eta_center) < 0.3))


def test_perfect_matching_can_stop_early(folder):
    succeed("simulate", "--model", "photons.h5", "-n", 5, "-o", "five.h5")
    assert len(DatasetReader(Path("five.h5"))) == 5


def test_several_hits_files_become_one_dataset(folder):
    photons = toy_photons(6, seed=2)
    later = type(photons)(photons.energy, photons.eta, photons.phi, photons.index + 1000)
    with HitsWriter(Path("more.h5"), provenance={}) as writer:
        writer.append(toy_showers(6, photons=later))
    succeed("voxelize", "hits.h5", "more.h5", "--no-cells", "-o", "all.h5", "--precision-bits", 8)
    assert len(DatasetReader(Path("all.h5"))) == N_EVENTS + 6
    assert DatasetReader(Path("all.h5")).cell_table is None


def test_fastcalosim_library_has_its_columns(folder):
    succeed("voxelize", "hits.h5", "--no-cells", "--fastcalosim", "-o", "library.h5")
    with h5py.File("library.h5") as file:
        assert {"center_eta", "phi_mod", "incident_energy"} <= set(file)
        assert file["energy_layer_2"].compression == "gzip"


@pytest.mark.parametrize("bits", [None, 1])
def test_fastcalosim_library_has_nothing_between_0_and_1_3e_7(folder, bits):
    """FastCaloSim divides by 0 where a layer's first voxel above 0 has 1.19e-7 or less."""
    hits = toy_showers(2, n_hits=100)
    energy = np.where(np.arange(len(hits.energy)) % 3 == 0, 1e-3, hits.energy)  # MeV
    with HitsWriter(Path("tiny.h5"), provenance={"source": "toy"}) as writer:
        writer.append(replace(hits, energy=energy.astype(hits.energy.dtype)))
    words = () if bits is None else ("--precision-bits", bits)
    succeed("voxelize", "tiny.h5", "--no-cells", "-o", "plain.h5")
    succeed("voxelize", "tiny.h5", "--no-cells", "--fastcalosim", *words, "-o", "exact.h5")
    plain, exact = (DatasetReader(Path(name)).read().energy for name in ("plain.h5", "exact.h5"))
    least = np.float32(LEAST_FRACTION)
    assert ((plain > 0.0) & (plain < least)).any()
    assert not ((exact > 0.0) & (exact < least)).any()
    if bits is None:
        np.testing.assert_array_equal(exact, np.where(plain < least, 0.0, plain))


def test_grid_file_defines_the_voxels(folder):
    Path("coarse.toml").write_text(
        "[rings]\ndefault = [{ r_min = 0, r_max = 100, d_r = 50, n_alpha = 2 }]\n"
    )
    succeed("voxelize", "hits.h5", "--grid", "coarse.toml", "-o", "coarse.h5")
    assert DatasetReader(Path("coarse.h5")).grid.n_voxels == 5 * 4


def test_evaluate_writes_a_report(folder):
    result = succeed(
        *("evaluate", "photons.h5", "optimal=simulated.h5"),
        *("--hits", "hits.h5", "-o", "report"),
    )
    assert "report/index.html" in result.stdout
    assert Path("report/index.html").is_file()
    json.loads(Path("report/report.json").read_text())
    assert "24 showers, 382 voxels" in succeed("info", "report").stdout
    fail("evaluate", "photons.h5", "simulated.h5", "-o", "report", match="--force")


@pytest.mark.usefixtures("blank_pictures")
def test_files_of_one_name_form_one_sample(folder):
    for name in ("photons", "simulated"):
        with h5py.File(shutil.copy(f"{name}.h5", f"more_{name}.h5"), "r+") as file:
            file["event/index"][...] += 1000
    files = ("a=simulated.h5", "a=more_simulated.h5", "--also-reference", "more_photons.h5")
    succeed("evaluate", "photons.h5", *files, "-o", "report")
    numbers = json.loads(Path("report/report.json").read_text())
    assert [sample["n_events"] for sample in numbers["samples"]] == [2 * N_EVENTS] * 2
    assert len(numbers["provenance"]["files"]) == 4
    shutil.copy("simulated.h5", "again.h5")
    twice = ("a=simulated.h5", "a=again.h5")
    fail("evaluate", "photons.h5", *twice, "-o", "no", match="expected each event once")


@pytest.mark.usefixtures("blank_pictures")
def test_evaluate_needs_no_cells_for_slices(folder):
    files = ("--slices-reference", "photons.h5", "--slices", "a=simulated.h5")
    succeed("evaluate", *files, "-o", "report")
    numbers = json.loads(Path("report/report.json").read_text())
    assert numbers["samples"] == []
    assert [entry["eta_range"]["figure"] for entry in numbers["energy_slices"]] == ["C.1", "C.2"]
    assert "format" in succeed("info", "report").stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hits.h5", "hits"),
        ("photons.h5", "382"),
        ("shapes.parquet", "r_eta"),
        ("sub.root", "sub-voxel probabilities"),
        ("photons.h5.config.toml", "optimal"),
    ],
)
def test_info_tells_what_is_in_every_file(chain, name, text):
    result = succeed("info", chain / name)
    assert text in result.stdout
    assert result.stdout.startswith("format")


@pytest.mark.usefixtures("unchanged")
class TestErrors:
    """Wrong input: one line, exit code 2, no file left behind."""

    @pytest.mark.parametrize("command", ["voxelize", "reconstruct"])
    def test_damaged_file(self, folder, command):
        content = Path("hits.h5").read_bytes()
        Path("hits.h5").write_bytes(content[: len(content) // 2])
        fail(command, "hits.h5", "-o", "out", match="truncated or damaged")

    def test_dataset_instead_of_hits(self):
        fail("voxelize", "photons.h5", "-o", "out.h5", match="photons.h5 is no hits file")

    def test_hits_instead_of_dataset(self):
        fail("simulate", "--model", "hits.h5", "-o", "out.h5", match="hits.h5")

    def test_shapes_instead_of_cells(self):
        fail("reconstruct", "shapes.parquet", "-o", "out.parquet", match="expected a hits file")

    def test_unknown_grid(self):
        fail("voxelize", "hits.h5", "--grid", "best", "-o", "out.h5", match="optimal, regular")

    def test_the_same_hits_twice(self):
        fail("voxelize", "hits.h5", "hits.h5", "-o", "out.h5", match="--first-event")

    def test_photons_for_perfect_matching(self):
        arguments = ("simulate", "--model", "photons.h5", "-o", "out.h5")
        fail(*arguments, "--energy", "65GeV", match="--matching nearest")

    def test_no_photons_for_nearest_matching(self):
        arguments = ("simulate", "--model", "photons.h5", "-o", "out.h5")
        fail(*arguments, "--matching", "nearest", match="--energy")

    def test_energy_without_unit(self):
        arguments = ("simulate", "--model", "photons.h5", "-o", "out.h5")
        fail(*arguments, "--e-hit", "4", match="expected energy with one of the units")

    def test_sub_voxels_of_another_grid(self):
        arguments = ("voxelize", "hits.h5", "--grid", "regular", "--no-cells")
        succeed(*arguments, "-o", "regular.h5")
        arguments = ("simulate", "--model", "regular.h5", "--sub-voxels", "sub.root")
        fail(*arguments, "-o", "out.h5", match="probabilities_layer_0")
        Path("regular.h5").unlink()
        Path("regular.h5.config.toml").unlink()

    def test_two_simulations_of_one_name(self):
        arguments = ("evaluate", "photons.h5", "simulated.h5", "simulated.h5")
        fail(*arguments, "-o", "report", match="NAME=FILE")

    def test_the_same_reference_twice(self):
        arguments = ("evaluate", "photons.h5", "--also-reference", "photons.h5")
        fail(*arguments, "-o", "report", match="each file once")

    def test_more_references_without_a_first(self):
        files = ("--slices-reference", "photons.h5", "--slices", "a=simulated.h5")
        arguments = ("evaluate", *files, "--also-reference", "photons.h5", "-o", "report")
        fail(*arguments, match="expected a first REFERENCE")

    def test_missing_simulation(self):
        arguments = ("evaluate", "photons.h5", "a=missing.h5", "-o", "report")
        fail(*arguments, match=r"missing\.h5: no such file")

    def test_report_on_nothing(self):
        fail("evaluate", "-o", "report", match="REFERENCE: expected a dataset")

    @pytest.mark.parametrize("name", ["slices", "classifier"])
    def test_voxels_without_reference(self, name):
        arguments = ("evaluate", "photons.h5", "simulated.h5", f"--{name}", "a=simulated.h5")
        fail(*arguments, "-o", "report", match=f"--{name}-reference: give both or neither")

    def test_too_few_showers_for_a_classifier(self):
        files = ("--classifier-reference", "photons.h5", "--classifier", "a=simulated.h5")
        arguments = ("evaluate", *files, "--referee", "none", "-o", "report")
        fail(*arguments, match="photons.h5: expected 800 showers")

    def test_unknown_file(self, folder):
        fail("info", __file__, match="no file of calovox")

    def test_unknown_command(self):
        fail("voxelise", match="voxelize")


def test_geant4_without_data_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GEANT4_DATA_DIR", str(tmp_path / "nowhere"))
    arguments = ("geant4", "--energy", "1GeV", "--eta", "0.2", "-n", 1, "-o", "hits.h5")
    fail(*arguments, match="calzone download")
    assert list(tmp_path.iterdir()) == []


def test_geant4_dry_run_needs_no_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("geant4", "--energy", "1GeV", "--eta", "0.2", "-n", 1, "-o", "hits.h5")
    result = succeed(*arguments, "--dry-run")
    assert 'energy = "1GeV"' in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_commands_stand_in_the_order_of_the_stages():
    text = call("--help").stdout
    names = ["geant4", "voxelize", "phi-modulation", "simulate", "reconstruct", "evaluate", "info"]
    positions = [re.search(rf"^│ {name} ", text, re.MULTILINE).start() for name in names]
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    "name", ["geant4", "voxelize", "simulate", "reconstruct", "evaluate", "info"]
)
def test_help_ends_with_one_example(name):
    text = " ".join(succeed(name, "--help").stdout.split())
    assert f"Example: calovox {name} " in text.rpartition("╯")[2]
