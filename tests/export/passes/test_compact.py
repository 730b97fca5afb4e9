"""A compact graph computes the same from fewer bytes."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from calovox.export.passes.compact import compact
from calovox.runtime.onnx_runtime import onnxruntime


def toy_model() -> onnx.ModelProto:
    """Y = (x A) B C D with A = B in single, D in half precision, C that fits in neither."""
    rng = np.random.default_rng(1)
    narrow = rng.standard_normal((20, 20)).astype(np.float32).astype(np.float64)
    half = rng.standard_normal((20, 20)).astype(np.float16).astype(np.float64)
    wide = rng.standard_normal((20, 20))
    tensors = [
        numpy_helper.from_array(values, name)
        for name, values in (("A", narrow), ("B", narrow.copy()), ("C", wide), ("D", half))
    ]
    nodes = [
        helper.make_node("MatMul", pair, [out])
        for pair, out in (
            (["x", "A"], "h"),
            (["h", "B"], "g"),
            (["g", "C"], "f"),
            (["f", "D"], "y"),
        )
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [1, 20]) for name in "xy"]
    graph = helper.make_graph(nodes, "toy", ends[:1], ends[1:], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run(model: onnx.ModelProto) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.asarray(session.run(None, {"x": np.linspace(-1.0, 1.0, 20)[None]})[0])


def test_a_compact_graph_computes_the_same_bits() -> None:
    model = toy_model()
    expected, n_bytes = run(model), model.ByteSize()
    compact(model)
    np.testing.assert_array_equal(run(model), expected)
    assert model.ByteSize() < 0.6 * n_bytes


def test_equal_tensors_are_stored_once_and_each_in_as_few_bits_as_hold_it() -> None:
    model = toy_model()
    compact(model)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    assert kinds == {
        "A.narrow": TensorProto.FLOAT,
        "C": TensorProto.DOUBLE,
        "D.narrow": TensorProto.FLOAT16,
    }
