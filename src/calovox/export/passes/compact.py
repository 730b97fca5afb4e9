"""Smaller files of the same graph: nothing that is computed changes by a bit.

Equal tensors are stored once. Tensors of doubles whose values fit into single precision, such as
the weights of CaloINN, are stored in it and widened when the file is loaded. So are those whose
values fit into half precision, such as the weights of `round_weights`.
"""

import numpy as np
import onnx
from onnx import numpy_helper

from calovox.arrays import Array

__all__ = ["compact"]

_SMALLEST = 1024
"""Bytes of a tensor that is worth it."""


def compact(model: onnx.ModelProto) -> None:
    """Make a model smaller.

    Args:
        model: The model; it is changed.
    """
    _share_equal_tensors(model.graph)
    _narrow_tensors(model.graph)


def _share_equal_tensors(graph: onnx.GraphProto) -> None:
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    names: dict[str, str] = {}
    kept = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        name = first.setdefault(
            (tensor.data_type, values.shape, values.tobytes()), str(tensor.name)
        )
        names[tensor.name] = name
        if name == tensor.name:
            kept.append(tensor)
    _replace_initializers(graph, kept)
    for node in graph.node:
        for position, name in enumerate(node.input):
            node.input[position] = names.get(name, name)


def _narrow_tensors(graph: onnx.GraphProto) -> None:
    tensors, casts = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        narrow = _narrowest(values)
        if values.nbytes < _SMALLEST or narrow.dtype == values.dtype:
            tensors.append(tensor)
            continue
        name = f"{tensor.name}.narrow"
        tensors.append(numpy_helper.from_array(narrow, name))
        casts.append(onnx.helper.make_node("Cast", [name], [tensor.name], to=tensor.data_type))
    _replace_initializers(graph, tensors)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _narrowest(values: Array) -> Array:
    """Give the same numbers in as few bits as hold them."""
    for kind in (np.float16, np.float32):
        if values.dtype.kind == "f" and values.dtype.itemsize > np.dtype(kind).itemsize:
            with np.errstate(over="ignore"):
                narrow = values.astype(kind)
            if np.array_equal(narrow, values):
                return narrow
    return values


def _replace_initializers(graph: onnx.GraphProto, tensors: list[onnx.TensorProto]) -> None:
    copies = [onnx.TensorProto.FromString(tensor.SerializeToString()) for tensor in tensors]
    del graph.initializer[:]
    graph.initializer.extend(copies)
