r"""Graphs with flows that compute in single precision throughout.

What `calovox.export.passes.mixed_flow` has left in double precision, splines and logarithms of
energies, becomes single here, and nothing is widened and narrowed again. Knots of splines are sums
of shares, and places between them are rounded by 1e-6; where splines are steep, 14 blocks enlarge
that, as they do what the networks round.

What matters is the width of the wide bins. What these add, and cancels, is as large as they are
wide: with `REACH` of 1024 instead of 16, energies of layers would be rounded 15 times as much.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, shape_inference

from calovox.arrays import Array
from calovox.export.passes.editing import Editing
from calovox.export.passes.mixed_flow import REACH

__all__ = ["make_single"]

_BELOW_ONE: Final = np.float32(1.0 - 2.0**-24)


def make_single(model: onnx.ModelProto) -> None:
    """Let all that is in double precision compute in single precision.

    Args:
        model: A model of any kind; it is changed if it has a flow that `make_mixed` has written.
    """
    graph, kinds = Editing(model), _kinds(model)
    if not any(_gives_bins(node, graph) for node in graph.nodes):
        return
    for node in list(graph.nodes):
        for name in node.output:
            if kinds.get(name) == TensorProto.DOUBLE:
                graph.forget_shape(name)
        if node.op_type == "Cast":
            _leave_out_or_narrow(node, kinds, graph)
        if _gives_bins(node, graph):
            _make_wide_bins_smaller(node, graph)
        node.input[:] = [_narrow(name, graph) for name in node.input]
    graph.write()


def _kinds(model: onnx.ModelProto) -> dict[str, int]:
    """Give the types of all tensors that are known."""
    graph = shape_inference.infer_shapes(model).graph
    values = [*graph.input, *graph.value_info]
    return {value.name: value.type.tensor_type.elem_type for value in values}


def _leave_out_or_narrow(cast: NodeProto, kinds: Mapping[str, int], graph: Editing) -> None:
    """Pass on what was single or double; let other numbers become single."""
    ends = {kinds.get(cast.input[0]), helper.get_node_attr_value(cast, "to")}
    if ends == {TensorProto.FLOAT, TensorProto.DOUBLE}:
        graph.pass_on(cast.output[0], cast.input[0])
    elif TensorProto.DOUBLE in ends:
        cast.attribute[0].i = TensorProto.FLOAT


def _gives_bins(node: NodeProto, graph: Editing) -> bool:
    """Tell whether a node gives middles, heights and widths of the bins of splines."""
    if node.op_type != "Gemm" or not all(map(graph.is_constant, node.input[1:])):
        return False
    readers = graph.readers(node.output[0])
    is_split = [reader.op_type for reader in readers] == ["Split"]
    wide = graph.value(node.input[1]).dtype == np.float64
    return wide and is_split and len(readers[0].output) == 3


def _make_wide_bins_smaller(node: NodeProto, graph: Editing) -> None:
    """Let bins that do not depend on the shares reach `REACH` from their middle."""
    weight, bias = (graph.value(name) for name in node.input[1:])
    middle, height, width = np.split(bias.copy(), 3)
    wide = ~weight.any(axis=0).reshape(3, -1).any(axis=0)
    beyond = wide & (middle != 0.0)  # tails, which begin at the end of a spline
    middle[beyond] -= np.sign(middle[beyond]) * (height[beyond] - REACH)
    height[wide] = width[wide] = REACH
    node.input[2] = graph.constant(np.concatenate([middle, height, width]), np.float64)


def _narrow(name: str, graph: Editing) -> str:
    """Give a constant in single precision; other tensors are as they are."""
    if not graph.is_constant(name) or graph.value(name).dtype != np.float64:
        return name
    return graph.constant(_narrowed(graph.value(name)), np.float32)


def _narrowed(values: Array) -> Array:
    narrow = values.astype(np.float32)
    # the ends of places in bins lie below 1, where a root is
    ends = (np.abs(narrow) == 1.0) & (np.abs(values) < 1.0)
    return np.where(ends, narrow * _BELOW_ONE, narrow)
