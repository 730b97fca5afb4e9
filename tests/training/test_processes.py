"""Several processes train one model."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from calovox.dataset import DatasetWriter
from calovox.training.runs.logs import read_metrics
from calovox.training.runs.model import read_run
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers

PROGRAM = '''
import os, sys
from pathlib import Path

import torch
from torch import nn

from calovox.dataset import DatasetReader
from calovox.training.data.showers import ShowerFiles
from calovox.training.data.stream import ShowerStream
from calovox.training.loop import train
from calovox.training.recipe import Recipe
from calovox.training.devices import make_fabric
from calovox.training.sizes.shapes import CfmSizes


class Layers(nn.Module):
    """The layers from the energy and eta, without random numbers."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.network = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 5))

    def losses(self, batch, rng):
        inputs = torch.stack([batch.conditions.energy.log() / 10, batch.conditions.eta], dim=1)
        return {"mse": ((self.network(inputs) - batch.layer_energy) ** 2).mean()}


torch.set_num_threads(1)
data, out = sys.argv[1:]
files = ShowerFiles([DatasetReader(Path(data))])
recipe = Recipe(n_steps=8, max_learning_rate=1e-2, averaging=0.9)
fabric = make_fabric("cpu")
models = {"layers": Layers(), "cfm": CfmSizes(width=8).fitted(files, seed=1, reflect=True)}
for name, model in models.items():
    stream = ShowerStream(files, batch_size=10, seed=1, reflect=True)
    run = train(model, stream, recipe, fabric=fabric, checkpoint=Path(out) / f"{name}.pt")
    with run.result():
        torch.save(model.state_dict(), Path(out) / f"{name}_{run.share.rank}.pt")
'''


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(n_processes: int, *command: str | Path) -> str:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node"]
    torchrun += [str(n_processes), "--master-port", str(free_port()), "--no-python"]
    result = subprocess.run(
        [*torchrun, sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    with DatasetWriter(folder / "a.h5", VoxelGrid.optimal(), provenance={}) as writer:
        writer.append(hits_to_voxels(toy_showers(31, n_hits=50), VoxelGrid.optimal()))
    (folder / "program.py").write_text(PROGRAM)
    for n_processes in (1, 2):
        out = folder / str(n_processes)
        out.mkdir()
        launch(n_processes, folder / "program.py", folder / "a.h5", out)
    return folder


@pytest.mark.parametrize("name", ["layers", "cfm"])
def test_all_processes_end_with_the_same_weights(results: Path, name: str) -> None:
    first, second = (torch.load(results / "2" / f"{name}_{rank}.pt") for rank in (0, 1))
    for key, values in first.items():
        assert torch.equal(values, second[key]), key


def test_the_command_trains_in_two_processes_and_goes_on(results: Path) -> None:
    command = ["-c", "from calovox.cli import main; main()", "train", "dit", "--tokens", "rings"]
    command += ["--width", "8", "--heads", "2", "--blocks", "1", "--accelerator", "cpu"]
    command += ["--data", str(results / "a.h5"), "--validation", str(results / "a.h5")]
    command += ["--batch-size", "10", "--steps", "6", "--log-every", "1"]
    command += ["-o", str(results / "run")]
    assert "1 of 6 steps" in launch(2, *command, "--stop-after", "0s")
    assert "6 of 6 steps" in launch(2, *command)
    assert torch.load(results / "run" / "checkpoint.pt")["belongs_to"]["processes"] == 2
    assert read_run(results / "run").metrics.keys() == {"denoising"}
    entries = read_metrics(results / "run" / "metrics.csv")
    assert [n for n, name, _ in entries if name == "loss/denoising"] == [1, 2, 3, 4, 5, 6]


def test_two_processes_train_as_one(results: Path) -> None:
    one, two = (torch.load(results / n / "layers_0.pt") for n in ("1", "2"))
    for key, values in one.items():
        torch.testing.assert_close(values, two[key], rtol=1e-4, atol=1e-5)
