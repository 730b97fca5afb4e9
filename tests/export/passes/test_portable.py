"""Graphs are rewritten for older runtimes, and compute the same."""

from collections import Counter

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from calovox.export.passes.exact_zeros import add_exact_zeros, has_exact_zeros
from calovox.export.passes.portable import IR_VERSION, OPSET, is_portable, make_portable
from calovox.runtime.onnx_runtime import onnxruntime

DOUBLE, FLOAT = TensorProto.DOUBLE, TensorProto.FLOAT


def toy_model(nodes: list[onnx.NodeProto], kind: int = FLOAT) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info(name, kind, ["batch", 24]) for name in "xy"]
    tensors = [
        numpy_helper.from_array(np.array([1]), "axes"),
        numpy_helper.from_array(np.ones(24, dtype=np.float32), "ones"),
    ]
    graph = helper.make_graph(nodes, "toy", ends[:1], ends[1:], tensors)
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10)


def run(model: onnx.ModelProto, kind: int = FLOAT, *, fused: bool = True) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    if not fused:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    x = 4.0 * np.random.default_rng(1).standard_normal((50, 24))
    (y,) = session.run(None, {"x": x.astype(helper.tensor_dtype_to_np_dtype(kind))})
    return np.asarray(y)


def node(kind: str, *inputs: str, out: str = "y", **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), [out], **attributes)


SILU = [node("Sigmoid", "x", out="s"), node("Mul", "x", "s")]
CASES = {
    "silu in double precision": (SILU, DOUBLE, {"Neg", "Exp", "Add", "Div"}),
    "silu in single precision": (SILU, FLOAT, {"Sigmoid", "Mul"}),
    "relu in double precision": ([node("Relu", "x")], DOUBLE, {"Max"}),
    "relu in single precision": ([node("Relu", "x")], FLOAT, {"Relu"}),
    "gelu": ([node("Gelu", "x")], FLOAT, {"Div", "Erf", "Add", "Mul"}),
    "layer norm without bias": (
        [node("LayerNormalization", "x", "ones")],
        FLOAT,
        {"LayerNormalization"},
    ),
    "axes of a reduction": (
        [node("ReduceMax", "x", "axes", out="m"), node("Sub", "x", "m")],
        FLOAT,
        {"ReduceMax", "Sub"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rewritten_graphs_give_the_same(case: str) -> None:
    nodes, kind, expected = CASES[case]
    model = toy_model(nodes, kind)
    # the fusions of older runtimes make what they cannot run: that is why graphs are rewritten
    before = run(model, kind, fused=False)
    make_portable(model)
    assert is_portable(model)
    assert (model.opset_import[0].version, model.ir_version) == (OPSET, IR_VERSION)
    assert set(Counter(node.op_type for node in model.graph.node)) == expected
    # the same bits, but for silu: the runtime's sigmoid is off by 1e-16, the tails included
    np.testing.assert_allclose(
        run(model, kind), before, rtol=0.0, atol=2e-15 if "Exp" in expected else 0.0
    )


def test_rewriting_twice_changes_nothing() -> None:
    model = toy_model(SILU, DOUBLE)
    make_portable(model)
    once = model.SerializeToString(deterministic=True)
    make_portable(model)
    assert model.SerializeToString(deterministic=True) == once


def test_what_opset_17_cannot_do_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cannot be written in opset 17: .*StringConcat"):
        make_portable(toy_model([node("StringConcat", "x", "x")]))
    with pytest.raises(ValueError, match="expected Gelu without approximation"):
        make_portable(toy_model([node("Gelu", "x", approximate="tanh")]))


def test_voxels_next_to_nothing_are_0_and_all_else_as_before() -> None:
    names = {"energy": 1, "x": 4}
    ends = [helper.make_tensor_value_info(k, FLOAT, ["batch", n]) for k, n in names.items()]
    output = helper.make_tensor_value_info("y", FLOAT, ["batch", 4])
    graph = helper.make_graph([node("Mul", "x", "energy")], "toy", ends, [output])
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)
    for _ in range(2):  # the second time nothing is to be done
        add_exact_zeros(model, "energy")
    assert has_exact_zeros(model)
    assert len(model.graph.node) == 5
    session = onnxruntime.InferenceSession(model.SerializeToString())
    energy = np.float32([[65536.0], [0.1]])
    x = np.float32([[1.2e-7, 1.29e-7, 1.31e-7, 0.5], [0.0, np.nan, 1e-30, 1e-7]])
    (y,) = session.run(None, {"energy": energy, "x": x})
    keep = [[False, False, True, True], [True, True, False, False]]
    np.testing.assert_array_equal(y, np.where(keep, x * energy, np.float32(0.0)))
