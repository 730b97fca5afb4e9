"""`calovox correct`, on a small student and on showers that another one made."""

import json
import shutil
from pathlib import Path

import onnx
import pytest
import torch

from calovox.export.correction.graph import ExportedModel
from calovox.files.whole import file_hash
from calovox.runtime import load_models
from calovox.training.runs.model import read_weights
from tests.cli.commands.test_chain import fail, succeed
from tests.export.toy_runs import toy_dit, toy_student, write_runs

torch.set_num_threads(1)

NAME = "photon_eta_000_070.onnx"
PHOTONS = ("--energy", "log:1GeV:64GeV", "--eta", "abs:0:0.69", "--no-cells")
TINY = ("--batch-size", 32, "--critic-steps", 2, "--checkpoint-every", 3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student, and showers of it that stand for those of Geant4."""
    folder = tmp_path_factory.mktemp("made")
    runs = write_runs(folder, shapes=toy_student(toy_dit(), evaluations=1))
    succeed("export", *runs, "-o", folder / "photons")
    simulate = ("simulate", "--model", folder / "photons", *PHOTONS, "--center", "photon")
    succeed(*simulate, "-n", 400, "--seed", 1, "-o", folder / "geant4.h5")
    succeed(*simulate, "-n", 100, "--seed", 2, "-o", folder / "validation.h5")
    return folder


def correct(made: Path, output: Path, *others: object) -> str:
    result = succeed(
        *("correct", made / "photons", "--eta", "0:0.7", "--data", made / "geant4.h5", *TINY),
        *("--validation", made / "validation.h5", "-o", output, *others),
    )
    return str(result.stdout)


def test_a_run_corrects_the_exported_model(made: Path, tmp_path: Path) -> None:
    told = correct(made, tmp_path / "run", "--steps", 6)
    assert "6 of 6 steps, told_apart 0." in told
    succeed(
        *("export", made / "photons", "--correction", tmp_path / "run"),
        *("-o", tmp_path / "corrected"),
    )
    content = json.loads((tmp_path / "corrected" / "model.json").read_text())
    (described,) = (run for model in content["models"] for run in model["shapes"]["corrections"])
    assert described["steps"] == 6
    assert described["data"]["training"]["n_showers"] == 400
    card = (tmp_path / "corrected" / "MODEL_CARD.md").read_text()
    assert "corrected with showers of Geant4" in card
    before, after = (load_models(str(f)) for f in (made / "photons", tmp_path / "corrected"))
    kept, changed = (onnx.load(f / NAME) for f in (made / "photons", tmp_path / "corrected"))
    assert [n.op_type for n in kept.graph.node] == [n.op_type for n in changed.graph.node]
    differs = {
        old.name
        for old, new in zip(kept.graph.initializer, changed.graph.initializer, strict=True)
        if old != new
    }
    assert differs == set(ExportedModel(kept).graph.weights)
    assert before.grid == after.grid


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(made: Path, tmp_path: Path) -> None:
    correct(made, tmp_path / "whole", "--steps", 6)
    correct(made, tmp_path / "parts", "--steps", 6, "--stop-after", "0s")
    while "6 of 6" not in correct(made, tmp_path / "parts", "--steps", 6):
        pass
    whole, parts = (read_weights(tmp_path / name) for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_a_run_corrects_all_files_that_compute_the_same(made: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    correct(made, run, "--steps", 2)
    again = shutil.copytree(made / "photons", tmp_path / "again")
    model = onnx.load(again / NAME)
    model.doc_string = "exported again"
    onnx.save(model, again / NAME)
    content = json.loads((again / "model.json").read_text())
    content["files"][NAME] = file_hash(again / NAME)
    (again / "model.json").write_text(json.dumps(content))
    succeed("export", again, "--correction", run, "-o", tmp_path / "one")
    record = json.loads((run / "run.json").read_text())
    del record["sizes"]["graph_sha256"]  # as in older runs
    (run / "run.json").write_text(json.dumps(record))
    succeed("export", made / "photons", "--correction", run, "-o", tmp_path / "other")
    copy = ("-o", tmp_path / "copy")
    fail("export", again, "--correction", run, *copy, match="got one that corrected another")


def test_what_does_not_fit_is_refused(made: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    correct(made, run, "--steps", 2)
    rest = ("--data", made / "geant4.h5", "--steps", 2, "-o", tmp_path / "other")
    fail(*("correct", run, *rest), match="expected an exported model, got ")
    fail(*("correct", made / "photons", *rest), match="--eta: expected .* 0:0.7, got 0:1.35")
    fail(
        *("correct", "calodit", "--eta", "0:0.7", *rest),
        match="with the voxels of the model, .*toy",
    )
    copy = ("-o", tmp_path / "copy")
    fail("export", run, *copy, match="got a correction of photon_eta_000_070.onnx: give it to")
    fail("export", "calodit", "--correction", run, *copy, match="got one that corrected another")
    inn = made / "inn"
    fail("export", made / "photons", "--correction", inn, *copy, match="got a run of inn")
    twice = ("--correction", run, "--correction", run)
    fail("export", made / "photons", *twice, *copy, match="expected one run for photon_eta")
    assert not (tmp_path / "copy").exists()
    assert not (tmp_path / "other").exists()
