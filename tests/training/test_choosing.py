"""Training of a GAN: its turns, the choice of its weights by chi2, and going on exactly."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from calovox.dataset import DatasetReader
from calovox.models.gan import GanTraining
from calovox.training.data.showers import ShowerFiles
from calovox.training.loop import train
from calovox.training.recipe import Recipe
from calovox.training.runs.logs import TrainingLog, read_metrics
from calovox.training.sizes.gan import GanRules, GanSizes
from calovox.training.validation import Validation
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers
from tests.training.test_loop import assert_same_weights, make_stream, write

RECIPE = Recipe(
    n_steps=9,
    max_learning_rate=1e-3,
    betas=(0.5, 0.999),
    weight_decay=0.0,
    averaging=0.9,
    choose_by="chi2",
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> DatasetReader:
    voxels = hits_to_voxels(toy_showers(60, n_hits=50), VoxelGrid.optimal())
    return write(tmp_path_factory.mktemp("dataset") / "a.h5", voxels)


def make_gan(reader: DatasetReader) -> GanTraining:
    rules = GanRules(sizes=GanSizes(latent=5, widths=(8, 8)), critic_width=8, critic_turns=2)
    return rules.make(ShowerFiles([reader]), seed=1, reflect=True)


class Judge:
    """Gives numbers that are known before, and remembers what was judged."""

    def __init__(self, *values: float) -> None:
        self.values = list(values)
        self.judged: list[dict[str, Tensor]] = []

    def __call__(self, model: nn.Module) -> dict[str, float]:
        self.judged.append({k: v.detach().clone() for k, v in model.state_dict().items()})
        return {"chi2": self.values[len(self.judged) - 1], "other": -float(len(self.judged))}


def test_the_weights_with_the_lowest_chi2_are_the_result(
    tmp_path: Path, reader: DatasetReader
) -> None:
    judge, path = Judge(3.0, 1.5, 2.0), tmp_path / "checkpoint.pt"
    options: dict[str, Any] = {"validate": judge, "validate_every": 3, "checkpoint": path}
    run = train(make_gan(reader), make_stream(reader), RECIPE, **options)
    assert run.metrics == {"chi2": 1.5, "other": -2.0, "chosen_step": 6.0}
    with run.result() as model:
        for name, parameter in model.named_parameters():
            assert torch.equal(parameter, judge.judged[1][name]), name
        weight = "model.network.layers.0.weight"
        assert not torch.equal(model.state_dict()[weight], judge.judged[2][weight])
    again = train(make_gan(reader), make_stream(reader), RECIPE, **options)
    with run.result() as expected, again.result() as found:
        assert_same_weights(expected, found)


def test_a_gan_is_judged_by_one_chi2_of_all_energies(reader: DatasetReader) -> None:
    model = make_gan(reader).eval()
    with torch.no_grad():
        metrics = Validation(ShowerFiles([reader]))(model)
    assert set(metrics) == {"distance", "chi2"}
    assert metrics["chi2"] > 0.0


def test_an_interrupted_gan_ends_with_the_same_weights(
    tmp_path: Path, reader: DatasetReader
) -> None:
    judge = Validation(ShowerFiles([reader]))
    options: dict[str, Any] = {"validate": judge, "validate_every": 2}
    whole = train(make_gan(reader), make_stream(reader), RECIPE, **options)
    path = tmp_path / "checkpoint.pt"
    for step in range(1, 10):
        torch.manual_seed(step)  # nothing may depend on the global state
        part = train(
            make_gan(reader),
            make_stream(reader),
            RECIPE,
            checkpoint=path,
            stop_after=0.0,
            **options,
        )
        assert part.step == step
    assert_same_weights(whole.model, part.model)
    assert whole.metrics == part.metrics
    with whole.result() as expected, part.result() as found:
        assert_same_weights(expected, found)


def test_a_loss_is_averaged_over_the_turns_that_have_it(
    tmp_path: Path, reader: DatasetReader
) -> None:
    found: dict[str, list[float]] = {"critic": [], "generator": []}
    log = TrainingLog(tmp_path, every=9)
    observe = log.step

    def step(step: Any) -> None:
        for name, loss in step.losses.items():
            found.setdefault(name, []).append(loss)
        observe(step)

    log.step = step  # type: ignore[method-assign]
    recipe = replace(RECIPE, choose_by=None)
    train(make_gan(reader), make_stream(reader), recipe, observers=[log])
    written = {name: value for _, name, value in read_metrics(tmp_path / "metrics.csv")}
    assert [len(found[name]) for name in ("critic", "generator")] == [6, 3]
    for name, losses in found.items():
        assert written[f"loss/{name}"] == pytest.approx(sum(losses) / len(losses))


def test_a_metric_that_is_not_measured_is_refused(reader: DatasetReader) -> None:
    recipe = replace(RECIPE, choose_by="beauty")
    with pytest.raises(KeyError, match=r"expected the metric 'beauty', got \['chi2', 'other'\]"):
        train(make_gan(reader), make_stream(reader), recipe, validate=Judge(1.0))
