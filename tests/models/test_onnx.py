"""Everything on the way from noise to voxels can be written as an ONNX graph."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from calovox.models.base import Conditions
from calovox.models.two_stage import TwoStageSampler
from tests.models.toy_models import toy_batch, toy_conditions, toy_sampler


class Graph(nn.Module):
    """A sampler with tensors as arguments."""

    def __init__(self, sampler: TwoStageSampler) -> None:
        super().__init__()
        self.sampler = sampler

    def forward(self, energy: Tensor, eta: Tensor, noise: Tensor) -> Tensor:
        return self.sampler.sample(Conditions(energy, eta), noise)


def inputs(sampler: TwoStageSampler, n_events: int) -> dict[str, Tensor]:
    conditions = toy_conditions(n_events, seed=5)
    rng = torch.Generator().manual_seed(6)
    noise = torch.randn(n_events, *sampler.noise_shape, generator=rng)
    return {"energy": conditions.energy, "eta": conditions.eta, "noise": noise}


@pytest.mark.filterwarnings("ignore")  # of the exporter, about itself
def test_onnx_gives_the_showers_of_torch(tmp_path: Path) -> None:
    sampler = toy_sampler(toy_batch(200)).eval()
    sampler.shapes.n_steps = 2  # the graph grows with every step
    path = tmp_path / "model.onnx"
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        Graph(sampler),
        tuple(inputs(sampler, 3).values()),
        path,
        input_names=["energy", "eta", "noise"],
        dynamic_shapes={name: {0: batch} for name in ("energy", "eta", "noise")},
        dynamo=True,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for n_events in (1, 500):
        given = inputs(sampler, n_events)
        with torch.no_grad():
            expected = Graph(sampler)(*given.values()).numpy()
        (found,) = session.run(None, {name: x.numpy() for name, x in given.items()})
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
