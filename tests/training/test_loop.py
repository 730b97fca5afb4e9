import dataclasses
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.models.inn import CaloINN, inn_network
from calovox.models.shapes.cfm import CaloCFM, cfm_network, condition_energies
from calovox.preprocessing import ConditionTransform, LayerEnergyTransform, LogitVoxelTransform
from calovox.training.data.showers import ShowerFiles, voxels_to_showers
from calovox.training.data.stream import ShowerStream
from calovox.training.devices import make_fabric
from calovox.training.loop import train
from calovox.training.observer import Observer
from calovox.training.recipe import Recipe
from calovox.training.runs.state import Step
from calovox.voxelization import VoxelGrid, Voxels, hits_to_voxels
from tests.toy_showers import toy_showers

RECIPE = Recipe(n_steps=12, max_learning_rate=1e-3, averaging=0.9)
SIZES = np.diff(VoxelGrid.optimal().layer_boundaries).tolist()


def write(path: Path, voxels: Voxels) -> DatasetReader:
    with DatasetWriter(path, voxels.grid, provenance={}) as writer:
        writer.append(voxels)
    return DatasetReader(path)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> DatasetReader:
    voxels = hits_to_voxels(toy_showers(50, n_hits=50), VoxelGrid.optimal())
    return write(tmp_path_factory.mktemp("dataset") / "a.h5", voxels)


def make_stream(reader: DatasetReader, **options: Any) -> ShowerStream:
    sizes = {"batch_size": 10, "seed": 2, "buffer_size": 20, "block_size": 5} | options
    return ShowerStream(ShowerFiles([reader]), reflect=True, **sizes)


def make_inn(reader: DatasetReader) -> CaloINN:
    torch.manual_seed(1)
    data = voxels_to_showers(reader.read())
    conditions = ConditionTransform.fit([data.conditions.energy])
    layers = LayerEnergyTransform.unfitted(5).fit([data.layer_energy])
    return CaloINN(inn_network(n_blocks=6, width=8), conditions, layers)


def make_cfm(reader: DatasetReader) -> CaloCFM:
    torch.manual_seed(1)
    data = voxels_to_showers(reader.read())
    conditions = ConditionTransform.fit([data.conditions.energy])
    layers = condition_energies(5).fit([data.layer_energy])
    voxels = LogitVoxelTransform(SIZES).fit([data.voxels])
    return CaloCFM(cfm_network(width=16, n_embedded=4), conditions, layers, voxels)


class Steps(Observer):
    """Remembers steps, and may interrupt the training behind one of them."""

    def __init__(self, interrupt_at: int = 0) -> None:
        self.steps: list[Step] = []
        self.interrupt_at = interrupt_at

    def step(self, step: Step) -> None:
        self.steps.append(step)
        if step.number == self.interrupt_at:
            raise KeyboardInterrupt


def assert_same_weights(a: nn.Module, b: nn.Module) -> None:
    other = b.state_dict()
    for name, values in a.state_dict().items():
        assert torch.equal(values, other[name]), name


@pytest.mark.parametrize("make", [make_inn, make_cfm])
def test_an_interrupted_run_ends_with_the_same_weights(
    tmp_path: Path, reader: DatasetReader, make: Callable[[DatasetReader], nn.Module]
) -> None:
    whole = train(make(reader), make_stream(reader), RECIPE)
    assert whole.step == 12
    path = tmp_path / "checkpoint.pt"
    for step in range(1, 13):
        torch.manual_seed(step)  # nothing may depend on the global state
        part = train(make(reader), make_stream(reader), RECIPE, checkpoint=path, stop_after=0.0)
        assert part.step == step
    assert_same_weights(whole.model, part.model)
    with whole.result() as expected, part.result() as found:
        assert_same_weights(expected, found)


