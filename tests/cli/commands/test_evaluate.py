import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calovox.cli import app
from calovox.report.comparison import SPLIT_SEED
from calovox.scores.collecting import ROWS_SEED
from calovox.scores.judge import SCORES_SEED
from calovox.scores.referee import DEPTHS
from calovox.scores.referee.kinds import NOISE_SEEDS
from calovox.scores.scoring import COPYING_SEED
from calovox.scores.table import Scores
from tests.toy_calochallenge import toy_challenge, write_binning, write_showers

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("scores")
    write_binning(path / "binning.xml")
    for seed, (name, shift) in enumerate({"reference": 0.0, "same": 0.0, "moved": 0.06}.items()):
        write_showers(path / f"{name}.hdf5", *toy_challenge(300, seed=seed, shift=shift))
    write_showers(path / "training.hdf5", *toy_challenge(600, seed=9))
    (path / "gates.toml").write_text(
        '[[gate]]\nmetric = "chi2_ndf"\nfeature = "e_layer_*"\np_value = 0.001\n'
    )
    return path


@pytest.fixture(autouse=True)
def _few_trees(monkeypatch):
    few = replace(DEPTHS["quick"], n_trees=3, seen_trees=3, n_alone=0)
    monkeypatch.setitem(DEPTHS, "quick", few)


def evaluate(folder, monkeypatch, *arguments, referee="none"):
    monkeypatch.chdir(folder)
    words = ["evaluate", "reference.hdf5", *arguments, "--referee", referee]
    return CliRunner().invoke(app, words)


def test_files_of_the_calochallenge_are_scored_and_keep_gates(folder, monkeypatch):
    files = ("same.hdf5", "--binning", "binning.xml")
    options = ("--gates", "gates.toml", "-o", "good")
    result = evaluate(folder, monkeypatch, *files, *options, referee="quick")
    assert result.exit_code == 0, result.output
    assert "1 gates kept by " in result.stdout
    scores = Scores.from_parquet(folder / "good" / "scores.parquet")
    (largest,) = scores.select(metric="largest_auc")
    assert (largest.sample, largest.feature) == ("same", "trees: voxel observables")
    assert len(scores.select(sample="same", metric="ks", energy_bin="all")) > 0
    assert (
        "Shower shapes: same.hdf5 has no cell energies"
        in (folder / "good" / "index.html").read_text()
    )


def test_a_report_on_files_without_cells_names_its_samples_and_all_files(folder, monkeypatch):
    files = ("same.hdf5", "--binning", "binning.xml", "--training", "training.hdf5")
    options = ("--gates", "gates.toml", "--min-energy", "1keV")
    result = evaluate(folder, monkeypatch, *files, *options, "-o", "full")
    assert result.exit_code == 0, result.output
    content = json.loads((folder / "full" / "report.json").read_text())
    names = [(sample["label"], sample["n_events"]) for sample in content["samples"]]
    assert names == [("Geant4", 300), ("same", 300)]
    described = {
        (file["role"], Path(file["path"]).name): file["sha256"]
        for file in content["provenance"]["files"]
    }
    expected = {
        ("Geant4", "reference.hdf5"),
        ("same", "same.hdf5"),
        ("training set", "training.hdf5"),
        ("voxels of the CaloChallenge", "binning.xml"),
        ("gates", "gates.toml"),
    }
    assert set(described) == expected
    for (_, name), found in described.items():
        assert found == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    page = (folder / "full" / "index.html").read_text()
    for seed in (ROWS_SEED, SCORES_SEED, COPYING_SEED, SPLIT_SEED, *NOISE_SEEDS):
        assert f"{seed} (" in page
    assert described["gates", "gates.toml"] in page
    outcomes = json.loads((folder / "full" / "gates.json").read_text())["outcomes"]
    assert {outcome["verdict"] for outcome in outcomes} >= {"passed", "not judged"}


def test_a_gate_that_is_not_kept_is_named_and_the_result_stays(folder, monkeypatch):
    files = ("same.hdf5", "x=moved.hdf5", "--binning", "binning.xml")
    result = evaluate(folder, monkeypatch, *files, "--gates", "gates.toml", "-o", "bad")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert any("gate not kept: x: chi2_ndf of e_layer_0 in all" in line for line in lines)
    assert not any("gate not kept: same" in line for line in lines)
    assert (folder / "bad" / "scores.json").is_file()
    assert (folder / "bad.config.toml").is_file()


def test_a_binning_is_asked_for(folder, monkeypatch):
    result = evaluate(folder, monkeypatch, "same.hdf5", "-o", "report")
    assert result.exit_code == 2
    assert "--binning" in result.stderr
    assert not (folder / "report").exists()


def test_a_sample_in_other_units_is_no_report_but_an_error(folder, monkeypatch):
    energy, showers = toy_challenge(300, seed=3)
    write_showers(folder / "gev.hdf5", energy / 1e3, showers / 1e3)
    result = evaluate(folder, monkeypatch, "x=gev.hdf5", "--binning", "binning.xml", "-o", "gev")
    assert result.exit_code == 2
    (line,) = [text for text in result.stderr.splitlines() if text.startswith("calovox: ")]
    assert "x: expected the incident energies of its reference (reference.hdf5), got 0.00" in line
    assert not (folder / "gev").exists()


def test_what_is_not_shown_is_on_the_page_and_on_stderr(folder, monkeypatch):
    arguments = ("same.hdf5", "--binning", "binning.xml", "-o", "named")
    result = evaluate(folder, monkeypatch, *arguments)
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Not shown: ")]
    page = (folder / "named" / "index.html").read_text(encoding="utf-8")
    assert lines
    for line in lines:
        assert line.removeprefix("Not shown: ").partition("(")[0] in page


def test_photons_of_a_range_alone_are_compared_and_the_page_says_so(folder, monkeypatch):
    files = ("same.hdf5", "--binning", "binning.xml", "--energy", "1GeV:100GeV")
    result = evaluate(folder, monkeypatch, *files, "-o", "some")
    assert result.exit_code == 0, result.output
    page = (folder / "some" / "index.html").read_text()
    assert "<strong>energy 1GeV:100GeV</strong> are compared" in page
    content = json.loads((folder / "some" / "report.json").read_text())
    assert content["photons"] == {"energy": "1GeV:100GeV", "eta": None}
    assert 0 < content["samples"][0]["n_events"] < 300


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--energy", "1MeV:2MeV"), "Geant4: expected showers of photons with energy 1MeV:2MeV"),
        (("--energy", "2GeV:1GeV"), "energy: range: expected low < high"),
        (("--eta", "abs:0.2:0.25"), "expected none of showers without pseudorapidities"),
    ],
)
def test_a_range_without_photons_is_an_error_of_one_line(folder, monkeypatch, option, message):
    files = ("same.hdf5", "--binning", "binning.xml")
    result = evaluate(folder, monkeypatch, *files, *option, "-o", "none")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
