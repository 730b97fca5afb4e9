"""A whole training in one call."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from calovox.training import training
from calovox.training.data.showers import ShowerFiles
from calovox.training.recipe import Batches, Hardware, Recipe
from calovox.training.runs.model import read_run
from calovox.training.runs.record import read_record
from calovox.training.sizes.gan import GanSizes
from calovox.training.sizes.options import InnOptions
from calovox.training.task import Task
from calovox.training.tasks import model_task
from calovox.training.training import describe_training, train_model
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers
from tests.training.test_loop import Steps, write

CPU = Hardware(accelerator="cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    voxels = hits_to_voxels(toy_showers(20, n_hits=50), VoxelGrid.optimal())
    return write(tmp_path_factory.mktemp("dataset") / "a.h5", voxels).path


def toy_task(data: Path, *, n_steps: int = 2) -> Task:
    return model_task(
        InnOptions(n_blocks=4, width=4),
        data=(data,),
        eta_range=(0.0, 1.3),
        batches=Batches(steps=n_steps, batch_size=10),
        recipe=Recipe(1, averaging=0.5),
    )


def test_run_folder_has_model_and_settings(data: Path, tmp_path: Path) -> None:
    watched = Steps()
    record = train_model(
        toy_task(data), tmp_path / "run", hardware=CPU, config={"a": 1}, observers=[watched]
    )
    assert (record.step, record.n_steps, record.recipe) == (2, 2, {"a": 1})
    assert read_record(tmp_path / "run") == record
    assert read_run(tmp_path / "run").kind == "inn"
    assert [step.number for step in watched.steps] == [1, 2]


def test_a_finished_run_is_replaced_only_if_it_is_asked_for(data: Path, tmp_path: Path) -> None:
    train_model(toy_task(data), tmp_path / "run", hardware=CPU)
    with pytest.raises(FileExistsError):
        train_model(toy_task(data), tmp_path / "run", hardware=CPU)
    record = train_model(toy_task(data, n_steps=1), tmp_path / "run", hardware=CPU, overwrite=True)
    assert record.n_steps == 1


def test_a_run_that_was_stopped_goes_on(data: Path, tmp_path: Path) -> None:
    stopped = train_model(toy_task(data), tmp_path / "run", hardware=CPU, stop_after=0.0)
    assert stopped.step < 2
    assert train_model(toy_task(data), tmp_path / "run", hardware=CPU).step == 2


def test_a_description_leaves_nothing_behind(data: Path, tmp_path: Path) -> None:
    text = "\n".join(describe_training(toy_task(data), hardware=CPU))
    assert "20 showers to train with" in text
    assert "2 steps in all" in text
    assert "fitted to" not in text


def test_fits_to_some_of_the_showers_are_said(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("data.showers", "describing"):
        monkeypatch.setattr(f"calovox.training.{module}.MOST_FITTED", 10)
    monkeypatch.setattr("calovox.training.data.showers._FITTED_BLOCK", 5)
    text = "\n".join(describe_training(toy_task(data), hardware=CPU))
    assert re.search("bounds are fitted to 1[0-4] of 20 showers", text)
    record = train_model(toy_task(data), tmp_path / "run", hardware=CPU)
    assert 10 <= record.data["training"]["n_fitted"] <= 14
    assert read_run(tmp_path / "run").kind == "inn"


def test_threads_are_those_of_the_caller_again(data: Path, tmp_path: Path) -> None:
    seen = []

    class Watching(Steps):
        def step(self, step: Any) -> None:
            seen.append(torch.get_num_threads())

    before = torch.get_num_threads()
    train_model(
        toy_task(data),
        tmp_path / "run",
        hardware=Hardware(accelerator="cpu", threads=before + 1),
        observers=[Watching()],
    )
    assert set(seen) == {before + 1}
    assert torch.get_num_threads() == before


def test_a_loss_that_is_not_finite_is_an_error_in_the_data(data: Path, tmp_path: Path) -> None:
    class Wrong(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def losses(self, batch: Any, rng: torch.Generator) -> dict[str, torch.Tensor]:
            return {"loss": self.weight.log().sum()}

    def make(files: ShowerFiles, *, seed: int, reflect: bool) -> nn.Module:
        return Wrong()

    task = toy_task(data)
    wrong = Task(sizes=task.sizes, make=make, data=task.data, eta_range=task.eta_range)
    with pytest.raises(ValueError, match="step 1"):
        train_model(wrong, tmp_path / "run", hardware=CPU)


def test_a_gan_is_trained_in_one_process(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        training, "make_fabric", lambda *names, **options: SimpleNamespace(world_size=2)
    )
    sizes = GanSizes(latent=2, widths=(4,))
    task = Task(sizes=sizes, make=toy_task(data).make, data=(data,), eta_range=(0.0, 1.3))
    with pytest.raises(ValueError, match="train gan: expected one process, got 2"):
        describe_training(task, hardware=CPU)