def test_a_killed_run_goes_on_from_its_last_checkpoint(
    tmp_path: Path, reader: DatasetReader
) -> None:
    whole, killed, path = make_cfm(reader), make_cfm(reader), tmp_path / "checkpoint.pt"
    train(whole, make_stream(reader), RECIPE)
    options: dict[str, Any] = {"checkpoint": path, "checkpoint_every": 3}
    with pytest.raises(KeyboardInterrupt):
        train(killed, make_stream(reader), RECIPE, observers=[Steps(interrupt_at=8)], **options)
    seen = Steps()
    train(killed, make_stream(reader), RECIPE, observers=[seen], **options)
    assert [step.number for step in seen.steps] == list(range(7, 13))
    assert_same_weights(whole, killed)
    names = sorted(entry.name for entry in tmp_path.iterdir())
    assert names == ["checkpoint.previous.pt", "checkpoint.pt"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def change_one_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[5000] ^= 1  # in a part, not in what fills the space between them
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, fill_with_zeros, change_one_byte])
@pytest.mark.parametrize(("n_damaged", "step"), [(1, 6), (2, 0)])
def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_then_to_the_start(
    tmp_path: Path,
    reader: DatasetReader,
    damage: Callable[[Path], None],
    n_damaged: int,
    step: int,
) -> None:
    options: dict[str, Any] = {"checkpoint_every": 3}
    whole, path = tmp_path / "whole.pt", tmp_path / "checkpoint.pt"
    train(make_inn(reader), make_stream(reader), RECIPE, checkpoint=whole, **options)
    options["checkpoint"] = path
    with pytest.raises(KeyboardInterrupt):
        observers = [Steps(interrupt_at=10)]
        train(make_inn(reader), make_stream(reader), RECIPE, observers=observers, **options)
    damaged = [path, tmp_path / "checkpoint.previous.pt"][:n_damaged]
    for checkpoint in damaged:
        damage(checkpoint)
    seen = Steps()
    run = train(make_inn(reader), make_stream(reader), RECIPE, observers=[seen], **options)
    assert seen.steps[0].number == step + 1
    assert run.damaged == damaged
    assert path.read_bytes() == whole.read_bytes()


def test_a_finished_run_stays_as_it_is(tmp_path: Path, reader: DatasetReader) -> None:
    model, path = make_inn(reader), tmp_path / "checkpoint.pt"
    train(model, make_stream(reader), RECIPE, checkpoint=path)
    again = make_inn(reader)
    assert train(again, make_stream(reader), RECIPE, checkpoint=path).step == 12
    assert_same_weights(model, again)


