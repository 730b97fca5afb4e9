"""`calovox train`, on toy showers and with tiny networks."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from calovox.cli import app
from calovox.cli.commands.train.networks import TrainGanSettings
from calovox.cli.options import options_of
from calovox.dataset import DatasetReader, DatasetWriter
from calovox.training.runs.logs import read_metrics
from calovox.training.runs.model import read_run
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.export.toy_runs import toy_grid
from tests.toy_showers import toy_showers

torch.set_num_threads(1)

TINY = {
    "inn": ("--blocks", "4", "--width", "6", "--bins", "4"),
    "cfm": ("--width", "8"),
    "dit": ("--width", "8", "--heads", "2", "--blocks", "1", "--tokens", "rings", "--no-compile"),
    "gan": ("--latent", "4", "--critic-width", "8"),
}
LOSSES = {"inn": "nll", "cfm": "velocity", "dit": "denoising", "gan": "distance"}
CONFIGS = [
    config
    for config in sorted((Path(__file__).parents[4] / "configs").glob("*.toml"))
    if config.stem.partition("_")[0] in TINY
]


def call(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def succeed(*arguments):
    result = call(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def fail(*arguments, match):
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.splitlines()[-1].startswith("calovox: ")
    assert re.search(match, result.stderr), result.stderr


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("dataset") / "showers.h5"
    energy = 2.0 ** np.linspace(10, 16, 64)
    with DatasetWriter(path, toy_grid(), provenance={"seed": 3}) as writer:
        hits = toy_showers(64, n_hits=50, energy=energy)
        writer.append(hits_to_voxels(hits, toy_grid()))
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(kind, dataset, *, steps=6):
    common = ("--data", dataset, "--validation", dataset, "--batch-size", 16, "--steps", steps)
    return (kind, *TINY[kind], *common, "--log-every", 2)


@pytest.mark.parametrize("kind", TINY)
def test_a_run_folder_holds_the_model_and_its_origin(folder, dataset, kind):
    result = succeed(*options(kind, dataset), "--averaging", 0.9, "--eta", "0:0.9", "-o", "run")
    assert re.match(r"run: 6 of 6 steps, .*; .* showers/s, .* GFLOP/s per process", result.stdout)
    run = read_run(Path("run"))
    assert run.kind == kind
    assert run.grid == toy_grid()
    assert run.eta_range == (0.0, 0.9)
    energies = DatasetReader(dataset).incident_energy()
    assert energies.min() <= run.energy_range[0] < run.energy_range[1] <= energies.max()
    (entry,) = run.data["training"]["files"]
    assert entry["name"] == "showers.h5"
    assert entry["provenance"] == {"seed": 3}
    assert run.data["training"]["n_showers"] < entry["n_showers"] == 64
    assert run.recipe["steps"] == 6
    assert run.metrics.keys() >= {LOSSES[kind]}
    assert not run.model.training
    weights = load_file(Path("run/weights.safetensors"))
    state = torch.load("run/checkpoint.pt")
    result = state["best"]["weights"] if kind == "gan" else state["average"]
    for name, values in run.model.named_parameters():
        assert torch.equal(values, weights[name])
        assert torch.equal(values, result[f"model.{name}" if kind == "gan" else name])


def test_standardisations_are_those_of_the_showers_in_the_eta_range(folder, dataset):
    succeed(*options("cfm", dataset), "--eta", "0:0.5", "-o", "run")
    voxels = DatasetReader(dataset).read()
    chosen = np.log(voxels.incident_energy[np.abs(voxels.eta_center) < 0.5])
    log_energy = read_run(Path("run")).model.conditions.log_energy
    assert log_energy.mean.item() == pytest.approx(chosen.mean(), rel=1e-5)
    assert log_energy.std.item() == pytest.approx(chosen.std(), rel=1e-4)


@pytest.mark.parametrize("kind", TINY)
def test_a_pretrained_network_is_the_start_and_standardisations_are_new(folder, dataset, kind):
    succeed(*options(kind, dataset), "--eta", "0:0.5", "-o", "first")
    hold = ("--max-learning-rate", 1e-12, "--seed", 5)
    succeed(*options(kind, dataset), *hold, "--pretrained", "first", "-o", "second")
    first, second = (read_run(Path(name)) for name in ("first", "second"))
    network = second.model.network.state_dict()
    for name, values in first.model.network.state_dict().items():
        torch.testing.assert_close(network[name], values, rtol=0.0, atol=1e-9)
    standardisations = [
        {k: v for k, v in run.model.state_dict().items() if not k.startswith("network")}
        for run in (first, second)
    ]
    assert any(not torch.equal(v, standardisations[1][k]) for k, v in standardisations[0].items())
    assert second.data["pretraining"] == first.data["training"]


def test_only_a_network_of_the_same_sizes_is_a_start(folder, dataset):
    succeed(*options("cfm", dataset), "-o", "first")
    other = (*options("cfm", dataset), "--pretrained", "first", "-o", "other")
    fail(*other, "--width", 9, match="'width': 9.*'width': 8")
    fail(*options("inn", dataset), "--pretrained", "first", "-o", "other", match="'kind': 'inn'")
    succeed(*other, "--solver", "euler")
    record = json.loads(Path("first/run.json").read_text())
    del record["sizes"]["preconditioned"]
    Path("first/run.json").write_text(json.dumps(record))
    succeed(*other, "--force")


def test_of_a_run_of_before_the_network_alone_is_taken(folder, dataset):
    succeed(*options("cfm", dataset), "-o", "first")
    # older safetensors map the file, which is written over here
    weights = {
        key: values.clone() for key, values in load_file("first/weights.safetensors").items()
    }
    weights["voxels.nodes"] = weights.pop("voxels.energies")
    save_file(weights, "first/weights.safetensors")
    with pytest.raises(
        ValueError, match=r"first: expected a cfm of .*voxels\.energies.*pretrained"
    ):
        read_run(Path("first"))
    hold = ("--max-learning-rate", 1e-12)
    succeed(*options("cfm", dataset), *hold, "--pretrained", "first", "-o", "second")
    for name, values in read_run(Path("second")).model.network.state_dict().items():
        torch.testing.assert_close(values, weights[f"network.{name}"], rtol=0.0, atol=1e-9)


def test_the_log_and_the_events_tell_the_course(folder, dataset):
    succeed(*options("inn", dataset), "--validate-every", 4, "-o", "run")
    entries = read_metrics(Path("run/metrics.csv"))
    assert [n for n, name, _ in entries if name == "loss/nll"] == [2, 4, 6]
    assert [n for n, name, _ in entries if name == "validation/chi2"] == [4, 6]
    assert len(list(Path("run").glob("events.*"))) == 1


@pytest.mark.parametrize("kind", ["cfm", "dit"])
def test_a_killed_run_continues_to_the_same_weights(folder, dataset, kind):
    arguments = [*map(str, options(kind, dataset, steps=80)), "--averaging", "0.99"]
    arguments += ["--checkpoint-every", "7", "--validate-every", "20"]
    succeed(*arguments, "-o", "whole")
    command = [sys.executable, "-c", "from calovox.cli import main; main()", "train"]
    process = subprocess.Popen(
        [*command, *arguments, "-o", "killed"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    while not Path("killed/checkpoint.pt").exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors
    assert 0 < torch.load("killed/checkpoint.pt")["step"] < 80
    succeed(*arguments, "-o", "killed")
    states = [torch.load(f"{name}/checkpoint.pt") for name in ("whole", "killed")]
    for part in ("model", "average"):
        for name, values in states[0][part].items():
            assert torch.equal(values, states[1][part][name]), name
    assert states[0]["metrics"] == states[1]["metrics"]
    steps = [n for n, name, _ in read_metrics(Path("killed/metrics.csv")) if "loss" in name]
    assert steps == sorted(set(steps))


def test_a_run_pauses_and_only_force_replaces_a_finished_one(folder, dataset):
    arguments = (*options("inn", dataset), "-o", "run")
    assert "1 of 6 steps" in succeed(*arguments, "--stop-after", "0s").stdout
    fail(*arguments, "--seed", 2, match="expected a checkpoint of a run with seed 2")
    assert "6 of 6 steps" in succeed(*arguments).stdout
    fail(*arguments, match="finished run of 6 steps.*--force")
    record = Path("run/run.json").read_text()
    assert "1 of 6 steps" in succeed(*arguments, "--force", "--stop-after", "0s").stdout
    assert Path("run/run.json").read_text() != record


def test_a_run_is_not_continued_with_other_showers(folder, dataset):
    arguments = options("inn", dataset)
    succeed(*arguments, "-o", "run", "--stop-after", "0s")
    more = ("--validation", "other.h5")
    Path("other.h5").write_bytes(dataset.read_bytes())
    fail(*arguments, *more, "-o", "run", match="another data")


def test_settings_in_the_run_folder_repeat_the_run(folder, dataset):
    Path("runs").mkdir()
    succeed(*options("cfm", dataset), "-o", "runs/a")
    os.chdir("/")
    weights = (folder / "runs/a/weights.safetensors").read_bytes()
    assert succeed("cfm", "--config", folder / "runs/a/config.toml", "--force").exit_code == 0
    assert (folder / "runs/a/weights.safetensors").read_bytes() == weights


def test_a_dry_run_says_what_would_be_trained_and_how_long_it_takes(folder, dataset):
    text = succeed(*options("cfm", dataset), "-o", "run", "--dry-run").stdout
    assert "# CaloCFM(30 voxels, " in text
    assert "# 64 showers to train with, 1.02 GeV to 65.5 GeV" in text
    assert "# 4 steps of 16 showers an epoch, 6 steps in all" in text
    assert re.search(r"s a step, .* s an epoch, .* min in all, on cpu", text)
    assert re.search(r"showers/s, .* GFLOP/s per process, .* of a large matrix product's", text)
    assert list(folder.iterdir()) == []


def test_a_dry_run_splits_the_count_of_the_note(folder):
    with DatasetWriter(Path("a.h5"), VoxelGrid.regular(), provenance={}) as writer:
        hits = toy_showers(4, n_hits=50, energy=2.0 ** np.linspace(10, 16, 4))
        writer.append(hits_to_voxels(hits, VoxelGrid.regular()))
    sizes = ("--batch-size", 2, "--steps", 1)
    text = succeed("dit", "--data", "a.h5", *sizes, "-o", "run", "--dry-run").stdout
    assert (
        "# 2001958 numbers, the table of positions included: blocks 1888704, tokens 1008, "
        "head 21750, positions 40320, time 24832, conditions 25344"
    ) in text


@pytest.mark.slow
def test_a_network_is_compiled_and_says_the_same(folder, dataset):
    arguments = [*map(str, options("dit", dataset, steps=2)), "--compile", "-o", "compiled"]
    code = (
        "import sys, torch; from calovox.cli import app; "
        "app(['train', *sys.argv[1:]], standalone_mode=False); "
        "sys.exit(torch._dynamo.utils.counters['stats']['unique_graphs'] == 0)"
    )
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    succeed(*options("dit", dataset, steps=2), "-o", "plain")
    compiled, plain = (load_file(f"{name}/weights.safetensors") for name in ("compiled", "plain"))
    for name, values in plain.items():
        torch.testing.assert_close(compiled[name], values, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_dry_run_of_very_few_steps_is_timed_as_well(folder, dataset, steps):
    text = succeed(*options("inn", dataset, steps=steps), "-o", "run", "--dry-run").stdout
    assert f"{steps} steps in all" in text


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_recipe_can_be_trained(folder, dataset, config):
    kind = config.stem.partition("_")[0]
    arguments = (*options(kind, dataset, steps=2), "--accelerator", "cpu")
    succeed(*arguments, "--config", config, "-o", "run")
    content = json.loads(Path("run/run.json").read_text())
    assert content["n_steps"] == content["step"] == 2


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("--eta", "0.2"), "--eta: expected LOW:HIGH, got '0.2'"),
        (("--eta", "0.7:0.2"), "--eta: expected 0 <= LOW < HIGH"),
        (("--eta", "1.34:1.35"), "got none of 64"),
        (("--energy", "1GeV:1TeV"), "expected a range that the training showers cover"),
        (("--averaging", "1.5"), "`averaging` in"),
        (("--stop-after", "20"), "expected time with one of the units s, min, h"),
    ],
)
def test_wrong_settings_are_one_line_and_leave_no_folder(folder, dataset, arguments, match):
    fail(*options("inn", dataset), *arguments, "-o", "run", match=match)
    assert not any(Path("run").glob("*"))


def test_a_gan_learns_as_in_atlfast3_unless_told_otherwise():
    """The defaults are the hyper-parameters of the recipe, but for the numbers of steps."""
    recipe = Path(__file__).parents[4] / "configs" / "gan_note.toml"
    values = tomllib.loads(recipe.read_text())
    defaults = {option.name: option.default for option in options_of(TrainGanSettings)}
    ours = {"steps", "validate_every", "checkpoint_every", "log_every"}
    assert {name: defaults[name] for name in values if name not in ours} == {
        "latent": 50,
        "critic_turns": 5,
        "penalty": 10.0,
        "batch_size": 128,
        "max_learning_rate": 1e-4,
        "start_division": 1.0,
        "end_division": 1.0,
        "beta1": 0.5,
        "weight_decay": 0.0,
    }
    assert all(values[name] == defaults[name] for name in values if name not in ours)
    assert defaults["critic_width"] is None


def test_a_gan_cannot_be_chosen_without_validation(folder, dataset):
    arguments = ("gan", "--data", dataset, "--steps", 6, "-o", "run")
    fail(*arguments, match="chosen by chi2 of validation showers: name some with --validation")


def test_a_folder_with_other_things_is_left_alone(folder, dataset):
    Path("run").mkdir()
    Path("run/thesis.txt").write_text("precious")
    fail(*options("inn", dataset), "-o", "run", "--force", match="is no run folder")
    assert Path("run/thesis.txt").read_text() == "precious"


def test_nan_ends_the_run_with_one_line(folder, dataset):
    fail(*options("inn", dataset), "--max-learning-rate", 1e38, "-o", "run", match=r"is (nan|inf)")
