"""Weights in half precision make smaller files of nearly the same model."""

import re
from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto

from calovox.export.onnx_file import export_fused
from calovox.export.parity import measure_parity
from calovox.export.passes.rounding import round_weights
from calovox.models.base import Conditions
from calovox.models.two_stage import TwoStageSampler
from calovox.runtime import OnnxModel
from calovox.runtime.metadata import ModelMetadata
from calovox.training.sizes.kinds import InnSizes
from calovox.training.sizes.shapes import CfmSizes
from tests.export.toy_runs import (
    ENERGY_RANGE,
    ETA_RANGE,
    ShapeSizes,
    build,
    toy_dit,
    toy_grid,
    toy_student,
)

SIZES = [CfmSizes(width=64, solver="euler", solver_steps=1), toy_dit(path="arc", solver="euler")]
SIZES = [*SIZES, toy_student(SIZES[1], evaluations=1)]


def toy_sampler(shapes: ShapeSizes) -> TwoStageSampler:
    return TwoStageSampler(*build(toy_grid(), InnSizes(n_blocks=4, width=8), shapes))


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: sizes.kind)
@torch.no_grad()
def test_a_rounded_model_is_nearly_the_same_and_the_model_stays(sizes: ShapeSizes) -> None:
    sampler = toy_sampler(sizes)
    rng = torch.Generator().manual_seed(1)
    photons = Conditions(torch.full((50,), 65536.0), torch.linspace(0.0, 0.7, 50))
    noise = torch.randn(50, *sampler.noise_shape, generator=rng)
    before = sampler.sample(photons, noise)
    rounded = round_weights(sampler)
    assert torch.equal(sampler.sample(photons, noise), before)
    for weight in rounded.shapes.parameters():
        assert torch.equal(weight, weight.half().float())
    for weight, same in zip(
        sampler.energies.parameters(), rounded.energies.parameters(), strict=True
    ):
        assert torch.equal(weight, same)
    torch.testing.assert_close(rounded.sample(photons, noise), before, rtol=0.05, atol=1e-4)


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: sizes.kind)
def test_files_of_rounded_models_hold_half_precision_and_compute_the_same(
    sizes: ShapeSizes, tmp_path: Path
) -> None:
    rounded = round_weights(toy_sampler(sizes))
    path = tmp_path / "model.onnx"
    export_fused(rounded, path, ModelMetadata(toy_grid(), ENERGY_RANGE, ETA_RANGE).to_texts())
    halves = [
        tensor
        for tensor in onnx.load(path).graph.initializer
        if tensor.data_type == TensorProto.FLOAT16 and len(tensor.dims) == 2
    ]
    assert halves
    assert measure_parity(OnnxModel(path), rounded, 200, seed=1).largest < 1e-4


def test_weights_too_large_for_half_precision_are_refused() -> None:
    sampler = toy_sampler(SIZES[0])
    with torch.no_grad():
        next(sampler.shapes.parameters()).fill_(1e5)
    with pytest.raises(ValueError, match=re.escape("expected weights up to 65504")):
        round_weights(sampler)
