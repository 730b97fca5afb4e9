"""Tables of normal scores whose intervals stand before the voxels: the numbers stay the same.

Runtimes treat the last axis of a tensor at once. Sixteen intervals there are few, some hundred
voxels are not. What lies below and above an interval is cut off in one node, if the part in the
last one, which has no end to speak of, is counted in parts of `_LONGEST`.
"""

from typing import Final

import numpy as np
import onnx
from onnx import NodeProto, helper

from calovox.export.passes.editing import Editing

__all__ = ["make_tables_lean"]

_LONGEST: Final = 1024.0
"""How many times its length the last interval may be passed; a power of 2 costs no digits."""


def make_tables_lean(model: onnx.ModelProto) -> None:
    """Put the intervals of the tables before the voxels; a graph without them stays as it is.

    Args:
        model: The model; it is changed.
    """
    graph = Editing(model)
    for split in list(graph.nodes):
        if split.op_type == "Split" and (reshape := graph.maker(split.input[0])) is not None:
            joined = graph.maker(reshape.input[0]) if reshape.op_type == "Reshape" else None
            if joined is not None and joined.op_type == "Concat" and _is_table(graph, split):
                _turn(graph, split, joined)
    graph.write()


def _is_table(graph: Editing, split: NodeProto) -> bool:
    """Tell thresholds and climbs: the first number of each voxel, and those behind."""
    if len(split.input) < 2 or len(split.output) != 2:
        return False
    (reader, *_), sizes = graph.readers(split.output[1]), graph.value(split.input[1])
    return sizes[0] == 1 and reader.op_type == "Mul"


def _turn(graph: Editing, split: NodeProto, joined: NodeProto) -> None:
    summed = graph.reader(split.output[1], "Mul")
    cut = _made(graph, summed.input[0], "Min")
    below = _made(graph, cut.input[0], "Relu")
    divided = _made(graph, below.input[0], "Div")
    less = _made(graph, divided.input[0], "Sub")
    position = _made(graph, _made(graph, less.input[0], "Unsqueeze").input[0], "Div")
    variables = _made(graph, position.input[0], "Sub").input[0]
    highest = _made(graph, position.input[1], "Sub").input[0]
    total = graph.reader(summed.output[0], "ReduceSum")
    starts, lengths, longest = (
        graph.value(name).copy() for name in (less.input[1], divided.input[1], cut.input[1])
    )
    if np.any(longest[:-1] != 1.0) or longest[-1] < 100.0:
        raise ValueError("export: expected tables whose last interval alone has no end")
    lengths[-1] *= _LONGEST
    n_rows = 1 + len(starts)
    parts = [_turn_table(graph, name, n_rows) for name in joined.input]
    names = [graph.fresh("tables") for _ in range(9)]
    table, threshold, climbs, y, above, range_, place, passed, part = names
    first = graph.constant([1], np.int64)
    zero, one = graph.constant(0.0, np.float32), graph.constant(1.0, np.float32)
    columns = [graph.constant(x[:, None], np.float32) for x in (starts, lengths)]
    at = [graph.fresh("tables") for _ in range(2)]
    new = [
        *(node for part_ in parts for node in part_),
        helper.make_node("Concat", [p[-1].output[0] for p in parts], [table], axis=2),
        helper.make_node("Split", [table, split.input[1]], [threshold, climbs], axis=1),
        helper.make_node("Unsqueeze", [variables, first], [y]),
        helper.make_node("Sub", [y, threshold], [above]),
        helper.make_node("Sub", [highest, threshold], [range_]),
        helper.make_node("Div", [above, range_], [place]),
        helper.make_node("Squeeze", [place, first], [position.output[0]]),
        helper.make_node("Sub", [place, columns[0]], [at[0]]),
        helper.make_node("Div", [at[0], columns[1]], [at[1]]),
        helper.make_node("Clip", [at[1], zero, one], [passed]),
        helper.make_node("Mul", [passed, climbs], [part]),
    ]
    graph.replace(position, new)
    # a product, whose order of terms does not depend on the number of events
    ones, sums = graph.constant(np.ones((1, len(starts))), np.float32), graph.fresh("tables")
    ends = [
        helper.make_node("MatMul", [ones, part], [sums]),
        helper.make_node("Squeeze", [sums, first], [total.output[0]]),
    ]
    graph.replace(total, ends)


def _turn_table(graph: Editing, name: str, n_rows: int) -> list[NodeProto]:
    """Give the nodes that make the table of a layer: intervals by voxels."""
    product = _made(graph, name, "MatMul")
    weight = graph.value(product.input[1])
    turned = weight.reshape(len(weight), -1, n_rows).transpose(0, 2, 1).copy()
    turned[:, -1] *= _LONGEST
    flat, table = graph.fresh("tables"), graph.fresh("tables")
    columns = graph.constant(turned.reshape(weight.shape), np.float32)
    sizes = graph.constant([-1, n_rows, turned.shape[2]], np.int64)
    return [
        helper.make_node("MatMul", [product.input[0], columns], [flat]),
        helper.make_node("Reshape", [flat, sizes], [table]),
    ]


def _made(graph: Editing, name: str, kind: str) -> NodeProto:
    node = graph.maker(name)
    if node is None or node.op_type != kind:
        found = "an input" if node is None else node.op_type
        raise ValueError(f"export: expected tables with {kind} here, got {found}")
    return node
