"""`calovox train fast`, on showers of a toy teacher and with tiny networks."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from calovox.cli import app
from calovox.dataset import DatasetReader, DatasetWriter
from calovox.models.base import Conditions
from calovox.models.fast import CaloFast
from calovox.models.fast.training import FastTraining, shower_noise
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.training.data.showers import ShowerFiles
from calovox.training.data.stream import ShowerStream
from calovox.training.loop import train
from calovox.training.recipe import Recipe
from calovox.training.runs.logs import read_metrics
from calovox.training.runs.model import read_run
from calovox.training.sizes.fast import FastRules, FastSizes, SimulatedNoise
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.export.toy_runs import toy_grid
from tests.toy_showers import toy_showers
from tests.toy_teacher import write_teacher

torch.set_num_threads(1)

CONFIG = Path(__file__).parents[4] / "configs" / "fast_2core.toml"
TINY = ("--width", 16, "--condition-width", 8, "--energy-width", 12, "--energy-depth", 2)
PHOTONS = ("--energy", "log:1GeV:64GeV", "--eta", "abs:0:1.3", "--no-cells")


def call(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def succeed(*arguments):
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def fail(*arguments, match):
    result = call("train", "fast", *arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    assert re.search(match, result.stderr), result.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Showers of a teacher, more to validate with, and those that cannot be learned from."""
    folder = tmp_path_factory.mktemp("made")
    teacher = write_teacher(folder / "teacher.onnx", toy_grid(), energy_range=(256.0, 1e6))
    simulate = ("simulate", "--model", teacher, *PHOTONS)
    at_photon = (*simulate, "--center", "photon")
    succeed(*at_photon, "-n", 600, "--seed", 9, "-o", folder / "a.h5")
    more = ("-n", 100, "--seed", 9, "--first-event", 600)
    succeed(*at_photon, *more, "-o", folder / "b.h5")
    succeed(*at_photon, "-n", 5, "--seed", 10, "-o", folder / "other_seed.h5")
    succeed(*simulate, "-n", 5, "--seed", 9, "-o", folder / "drawn_centres.h5")
    succeed("simulate", "--model", folder / "b.h5", "--no-cells", "-o", folder / "repeated.h5")
    with DatasetWriter(folder / "geant4.h5", toy_grid(), provenance={"seed": 3}) as writer:
        writer.append(hits_to_voxels(toy_showers(5, n_hits=50, energy=2e4), toy_grid()))
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(made, *, steps=6):
    data = ("--data", made / "a.h5", "--validation", made / "b.h5", "--batch-size", 16)
    return (*TINY, *data, "--steps", steps, "--log-every", 2)


def test_a_run_folder_holds_the_model_and_its_origin(made, folder):
    arguments = (*options(made), "--averaging", 0.9, "-o", "run")
    text = succeed("train", "fast", *arguments).stdout
    assert text.startswith("run: 6 of 6 steps, ")
    run = read_run(Path("run"))
    assert run.kind == "fast"
    assert isinstance(run.model, CaloFast)
    assert run.grid == toy_grid()
    assert run.eta_range == (0.0, 1.35)
    energies = DatasetReader(made / "a.h5").incident_energy()
    assert run.energy_range == pytest.approx((energies.min(), energies.max()))
    (entry,) = run.data["training"]["files"]
    assert entry["provenance"]["settings"]["seed"] == 9
    assert run.metrics.keys() >= {"energies", "voxels", "moments", "centre"}
    state = torch.load("run/checkpoint.pt")["average"]
    for name, values in run.model.named_parameters():
        assert torch.equal(values, state[f"model.{name}"])
    names = {name for _, name, _ in read_metrics(Path("run/metrics.csv"))}
    assert names >= {"loss/scores", "loss/energies", "validation/voxels"}


def test_a_paused_run_continues_to_the_same_weights(made, folder, monkeypatch):
    monkeypatch.setattr("calovox.models.fast.training.FIRST_STEPS", 3)
    arguments = (*options(made), "--checkpoint-every", 1, "--averaging", 0.9)
    succeed("train", "fast", *arguments, "-o", "whole")
    for step in range(1, 7):
        text = succeed("train", "fast", *arguments, "-o", "paused", "--stop-after", "0s").stdout
        assert f"{step} of 6 steps" in text
    whole, paused = (load_file(f"{name}/weights.safetensors") for name in ("whole", "paused"))
    for name, values in whole.items():
        assert torch.equal(values, paused[name]), name


def test_showers_are_those_of_the_teacher_after_a_training(made, monkeypatch):
    """For the noise of showers that it has not seen, a student gives these very showers."""
    monkeypatch.setattr("calovox.models.fast.training.FIRST_STEPS", 300)
    files = ShowerFiles([DatasetReader(made / "a.h5")])
    rules = FastRules(FastSizes(16, 2, 8, 16, 2), SimulatedNoise(9))
    lesson = rules.make(files, seed=1, reflect=False)
    unseen = ShowerFiles([DatasetReader(made / "b.h5")]).read(np.arange(100))
    before = judge(lesson, unseen)
    recipe = Recipe(n_steps=400, max_learning_rate=2e-2, max_gradient=1.0)
    train(lesson, ShowerStream(files, batch_size=64, seed=1), recipe)
    after = judge(lesson, unseen)
    assert sum(after.values()) < 0.25 * sum(before.values())
    noise = shower_noise(9, unseen, *lesson.model.noise_shape)
    with torch.no_grad():
        right, wrong = (
            float((lesson.result.sample(unseen.conditions, given) - unseen.voxels).abs().mean())
            for given in (noise, noise.roll(1, dims=0))
        )
    assert right < 0.6 * wrong


