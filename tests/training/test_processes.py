"""Several processes train one model."""

import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from calovox.dataset import DatasetWriter
from calovox.training.runs.logs import read_metrics
from calovox.training.runs.model import read_run
from calovox.voxelization import hits_to_voxels
from tests.export.toy_runs import toy_grid
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

STOP_AND_GO_ON = """
import sys
from calovox.cli import app

for more in (["--stop-after", "0s"], []):
    app([*sys.argv[1:], *more], standalone_mode=False)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch_by_torchrun(*command: str | Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    torchrun += ["--master-port", str(free_port()), "--no-python", sys.executable]
    result = subprocess.run(
        [*torchrun, *map(str, command)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def launch(*command: str) -> str:
    """Start two processes with the variables of torchrun, and give what the first one says."""
    same = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "GROUP_RANK": "0"}
    same |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "none"}
    processes = [
        subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **same, "RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": "1"},
        )
        for rank in ("0", "1")
    ]
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    return outputs[0][0]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes")
    with DatasetWriter(folder / "a.h5", toy_grid(), provenance={}) as writer:
        writer.append(hits_to_voxels(toy_showers(31, n_hits=50), toy_grid()))
    program = folder / "program.py"
    program.write_text(PROGRAM)
    for n_processes in ("1", "2"):
        (folder / n_processes).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(program), str(folder / "a.h5"), str(folder / "1")])
        runpy.run_path(str(program))
    launch_by_torchrun(program, folder / "a.h5", folder / "2")
    return folder


@pytest.mark.parametrize("name", ["layers", "cfm"])
def test_all_processes_end_with_the_same_weights(results: Path, name: str) -> None:
    first, second = (torch.load(results / "2" / f"{name}_{rank}.pt") for rank in (0, 1))
    for key, values in first.items():
        assert torch.equal(values, second[key]), key


def test_the_command_trains_in_two_processes_and_goes_on(results: Path) -> None:
    command = ["-c", STOP_AND_GO_ON, "train", "dit", "--tokens", "rings"]
    command += ["--width", "8", "--heads", "2", "--blocks", "1", "--accelerator", "cpu"]
    command += ["--data", str(results / "a.h5"), "--validation", str(results / "a.h5")]
    command += ["--batch-size", "10", "--steps", "6", "--log-every", "1"]
    command += ["-o", str(results / "run")]
    stopped, ended = launch(*command).splitlines()
    assert "1 of 6 steps" in stopped
    assert "6 of 6 steps" in ended
    assert torch.load(results / "run" / "checkpoint.pt")["belongs_to"]["processes"] == 2
    assert read_run(results / "run").metrics.keys() == {"denoising"}
    entries = read_metrics(results / "run" / "metrics.csv")
    assert [n for n, name, _ in entries if name == "loss/denoising"] == [1, 2, 3, 4, 5, 6]


def test_two_processes_train_as_one(results: Path) -> None:
    one, two = (torch.load(results / n / "layers_0.pt") for n in ("1", "2"))
    for key, values in one.items():
        torch.testing.assert_close(values, two[key], rtol=1e-4, atol=1e-5)


def train_command(results: Path, out: str) -> list[str]:
    command = [sys.executable, "-c", "from calovox.cli import main; main()", "train", "dit"]
    command += ["--tokens", "rings", "--width", "8", "--heads", "2", "--blocks", "1"]
    command += ["--data", str(results / "a.h5"), "--validation", str(results / "a.h5")]
    return [*command, "--batch-size", "10", "--steps", "2", "-o", str(results / out)]


def start(command: list[str], **environment: str) -> subprocess.Popen[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, "SLURM_JOB_ID": "77", "SLURM_JOB_NAME": "train", **environment},
    )


@pytest.mark.slow
def test_one_process_in_an_allocation_of_four_trains_alone(results: Path) -> None:
    ranks = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
    process = start(train_command(results, "alone"), SLURM_NTASKS="4", **ranks)
    out, err = process.communicate()
    assert "2 of 2 steps" in out, err
    assert torch.load(results / "alone" / "checkpoint.pt")["belongs_to"]["processes"] == 1


@pytest.mark.slow
def test_two_tasks_of_srun_train_one_model(results: Path) -> None:
    same = {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS_PER_NODE": "2"}
    same |= {"SLURM_NODEID": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    command = train_command(results, "srun")
    tasks = [start(command, SLURM_PROCID=str(n), SLURM_LOCALID=str(n), **same) for n in (0, 1)]
    outputs = [task.communicate() for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], outputs
    assert torch.load(results / "srun" / "checkpoint.pt")["belongs_to"]["processes"] == 2


@pytest.mark.slow
def test_srun_without_tasks_per_node_is_one_clear_line(results: Path) -> None:
    numbers = {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0"}
    process = start(train_command(results, "unclear"), **numbers)
    _, err = process.communicate()
    assert process.returncode == 2
    assert err.splitlines()[-1].endswith("start it with --ntasks-per-node")