def test_the_learning_rate_goes_through_one_cycle(reader: DatasetReader) -> None:
    seen = Steps()
    recipe = dataclasses.replace(RECIPE, n_steps=20, start_division=30.0)
    train(make_inn(reader), make_stream(reader), recipe, observers=[seen])
    rates = [step.learning_rate for step in seen.steps]
    top = rates.index(max(rates))
    assert rates[0] == pytest.approx(1e-3 / 30)
    assert max(rates) == pytest.approx(1e-3, rel=0.02)
    assert all(a < b for a, b in itertools.pairwise(rates[: top + 1]))
    assert all(a > b for a, b in itertools.pairwise(rates[top:]))
    assert [step.epoch for step in seen.steps] == [k // 5 for k in range(20)]


def test_training_makes_the_loss_smaller(reader: DatasetReader) -> None:
    seen = Steps()
    recipe = Recipe(n_steps=80, max_learning_rate=5e-3)
    train(make_inn(reader), make_stream(reader), recipe, observers=[seen])
    losses = [step.losses["nll"] for step in seen.steps]
    assert sum(losses[-20:]) / 20 < sum(losses[:20]) / 20 - 0.5


def test_nan_stops_the_run_and_names_the_batch(tmp_path: Path, reader: DatasetReader) -> None:
    model, path = make_cfm(reader), tmp_path / "checkpoint.pt"
    stream = make_stream(reader)
    train(model, stream, RECIPE, checkpoint=path, stop_after=0.0)
    before = path.read_bytes()
    whole = make_cfm(reader)
    whole.voxels.standardization.std[3] = math.nan
    path_2 = tmp_path / "other.pt"
    rows = ", ".join(f"{reader.path}:{row}" for row in next(stream.batches()).events[:8])
    with pytest.raises(
        FloatingPointError,
        match=rf"velocity is nan in step 1 \(epoch 0, batch 0: showers {rows}, ",
    ):
        train(whole, stream, RECIPE, checkpoint=path_2)
    assert not path_2.exists()
    assert path.read_bytes() == before


def test_weights_that_overflow_stop_the_run_at_their_step(
    tmp_path: Path, reader: DatasetReader
) -> None:
    recipe = Recipe(n_steps=1, max_learning_rate=1e41)
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(FloatingPointError, match=r"norm of the weights is (inf|nan) in step 1 "):
        train(make_inn(reader), make_stream(reader), recipe, checkpoint=path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("recipe", "options", "message"),
    [
        (dataclasses.replace(RECIPE, max_learning_rate=2e-3), {}, "max_learning_rate 0.002, got"),
        (RECIPE, {"batch_size": 11}, "batch size 11, got one with 10"),
        (RECIPE, {"seed": 3}, "seed of the stream 3, got one with 2"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, reader: DatasetReader, recipe: Recipe, options: dict[str, int], message: str
) -> None:
    path = tmp_path / "checkpoint.pt"
    train(make_inn(reader), make_stream(reader), RECIPE, checkpoint=path, stop_after=0.0)
    with pytest.raises(ValueError, match=message):
        train(make_inn(reader), make_stream(reader, **options), recipe, checkpoint=path)


def test_the_average_follows_the_weights_and_is_the_result(reader: DatasetReader) -> None:
    seen: list[dict[str, Tensor]] = []

    class Weights(Observer):
        def step(self, step: Step) -> None:
            seen.append({name: p.detach().clone() for name, p in model.named_parameters()})

    model = make_inn(reader)
    average = {name: p.detach().clone() for name, p in model.named_parameters()}
    run = train(model, make_stream(reader), RECIPE, observers=[Weights()])
    for step, weights in enumerate(seen):
        decay = min(0.9, (1 + step) / (10 + step))
        for name in average:
            average[name] = decay * average[name] + (1 - decay) * weights[name]
    with run.result():
        for name, values in model.named_parameters():
            torch.testing.assert_close(values.detach(), average[name])
    for name, values in model.named_parameters():
        assert torch.equal(values, seen[-1][name])


def test_validation_judges_the_average_and_is_remembered(
    tmp_path: Path, reader: DatasetReader
) -> None:
    judged: list[Tensor] = []

    def validate(model: nn.Module) -> dict[str, float]:
        assert not model.training
        judged.append(next(model.parameters()).detach().clone())
        return {"number": float(len(judged))}

    seen, path = Steps(), tmp_path / "checkpoint.pt"
    options: dict[str, Any] = {"validate": validate, "validate_every": 5, "checkpoint": path}
    run = train(make_inn(reader), make_stream(reader), RECIPE, observers=[seen], **options)
    found = {step.number: step.validation for step in seen.steps if step.validation}
    assert found == {5: {"number": 1.0}, 10: {"number": 2.0}, 12: {"number": 3.0}}
    with run.result() as model:
        assert torch.equal(judged[-1], next(model.parameters()))
    again = train(make_inn(reader), make_stream(reader), RECIPE, **options)
    assert again.metrics == {"number": 3.0}


def test_half_precision_leaves_the_preprocessing_alone(reader: DatasetReader) -> None:
    runs = []
    for precision in ("32-true", "bf16-mixed"):
        seen = Steps()
        fabric = make_fabric(precision=precision)
        train(make_cfm(reader), make_stream(reader), RECIPE, fabric=fabric, observers=[seen])
        runs.append([step.losses["velocity"] for step in seen.steps])
    assert runs[0] != runs[1]
    assert runs[1] == pytest.approx(runs[0], rel=3e-3)


def test_what_cannot_be_trained_is_refused(reader: DatasetReader) -> None:
    with pytest.raises(TypeError, match="a model with `losses`, got Linear"):
        train(nn.Linear(1, 1), make_stream(reader), RECIPE)
    with pytest.raises(ValueError, match="`n_steps` above 0, got 0"):
        Recipe(n_steps=0, max_learning_rate=1e-3)
