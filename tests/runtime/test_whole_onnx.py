"""Contracts of ONNX files that come from elsewhere: they are whole in themselves."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from calovox.runtime import ModelFileError, OnnxModel
from calovox.runtime.whole_onnx import PARTS, check_whole
from tests.toy_onnx import write_toy_onnx


def outside(name: str = "stolen") -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../secret.bin"), ("offset", "0"), ("length", "16")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return tensor


def in_a_subgraph(model: onnx.ModelProto) -> None:
    inner = helper.make_graph([], "inner", [], [], [outside()])
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner))


def in_a_function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["y"], value=outside())
    model.functions.append(helper.make_function("d", "f", [], ["y"], [node], []))


def in_sparse_values(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add().values.CopyFrom(outside())


def without_location(model: onnx.ModelProto) -> None:
    tensor = outside()
    tensor.ClearField("data_location")
    model.graph.initializer.append(tensor)


PLACES: dict[str, Callable[[onnx.ModelProto], object]] = {
    "initializer": lambda model: model.graph.initializer.append(outside()),
    "constant": lambda model: model.graph.node.append(
        helper.make_node("Constant", [], ["y"], value=outside())
    ),
    "subgraph": in_a_subgraph,
    "function": in_a_function,
    "sparse": in_sparse_values,
    "training": lambda model: model.training_info.add().algorithm.initializer.append(outside()),
    "no location": without_location,
}


@pytest.mark.parametrize("place", PLACES)
def test_numbers_in_other_files_are_refused_by_name(place: str, tmp_path: Path) -> None:
    path = write_toy_onnx(tmp_path / "toy.onnx")
    model = onnx.load(path)
    PLACES[place](model)
    path.write_bytes(model.SerializeToString())
    message = r"toy.onnx: the tensor `stolen` has its numbers in another file"
    with pytest.raises(ModelFileError, match=message):
        OnnxModel(path)


def test_whole_files_pass(tmp_path: Path) -> None:
    path = write_toy_onnx(tmp_path / "toy.onnx")
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(100_000), "large"))
    path.write_bytes(model.SerializeToString())
    check_whole(path)
    OnnxModel(path)


def test_the_walk_goes_wherever_a_tensor_can_be() -> None:
    found: dict[str, dict[int, str]] = {}
    messages = {
        kind.name: kind for kind in onnx.onnx_ml_pb2.DESCRIPTOR.message_types_by_name.values()
    }
    leads = {"TensorProto"}
    for _ in messages:  # until nothing is new
        for name, kind in messages.items():
            inner = {f.number: f.message_type.name for f in kind.fields if f.message_type}
            if name != "TensorProto" and leads & set(inner.values()):
                leads.add(name)
                found[name] = {n: kind for n, kind in inner.items() if kind in leads}
    assert found == PARTS


@pytest.mark.parametrize(
    "content",
    [b"", b"\x3a", b"\x3a\xff\xff\xff\xff\x0f", b"\x3b", b"\x08" + b"\xff" * 11, b"no model"],
    ids=["empty", "tag alone", "too long", "group", "endless number", "text"],
)
def test_what_is_no_message_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "toy.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="is no ONNX file, or a damaged one: "):
        check_whole(path)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    content = b""
    for number in range(300):
        tag = (b"\x32", b"\x2a", b"\x0a")[number % 3]  # graph in attribute in node
        size = len(content)
        content = tag + bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + content
    size = len(content)
    path = tmp_path / "toy.onnx"
    path.write_bytes(
        b"\x3a" + bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + content
    )
    with pytest.raises(ModelFileError, match="nested too deeply"):
        check_whole(path)
