"""Mutations of ONNX files: nodes, weights, inputs, metadata, data that lie elsewhere."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from fuzz.mutations.trees import ODD_TEXTS, mutate_tree

__all__ = ["mutate_onnx"]


def mutate_onnx(path: Path, rng: np.random.Generator) -> str:
    """Change one to three parts of an ONNX file."""
    model = onnx.load(path, load_external_data=False)
    done = []
    for _ in range(int(rng.integers(1, 4))):
        change = _CHANGES[rng.integers(len(_CHANGES))]
        change(model, rng)
        done.append(change.__name__.strip("_"))
    path.write_bytes(model.SerializeToString())
    return "ONNX: " + ", ".join(done)


def _any(entries: Any, rng: np.random.Generator) -> Any:
    return entries[int(rng.integers(len(entries)))] if len(entries) else None


def _node(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    node = _any(model.graph.node, rng)
    if node is None:
        return
    draw = rng.random()
    if draw < 0.3:
        node.op_type = ("Div", "Log", "MatMul", "Nothing", "Loop", "If", "Pow")[rng.integers(7)]
    elif draw < 0.5 and len(node.input):
        node.input[int(rng.integers(len(node.input)))] = "nowhere"
    elif draw < 0.7:
        model.graph.node.remove(node)
    elif draw < 0.85:
        node.domain = "com.example"
    else:
        model.graph.node.append(node)


def _weights(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    tensor = _any(model.graph.initializer, rng)
    if tensor is None:
        return
    draw = rng.random()
    values = onnx.numpy_helper.to_array(tensor)
    if draw < 0.4:
        odd = np.array([np.nan, np.inf, -1.0, 3e38])[rng.integers(4)].astype(np.float32)
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.full_like(values, odd), tensor.name))
    elif draw < 0.6:
        tensor.dims[:] = [int(2 ** rng.uniform(0, 62))]
    elif draw < 0.8:
        tensor.data_type = int(rng.integers(0, 24))
    else:
        tensor.name = "renamed"


def _external(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    tensor = _any(model.graph.initializer, rng)
    if tensor is None:
        return
    for field in ("raw_data", "float_data", "int64_data"):
        tensor.ClearField(field)
    tensor.data_location = TensorProto.EXTERNAL
    places = ("../outside/secret.bin", "nowhere.bin", "/dev/zero", "model.json")
    del tensor.external_data[:]
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", places[rng.integers(len(places))]


def _inputs(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    tensor = _any([*model.graph.input, *model.graph.output], rng)
    if tensor is None:
        return
    dims = tensor.type.tensor_type.shape.dim
    draw = rng.random()
    if draw < 0.2:
        tensor.name = "renamed"
    elif draw < 0.6 and len(dims):
        dims[int(rng.integers(len(dims)))].dim_value = int(rng.integers(-2, 2000))
    elif draw < 0.7:
        del dims[:]
    elif draw < 0.8:
        tensor.type.tensor_type.elem_type = int(rng.integers(0, 24))
    elif draw < 0.9:
        tensor.type.Clear()
    elif len(dims):
        dims[int(rng.integers(len(dims)))].dim_param = "other"


def _metadata(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    entry = _any(model.metadata_props, rng)
    if entry is None:
        return
    draw = rng.random()
    if draw < 0.1:
        model.metadata_props.remove(entry)
    elif draw < 0.6 and entry.key not in ("format", "grid"):
        entry.value = json.dumps(mutate_tree(json.loads(entry.value), rng)[0])
    elif draw < 0.8 and entry.key == "grid":
        lines = entry.value.splitlines()
        del lines[rng.integers(len(lines))]
        entry.value = "\n".join(lines)
    else:
        texts = (*(text.replace("\x00", "") for text in ODD_TEXTS), "[" * 3000, "{")
        entry.value = texts[rng.integers(len(texts))]


def _version(model: onnx.ModelProto, rng: np.random.Generator) -> None:
    if rng.random() < 0.5:
        model.ir_version = int(rng.integers(0, 40))
    elif len(model.opset_import):
        model.opset_import[0].version = int(rng.integers(0, 60))


_CHANGES = (_node, _weights, _external, _inputs, _metadata, _metadata, _metadata, _version)
