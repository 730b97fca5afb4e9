"""`calovox distill`, on toy showers and with tiny networks."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from calovox.cli import app
from calovox.dataset import DatasetWriter
from calovox.models.base import Conditions
from calovox.models.shapes.students import ConsistencyModel
from calovox.training.runs.model import read_run
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.export.toy_runs import toy_grid
from tests.toy_showers import toy_showers

torch.set_num_threads(1)

CONFIG = Path(__file__).parents[4] / "configs" / "distill_note.toml"
TEACHERS = {
    "inn": ("--blocks", "4", "--width", "6", "--bins", "4"),
    "cfm": ("--width", "8"),
    "dit": ("--width", "8", "--heads", "2", "--blocks", "1", "--tokens", "rings"),
}


def call(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def succeed(*arguments):
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def fail(*arguments, match):
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert re.search(match, result.stderr.splitlines()[-1]), result.stderr


def showers():
    return toy_showers(48, n_hits=50, energy=2.0 ** np.linspace(10, 16, 48))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A dataset, and one trained model of each kind."""
    folder = tmp_path_factory.mktemp("runs")
    with DatasetWriter(folder / "a.h5", toy_grid(), provenance={}) as writer:
        writer.append(hits_to_voxels(showers(), toy_grid()))
    for kind, sizes in TEACHERS.items():
        options = ("--data", folder / "a.h5", "--batch-size", 16, "--steps", 3, "--eta", "0:1.2")
        succeed("train", kind, *sizes, *options, "-o", folder / kind)
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(runs, teacher, *, steps=6):
    data = ("--data", runs / "a.h5", "--validation", runs / "a.h5")
    return ("distill", runs / teacher, *data, "--batch-size", 16, "--steps", steps)


@pytest.mark.parametrize("teacher", ["cfm", "dit"])
def test_a_student_has_the_ranges_and_voxels_of_its_teacher(runs, folder, teacher):
    arguments = (*options(runs, teacher), "--evaluations", 2, "-o", "student")
    assert succeed(*arguments).stdout.startswith("student: 6 of 6 steps, consistency ")
    student, origin = read_run(Path("student")), read_run(runs / teacher)
    assert student.kind == "student"
    assert isinstance(student.model, ConsistencyModel)
    assert student.grid == origin.grid
    assert (student.energy_range, student.eta_range) == (origin.energy_range, origin.eta_range)
    for name, values in origin.model.state_dict().items():
        found = student.model.state_dict()[f"model.{name}"]
        assert torch.equal(values, found) == (
            "network" not in name or not values.is_floating_point()
        )
    energy = torch.tensor([1e3, 6e4])
    with torch.no_grad():
        voxels = student.model.sample(
            Conditions(energy, torch.tensor([0.2, 0.7])),
            torch.full((2, 5), 0.2),
            torch.randn(2, 2 * 30),
        )
    torch.testing.assert_close(voxels.sum(dim=1), torch.ones(2))


def test_a_paused_student_continues_to_the_same_weights(runs, folder):
    arguments = (*options(runs, "dit"), "--checkpoint-every", 1)
    succeed(*arguments, "-o", "whole")
    for step in range(1, 7):
        text = succeed(*arguments, "-o", "paused", "--stop-after", "0s").stdout
        assert f"{step} of 6 steps" in text
    whole, paused = (load_file(f"{name}/weights.safetensors") for name in ("whole", "paused"))
    for name, values in whole.items():
        assert torch.equal(values, paused[name]), name


def test_a_student_does_not_change_its_teacher(runs, folder):
    succeed(*options(runs, "dit"), "-o", "student", "--stop-after", "0s")
    path = runs / "dit" / "weights.safetensors"
    options_of_other = ("--batch-size", 16, "--steps", 3, "--eta", "0:1.2", "--seed", 5)
    succeed(
        "train", "dit", *TEACHERS["dit"], "--data", runs / "a.h5", *options_of_other, "-o", "b"
    )
    before = path.read_bytes()
    try:
        path.write_bytes(Path("b/weights.safetensors").read_bytes())
        fail(*options(runs, "dit"), "-o", "student", match="a checkpoint of a run with model")
    finally:
        path.write_bytes(before)


def test_the_recipe_of_the_note_can_be_followed(runs, folder):
    arguments = (*options(runs, "dit"), "--accelerator", "cpu", "--no-compile")
    succeed(*arguments, "--config", CONFIG, "-o", "student")
    text = succeed(*arguments, "--config", CONFIG, "-o", "other", "--dry-run").stdout
    assert "# Distillation(ConsistencyModel(1 evaluations of CaloDiT(30 voxels, 13 tokens" in text
    assert "32 levels (karras) of 1 steps, decay 0.95" in text


def test_what_cannot_teach_is_refused(runs, folder):
    fail(*options(runs, "inn"), "-o", "student", match="CaloCFM as teacher, got CaloINN")
    with DatasetWriter(folder / "b.h5", VoxelGrid.regular(), provenance={}) as writer:
        writer.append(hits_to_voxels(showers(), VoxelGrid.regular()))
    arguments = ("distill", runs / "dit", "--data", "b.h5", "-o", "student")
    fail(*arguments, match="the teacher's voxels, .*30 voxels.*, got .*1680")
    assert not Path("student/run.json").exists()
