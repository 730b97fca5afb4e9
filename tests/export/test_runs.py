"""What users name for an export: run folders, or one exported model."""

from pathlib import Path

import pytest

from calovox.export.runs import find_exported, read_runs
from calovox.models.shapes.arc_model import ArcModel
from calovox.runtime.model_set import MODEL_FILE, find_model


def test_run_folders_are_no_exported_model(runs: list[Path]) -> None:
    assert find_exported([str(run) for run in runs]) is None


def test_an_exported_model_is_found_by_folder_and_by_name(tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_text("{}")
    assert find_exported([str(tmp_path)]) == tmp_path
    assert find_exported(["calodit"]) == find_model("calodit")


@pytest.mark.parametrize("first", [True, False])
def test_an_exported_model_stands_alone(first: bool, runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_text("{}")
    names = [str(tmp_path), str(runs[0])][:: 1 if first else -1]
    with pytest.raises(ValueError, match=r"RUN.*got .*and others"):
        find_exported(names)


def test_models_sample_as_they_were_trained_by_default(runs: list[Path]) -> None:
    inn, cfm = read_runs(runs)
    assert (inn.kind, cfm.kind) == ("inn", "cfm")
    assert isinstance(cfm.model, ArcModel)
    sampling = cfm.model.sampling
    assert (sampling.path, sampling.solver, sampling.n_steps) == ("line", "euler", 2)


def test_sampling_is_changed_where_it_is_asked_for(runs: list[Path]) -> None:
    _, cfm = read_runs(runs, path="arc", solver_steps=7)
    assert isinstance(cfm.model, ArcModel)
    sampling = cfm.model.sampling
    assert (sampling.path, sampling.solver, sampling.n_steps) == ("arc", "euler", 7)
    _, cfm = read_runs(runs, solver="midpoint")
    assert isinstance(cfm.model, ArcModel)
    sampling = cfm.model.sampling
    assert (sampling.path, sampling.solver, sampling.n_steps) == ("line", "midpoint", 2)


def test_sampling_of_energies_alone_cannot_be_changed(runs: list[Path]) -> None:
    with pytest.raises(ValueError, match=r"--solver-steps: expected a CaloCFM or CaloDiT-2"):
        read_runs(runs[:1], solver_steps=2)