def judge(lesson: FastTraining, showers) -> dict[str, float]:
    with torch.no_grad():
        losses = lesson.eval().losses(showers, torch.Generator())
    lesson.train()
    return {name: float(value) for name, value in losses.items()}


def test_a_dataset_has_the_noise_of_its_index(made):
    showers = ShowerFiles([DatasetReader(made / "b.h5")]).read(np.array([3, 1]))
    assert showers.index.tolist() == [603, 601]
    expected = event_normals(event_keys(9, Stream.MODEL, np.array([603, 601])), 35)
    assert torch.equal(shower_noise(9, showers, 35), torch.from_numpy(expected))


@pytest.mark.parametrize(
    ("file", "match"),
    [
        ("geant4.h5", r"geant4\.h5: expected showers that `calovox simulate` made with a model"),
        ("repeated.h5", r"repeated\.h5: expected showers that `calovox simulate` made with a mod"),
        ("drawn_centres.h5", r"drawn_centres\.h5: .*: simulate them with --center photon"),
        ("other_seed.h5", r"expected showers of one seed, got seeds \[9, 10\]"),
    ],
)
@pytest.mark.parametrize("option", ["--data", "--validation"])
def test_showers_without_the_noise_of_one_seed_are_refused(made, folder, option, file, match):
    arguments = (*options(made), option, made / file, "-o", "run")
    fail(*arguments, match=match)
    assert not Path("run").exists()


def test_showers_are_not_reflected(made, folder):
    result = call("train", "fast", *options(made), "--reflect", "-o", "run")
    assert result.exit_code == 2
    assert "No such option" in result.stderr


def test_the_recipe_can_be_followed(made, folder):
    arguments = (*options(made, steps=2), "--config", CONFIG, "-o", "run")
    succeed("train", "fast", *arguments)
    assert json.loads(Path("run/run.json").read_text())["n_steps"] == 2


def test_a_dry_run_says_what_would_be_trained(made, folder):
    arguments = (*options(made), "-o", "run", "--dry-run")
    text = succeed("train", "fast", *arguments).stdout
    assert "# FastTraining(CaloFast(30 voxels, " in text
    assert "noise of seed 9" in text
    assert "# 600 showers to train with" in text
    assert not Path("run").exists()


def test_showers_of_any_sign_of_eta_are_learned(made):
    run = ShowerFiles([DatasetReader(made / "a.h5")])
    eta = run.read(np.arange(50)).conditions.eta
    assert (eta < 0).any()
    model = FastSizes(width=8).build(toy_grid()).eval()
    with torch.no_grad():
        noise = torch.zeros(50, *model.noise_shape)
        energy = torch.full((50,), 1e4)
        one, other = (model.sample(Conditions(energy, x), noise) for x in (eta, -eta))
    assert torch.equal(one, other)


def test_showers_of_geant4_correct_a_trained_run(made, folder):
    succeed("train", "fast", *options(made), "-o", "first")
    critic = ("--geant4", made / "geant4.h5", "--critic-steps", 2)
    arguments = (*options(made), *critic, "--pretrained", "first")
    hold = ("--max-learning-rate", 1e-12)
    text = succeed("train", "fast", *arguments, "-o", "second", "--dry-run").stdout
    assert "# FastCorrection(FastTraining(CaloFast(30 voxels" in text
    succeed("train", "fast", *arguments, *hold, "-o", "second")
    first, second = (load_file(f"{name}/weights.safetensors") for name in ("first", "second"))
    for name, values in first.items():
        torch.testing.assert_close(second[name], values, rtol=0.0, atol=1e-9)
    names = {name for _, name, _ in read_metrics(Path("second/metrics.csv"))}
    assert names >= {"loss/critic", "loss/model", "validation/voxels"}


def test_showers_of_geant4_correct_no_model_of_random_weights(made, folder):
    arguments = (*options(made), "--geant4", made / "geant4.h5", "-o", "run")
    fail(*arguments, match="--geant4: expected a critic that compares: give --critic-steps")
    match = "--critic-steps: expected a trained model to correct: give --pretrained"
    fail(*arguments, "--critic-steps", 5, match=match)


def test_showers_of_geant4_have_the_voxels_of_the_simulated_ones(made, folder):
    succeed("train", "fast", *options(made, steps=1), "-o", "first")
    grid = VoxelGrid.optimal()
    with DatasetWriter(folder / "fine.h5", grid, provenance={}) as writer:
        writer.append(hits_to_voxels(toy_showers(5, n_hits=50, energy=2e4), grid))
    critic = ("--geant4", "fine.h5", "--critic-steps", 2)
    arguments = (*options(made), *critic, "--pretrained", "first", "-o", "run")
    fail(*arguments, match=r"fine\.h5: expected the voxels of the simulated showers, .*30 voxels")
