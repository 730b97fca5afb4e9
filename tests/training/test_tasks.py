"""From the options of a model to the task of training it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from calovox.dataset import DatasetReader
from calovox.models.gan import GanTraining
from calovox.models.shapes.dit import CaloDiT
from calovox.training.data.showers import ShowerFiles
from calovox.training.distillation import Distillation
from calovox.training.recipe import GAN_RECIPE
from calovox.training.sizes.options import (
    CfmOptions,
    CriticOptions,
    DitOptions,
    GanOptions,
    InnOptions,
    TeachingOptions,
)
from calovox.training.task import Task, Teaching
from calovox.training.tasks import distillation_task, gan_task, model_task
from calovox.voxelization import hits_to_voxels
from tests.export.toy_runs import ENERGY_RANGE, ETA_RANGE, toy_grid, write_runs
from tests.toy_showers import toy_showers
from tests.training.test_loop import write

PLACE: dict[str, Any] = {"data": (Path("a.h5"),), "eta_range": (0.0, 0.5)}
SMALL = {
    "inn": InnOptions(n_blocks=4, width=4),
    "cfm": CfmOptions(width=8, voxels="note", path="line", solver_steps=3),
    "dit": DitOptions(tokens="rings", width=8, heads=2, blocks=1, voxels="note"),
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> DatasetReader:
    voxels = hits_to_voxels(toy_showers(20, n_hits=50), toy_grid())
    return write(tmp_path_factory.mktemp("dataset") / "a.h5", voxels)


def make(task: Task, reader: DatasetReader) -> Any:
    return task.make(ShowerFiles([reader]), seed=1, reflect=True)


@pytest.mark.parametrize("kind", SMALL)
def test_model_has_the_kind_and_sizes_of_the_options(kind: str, reader: DatasetReader) -> None:
    task = model_task(SMALL[kind], **PLACE)
    assert task.sizes.kind == kind
    assert asdict(task.sizes) == asdict(SMALL[kind])
    assert (task.data, task.eta_range) == (PLACE["data"], PLACE["eta_range"])
    built = task.sizes.build(toy_grid()).state_dict()
    made = make(task, reader).state_dict()
    assert {name: value.shape for name, value in made.items() if "network" in name} == {
        name: value.shape for name, value in built.items() if "network" in name
    }


def test_networks_of_a_dit_are_compiled_if_asked_for(
    reader: DatasetReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = []
    monkeypatch.setattr("torch.nn.Module.compile", lambda network, **_: compiled.append(network))
    make(model_task(SMALL["dit"], **PLACE), reader)
    assert compiled == []
    model = make(model_task(SMALL["dit"], compiled=True, **PLACE), reader)
    assert isinstance(model, CaloDiT)
    assert compiled == [model.network]


def test_weights_of_a_gan_are_chosen_by_chi2(reader: DatasetReader) -> None:
    options, critic = GanOptions(latent=3, widths=(4,)), CriticOptions(critic_turns=2, penalty=7.0)
    task = gan_task(options, critic, recipe=GAN_RECIPE, validation=(Path("b.h5"),), **PLACE)
    assert task.recipe.choose_by == "chi2"
    assert task.recipe.betas == GAN_RECIPE.betas
    assert asdict(task.sizes) == asdict(options)
    training = make(task, reader)
    assert isinstance(training, GanTraining)
    assert "2 turns, penalty 7" in repr(training)


def test_a_gan_needs_showers_to_choose_by() -> None:
    with pytest.raises(ValueError, match="name some with --validation"):
        gan_task(GanOptions(), CriticOptions(), recipe=GAN_RECIPE, **PLACE)


def test_a_student_is_for_the_photons_of_its_teacher(
    reader: DatasetReader, tmp_path: Path
) -> None:
    _, run = write_runs(tmp_path)
    options = TeachingOptions(evaluations=2, levels=4)
    task = distillation_task(run, options, data=PLACE["data"])
    assert (task.energy_range, task.eta_range) == (ENERGY_RANGE, ETA_RANGE)
    assert task.sizes.kind == "student"
    lesson = make(task, reader)
    assert isinstance(lesson, Distillation)
    assert isinstance(lesson, Teaching)


def test_a_model_of_energies_is_no_teacher(tmp_path: Path) -> None:
    inn, _ = write_runs(tmp_path)
    with pytest.raises(ValueError, match="expected a CaloDiT or CaloCFM as teacher, got CaloINN"):
        distillation_task(inn, TeachingOptions(), data=PLACE["data"])
