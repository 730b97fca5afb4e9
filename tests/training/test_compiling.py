"""Compiled networks, by a backend that notes what it computes; and, slow, by torch's own."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor, nn

from calovox.dataset import DatasetReader
from calovox.models.base import Showers
from calovox.models.shapes.dit import CaloDiT
from calovox.training.compiling import compile_networks
from calovox.training.data.showers import ShowerFiles
from calovox.training.loop import train
from calovox.training.recipe import Recipe
from calovox.training.sizes.shapes import DitSizes
from calovox.training.validation import Validation
from calovox.voxelization import hits_to_voxels
from tests.export.toy_runs import toy_grid
from tests.toy_showers import toy_showers
from tests.training.test_loop import make_stream, write

SIZES = DitSizes(tokens="rings", width=8, heads=2, blocks=1, voxels="note")
Graph = Callable[..., Any]

# of torch itself, while it compiles
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning"),
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> DatasetReader:
    voxels = hits_to_voxels(toy_showers(50, n_hits=50), toy_grid())
    return write(tmp_path_factory.mktemp("dataset") / "a.h5", voxels)


@pytest.fixture(autouse=True)
def no_checks_of_shapes() -> Iterator[None]:
    """The compiler does not read through them."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Graph]], None]:
    """Compile by a given backend."""
    own = nn.Module.compile

    def use(backend: Callable[..., Graph]) -> None:
        monkeypatch.setattr(
            nn.Module, "compile", lambda network, **how: own(network, backend=backend, **how)
        )

    return use


def fitted(reader: DatasetReader) -> CaloDiT:
    return SIZES.fitted(ShowerFiles([reader]), seed=1, reflect=True)


def trained(model: CaloDiT, reader: DatasetReader) -> CaloDiT:
    """Four steps, of 20, 20, 10 and 20 showers, and a validation behind each."""
    train(
        model,
        make_stream(reader, batch_size=20, buffer_size=60),
        Recipe(n_steps=4, max_learning_rate=1e-3, averaging=0.9),
        validate=Validation(ShowerFiles([reader]), batch_size=20),
        validate_every=1,
    )
    return model


def test_whole_batches_of_a_training_are_compiled_and_nothing_else(
    reader: DatasetReader, through: Callable[[Callable[..., Graph]], None]
) -> None:
    compiled, computed = [], []

    def backend(graph: nn.Module, inputs: list[Tensor]) -> Graph:
        compiled.append(graph)

        def compute(*arguments: Any) -> Any:
            computed.append(graph)
            return graph(*arguments)

        return compute

    through(backend)
    model = fitted(reader)
    compile_networks(model)
    trained(model, reader)
    assert len(compiled) > 0
    assert len(computed) == 3 * len(compiled)
    expected = trained(fitted(reader), reader)
    for found, plain in zip(model.parameters(), expected.parameters(), strict=True):
        assert torch.equal(found, plain)


def test_a_compiler_that_fails_is_said_in_one_sentence(
    reader: DatasetReader, through: Callable[[Callable[..., Graph]], None]
) -> None:
    def backend(graph: nn.Module, inputs: list[Tensor]) -> Graph:
        raise RuntimeError("C++ compile error\n\nOutput:\na.cpp:1:10: fatal error: no Python.h")

    through(backend)
    model = fitted(reader)
    compile_networks(model)
    with pytest.raises(ValueError, match=r"a C\+\+ compiler .* got 'a\.cpp:1:10: fatal error: no"):
        trained(model, reader)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_a_compiled_step_gives_the_losses_of_a_plain_one(reader: DatasetReader) -> None:
    batch: Showers[Tensor] = ShowerFiles([reader]).read(torch.arange(20).numpy())
    plain, model = fitted(reader), fitted(reader)
    compile_networks(model)
    losses = [m.losses(batch, torch.Generator().manual_seed(2)) for m in (plain, model)]
    torch.testing.assert_close(*losses)
    for loss in losses:
        loss["denoising"].backward()
    for found, expected in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-3, atol=1e-6)
