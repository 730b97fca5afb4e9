"""What a model computes has a hash, whatever its file says of itself."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from calovox.export.correction.identity import graph_hash


def toy_model() -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "two"], ["y"])],
        "toy",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(np.float32([2.0]), "two")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def describe(model: onnx.ModelProto) -> None:
    helper.set_model_props(model, {"card": "corrected"})
    model.producer_version, model.doc_string = "other", "exported again"
    model.graph.name = model.graph.doc_string = model.graph.node[0].doc_string = "other"
    model.graph.value_info.append(model.graph.output[0])


def change_a_weight(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].raw_data = np.float32([3.0]).tobytes()


def change_a_node(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Add"


def change_the_operators(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 17


def test_descriptions_do_not_count() -> None:
    model = toy_model()
    before = graph_hash(model)
    describe(model)
    assert graph_hash(model) == before
    assert model.doc_string == "exported again"  # what was given is as it was


@pytest.mark.parametrize("change", [change_a_weight, change_a_node, change_the_operators])
def test_what_computes_counts(change: Callable[[onnx.ModelProto], None]) -> None:
    model = toy_model()
    before = graph_hash(model)
    change(model)
    assert graph_hash(model) != before
