import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from calovox.dataset import DatasetReader, DatasetWriter
from calovox.models.base import Showers
from calovox.training.data.showers import ShowerFiles
from calovox.training.data.stream import ShowerStream
from calovox.training.loop import train
from calovox.training.recipe import Recipe
from calovox.training.sizes.gan import GanRules
from calovox.training.sizes.shapes import DitSizes
from calovox.training.throughput import (
    RateMeter,
    Throughput,
    count_flops,
    matrix_product_rate,
)
from calovox.voxelization import VoxelGrid, hits_to_voxels
from tests.toy_showers import toy_showers

torch.set_num_threads(1)


class Layers(nn.Module):
    """The layers from energy and eta."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 5))

    def losses(self, batch: Showers[Tensor], rng: torch.Generator) -> dict[str, Tensor]:
        inputs = torch.stack([batch.conditions.energy.log() / 10, batch.conditions.eta], dim=1)
        return {"mse": ((self.network(inputs) - batch.layer_energy) ** 2).mean()}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ShowerFiles:
    path = tmp_path_factory.mktemp("throughput") / "a.h5"
    energy = 2.0 ** np.linspace(10, 16, 20)
    with DatasetWriter(path, VoxelGrid.optimal(), provenance={}) as writer:
        showers = toy_showers(20, n_hits=50, energy=energy)
        writer.append(hits_to_voxels(showers, VoxelGrid.optimal()))
    return ShowerFiles([DatasetReader(Path(path))])


def test_the_operations_of_a_step_are_those_of_its_products(files: ShowerFiles) -> None:
    """2 n m forward, as many for the weights, and as many for inputs that depend on weights."""
    assert count_flops(Layers(), files) == 2 * (2 * 2 * 8) + 3 * (2 * 8 * 5)


def test_a_transformer_and_a_gan_are_counted(files: ShowerFiles) -> None:
    sizes = DitSizes(tokens="rings", width=8, heads=2, blocks=1)
    model = sizes.fitted(files, seed=1, reflect=True)
    tokens = model.network.n_tokens
    # attention, and the products of the block: 12 numbers per number of a token
    least = 3 * 2 * (tokens * 12 * 8**2 + 2 * tokens**2 * 8)
    assert least < count_flops(model, files) < 3 * least
    gan = GanRules(critic_width=8).make(files, seed=1, reflect=True)
    assert count_flops(gan, files) > 0


def test_counting_leaves_the_model_as_it_is(files: ShowerFiles) -> None:
    gan = GanRules(critic_width=8).make(files, seed=1, reflect=True)
    before = copy.deepcopy(gan.state_dict())
    count_flops(gan.eval(), files)
    assert not gan.training
    assert all(parameter.grad is None for parameter in gan.parameters())
    for name, values in gan.state_dict().items():
        assert torch.equal(values, before[name]), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_device_multiplies_matrices_at_some_rate(dtype: torch.dtype) -> None:
    assert 1e6 < matrix_product_rate(torch.device("cpu"), dtype) < 1e15


def test_the_rate_of_a_training_is_related_to_what_the_device_can_do(files: ShowerFiles) -> None:
    meter = RateMeter()
    assert meter.measure() is None
    stream = ShowerStream(files, batch_size=10, seed=1, reflect=True)
    recipe = Recipe(n_steps=4, max_learning_rate=1e-3)
    train(Layers(), stream, recipe, observers=[meter])
    found = meter.measure()
    assert found is not None
    assert found.flops == pytest.approx(304 * found.showers)
    assert 0 < found.flops < found.peak


def test_rates_are_said_in_a_line() -> None:
    text = "233 showers/s, 12 GFLOP/s per process, 0.24 of a large matrix product's 50"
    assert str(Throughput(233.0, 12e9, 50e9)) == text
