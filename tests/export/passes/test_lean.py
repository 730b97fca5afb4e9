"""Lean graphs give the showers of the graphs that they came from, in any batch."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from calovox.export.graphs import FusedGraph
from calovox.export.onnx_file import module_to_onnx
from calovox.export.passes.compact import compact
from calovox.export.passes.lean import is_lean, make_lean
from calovox.export.passes.lean_tables import make_tables_lean
from calovox.export.passes.lean_transformer import make_transformer_lean
from calovox.export.passes.mixed_flow import REACH, is_mixed, make_mixed
from calovox.export.passes.portable import make_portable
from calovox.models.two_stage import TwoStageSampler
from calovox.runtime.onnx_model import INPUTS
from calovox.runtime.onnx_runtime import onnxruntime
from calovox.training.sizes.kinds import InnSizes
from tests.export.toy_runs import ShapeSizes, build, toy_dit, toy_grid, toy_student

KINDS = {
    "student": toy_student(toy_dit(path="arc"), evaluations=1),
    "teacher": toy_dit(tokens="voxels", path="arc"),
}


@pytest.fixture(scope="module", params=KINDS)
def graph(request: pytest.FixtureRequest) -> onnx.ModelProto:
    torch.manual_seed(2)
    shapes: ShapeSizes = KINDS[request.param]
    sampler = TwoStageSampler(*build(toy_grid(), InnSizes(n_blocks=4, width=16), shapes)).eval()
    inputs = dict(zip(INPUTS, (1, 1, *sampler.noise_parts), strict=True))
    model = module_to_onnx(FusedGraph(sampler), inputs, "voxels")
    compact(model)
    make_portable(model)
    return model


def copy_of(model: onnx.ModelProto) -> onnx.ModelProto:
    return onnx.ModelProto.FromString(model.SerializeToString())


def showers(model: onnx.ModelProto, n_events: int, batch: int, spread: float = 1.0) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(4)
    given = {
        value.name: rng.normal(size=(n_events, value.shape[1])).astype(np.float32) * spread
        for value in session.get_inputs()
    }
    given[INPUTS[0]] = rng.uniform(0.0, 13.0, (n_events, 1)).astype(np.float32)
    given[INPUTS[1]] = (256.0 * 2.0 ** rng.uniform(0.0, 11.0, (n_events, 1))).astype(np.float32)
    parts = [
        session.run(None, {name: x[start : start + batch] for name, x in given.items()})[0]
        for start in range(0, n_events, batch)
    ]
    return np.concatenate(parts) / given[INPUTS[1]]


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    largest = np.maximum(found, expected)
    compared = largest > 1e-5
    difference = np.abs(found - expected)[compared] / largest[compared]
    assert difference.max() < 1e-3
    assert difference.mean() < 5e-6


@pytest.mark.parametrize("change", [make_mixed, make_transformer_lean, make_tables_lean])
def test_each_pass_keeps_the_showers(graph: onnx.ModelProto, change) -> None:  # type: ignore[no-untyped-def]
    model = copy_of(graph)
    change(model)
    onnx.checker.check_model(model, full_check=True)
    assert len(model.graph.node) != len(graph.graph.node)
    assert_same(showers(model, 400, 100), showers(graph, 400, 100))


def test_lean_showers_do_not_depend_on_their_batch(graph: onnx.ModelProto) -> None:
    model = copy_of(graph)
    make_lean(model)
    together = showers(model, 48, 48)
    for batch in (1, 3, 16):
        np.testing.assert_array_equal(showers(model, 48, batch), together)


def test_lean_graphs_stay_as_they_are(graph: onnx.ModelProto) -> None:
    model = copy_of(graph)
    assert not is_lean(model)
    assert not is_mixed(model)
    make_lean(model)
    assert is_lean(model)
    assert is_mixed(model)
    before = model.SerializeToString()
    make_lean(model)
    assert model.SerializeToString() == before
    for change in (make_mixed, make_transformer_lean, make_tables_lean):
        change(model)
    assert_same(showers(model, 100, 50), showers(graph, 100, 50))


def test_lean_graphs_are_finite_beyond_the_wide_bins(graph: onnx.ModelProto) -> None:
    model = copy_of(graph)
    make_lean(model)
    for spread in (30.0, REACH, 1e30):
        found = showers(model, 200, 100, spread)
        assert np.isfinite(found).all()
        assert (found >= 0.0).all()


def test_graphs_of_another_kind_stay_as_they_are(tmp_path: Path) -> None:
    ends = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, ["n", 2]) for n in "xy"]
    node = onnx.helper.make_node("Softmax", ["x"], ["y"], axis=1)
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "toy", ends[:1], ends[1:]),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=8,
    )
    make_lean(model)
    assert [n.op_type for n in model.graph.node] == ["Softmax"]
