r"""Transformers as few large products: the numbers are the same up to their rounding.

- The time is a constant of the graph: what it adds to the factors and shifts of a block is one,
  too. What the condition adds is computed once for all evaluations of the network.
- Queries, keys and values of all heads come from products of their own, in the order in which
  the next product reads them. What is added to keys adds the same to all scores of a query, which
  softmax ignores. What is added to values is added to what they become: it goes into the bias
  behind.
- Products and what is added to them are one node, where tokens of all events are rows.
- The sum before the last layer norm is written as ``Sum``: runtimes put ``Add`` and layer norm
  together into an operator that takes several times as long as both.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from onnx import NodeProto, helper

from calovox.arrays import Array
from calovox.export.passes.editing import Editing

__all__ = ["make_transformer_lean"]

_GELU: Final = ("Div", "Erf", "Add", "Mul", "Mul")


def make_transformer_lean(model: onnx.ModelProto) -> None:
    """Write the transformers of a graph in fewer nodes; a graph without one stays as it is.

    Args:
        model: The model; it is changed.
    """
    graph = Editing(model)
    graph.fold_constants()
    _leave_out_nothing(graph)
    softmaxes = [node for node in graph.nodes if node.op_type == "Softmax"]
    attentions = [_Attention.of(graph, node) for node in softmaxes if _is_attention(graph, node)]
    if not attentions:
        return
    _share_conditions(graph)
    for attention in attentions:
        attention.write(graph)
    for erf in [node for node in graph.nodes if node.op_type == "Erf"]:
        _join_mlp(graph, erf, attentions[0].n_tokens)
    _part_sums(graph)
    graph.write()


def _leave_out_nothing(graph: Editing) -> None:
    """Leave out sums with zeros, and the choice of the only part."""
    for node in list(graph.nodes):
        if node.op_type == "Add":
            for given, other in (node.input, tuple(node.input)[::-1]):
                if _is_zero(graph, given):
                    graph.pass_on(node.output[0], other)
        elif node.op_type == "Gather":
            before = graph.maker(node.input[0])
            if before is not None and before.op_type == "Reshape":
                sizes = graph.value(before.input[1])
                if len(sizes) == 3 and sizes[1] == 1 and graph.value(node.input[1]).ndim == 0:
                    graph.pass_on(node.output[0], before.input[0])


def _is_zero(graph: Editing, name: str) -> bool:
    """Tell zeros of any size times a number."""
    node = graph.maker(name)
    if node is None or node.op_type != "Mul":
        return False
    makers = [graph.maker(given) for given in node.input]
    return any(
        maker is not None
        and maker.op_type == "Expand"
        and graph.is_constant(maker.input[0])
        and not graph.value(maker.input[0]).any()
        for maker in makers
    )


def _share_conditions(graph: Editing) -> None:
    """Compute once what the condition adds to factors and shifts, beside the constant time."""
    products: dict[tuple[str, bytes], str] = {}
    for silu in list(graph.nodes):
        if silu.op_type != "Mul" or (both := _time_and_condition(graph, silu)) is None:
            continue
        time, condition, activated = both
        for gemm in graph.readers(silu.output[0]):
            constants = gemm.input[1:]
            if gemm.op_type != "Gemm" or len(constants) != 2:
                continue  # a product that is not a layer's: it stays as it is
            weight, bias = (graph.value(name) for name in constants)
            of_time, of_condition = np.split(weight, [len(time)], axis=1)
            key = condition, of_condition.tobytes()
            new = []
            if key not in products:
                products[key] = graph.fresh("modulation")
                sigmoid = graph.fresh("condition")
                mul = f"{condition}.silu"
                if graph.maker(mul) is None:
                    new.append(helper.make_node("Sigmoid", [condition], [sigmoid]))
                    new.append(helper.make_node("Mul", [condition, sigmoid], [mul]))
                zeros = graph.constant(np.zeros(len(bias)), np.float32)
                inputs = [mul, graph.constant(of_condition.T, np.float32), zeros]
                new.append(helper.make_node("Gemm", inputs, [products[key]]))
            bias = bias + of_time.astype(np.float64) @ activated
            _add_one_to_factors(graph, gemm, bias)
            added = [products[key], graph.constant(bias, np.float32)]
            new.append(helper.make_node("Add", added, [gemm.output[0]]))
            graph.replace(gemm, new)


def _time_and_condition(graph: Editing, silu: NodeProto) -> tuple[Array, str, Array] | None:
    """Find a constant and what stands beside it, both within x * Sigmoid(x)."""
    both = graph.maker(silu.input[0])
    if both is None or both.op_type != "Concat" or len(both.input) != 2:
        return None
    expand = graph.maker(both.input[0])
    if expand is None or expand.op_type != "Expand" or not graph.is_constant(expand.input[0]):
        return None
    time = graph.value(expand.input[0])[0].astype(np.float64)
    return time, both.input[1], time / (1.0 + np.exp(-time))


def _add_one_to_factors(graph: Editing, gemm: NodeProto, bias: Array) -> None:
    """Let the bias hold the 1 of factors 1 + s."""
    split = graph.reader(graph.reader(gemm.output[0], "Unsqueeze").output[0], "Split")
    size = len(bias) // len(split.output)
    for position, name in enumerate(split.output):
        sums = [_adds_one(graph, reader) for reader in graph.readers(name)]
        if sums and all(sums):
            bias[position * size : (position + 1) * size] += 1.0
            for reader in graph.readers(name):
                graph.pass_on(reader.output[0], name)


def _adds_one(graph: Editing, node: NodeProto) -> bool:
    given = (graph.value(name) for name in node.input if graph.is_constant(name))
    return node.op_type == "Add" and any(x.size == 1 and x.item() == 1.0 for x in given)


def _is_attention(graph: Editing, softmax: NodeProto) -> bool:
    """Tell the softmax of an attention with scaled queries, as `calovox.nn.dit` has it."""
    scores = graph.maker(softmax.input[0])
    scaled = graph.maker(scores.input[0]) if scores and scores.op_type == "MatMul" else None
    return scaled is not None and scaled.op_type == "Mul"


@dataclass(frozen=True, eq=False)
class _Attention:
    """An attention between its input and the residual.

    Attributes:
        tokens: Name of the tokens that it reads.
        weight: Of queries, keys and values, with `bias`.
        scale: Factor on the queries.
        projection: Weight of what is behind, with `projection_bias`.
        n_heads: Number of heads.
        n_tokens: Number of tokens.
        softmax: Its softmax, and `end` the node that gives its result.
    """

    tokens: str
    weight: Array
    bias: Array
    scale: float
    projection: Array
    projection_bias: Array
    n_heads: int
    n_tokens: int
    softmax: NodeProto
    end: NodeProto

    @classmethod
    def of(cls, graph: Editing, softmax: NodeProto) -> "_Attention":
        """Find an attention by its softmax."""
        scores = _made(graph, softmax.input[0], "MatMul")
        scaled = _made(graph, scores.input[0], "Mul")
        heads = _made(graph, _made(graph, scaled.input[0], "Transpose").input[0], "Reshape")
        split = _made(graph, heads.input[0], "Split")
        biased = _made(graph, split.input[0], "Add")
        product = _made(graph, biased.input[0], "MatMul")
        mixed = graph.reader(softmax.output[0], "MatMul")
        rows = graph.reader(graph.reader(mixed.output[0], "Transpose").output[0], "Reshape")
        projection = graph.reader(rows.output[0], "MatMul")
        end = graph.reader(projection.output[0], "Add")
        _, n_tokens, n_heads, _ = graph.value(heads.input[1]).tolist()
        return cls(
            tokens=product.input[0],
            weight=graph.value(product.input[1]),
            bias=graph.value(biased.input[1]),
            scale=float(graph.value(scaled.input[1])),
            projection=graph.value(projection.input[1]),
            projection_bias=graph.value(end.input[1]),
            n_heads=n_heads,
            n_tokens=n_tokens,
            softmax=softmax,
            end=end,
        )

    def write(self, graph: Editing) -> None:
        """Replace its nodes."""
        new = _Nodes(graph)
        width = len(self.weight)
        of_heads = self.weight.reshape(width, 3, self.n_heads, -1).transpose(1, 2, 0, 3)
        bias = self.bias.reshape(3, self.n_heads, 1, -1)
        tokens = new.add("Unsqueeze", self.tokens, graph.constant([1], np.int64))
        query, key, value = (
            new.add("MatMul", tokens, graph.constant(weight, np.float32))
            for weight in (self.scale * of_heads[0], *of_heads[1:])
        )
        query = new.add("Add", query, graph.constant(self.scale * bias[0], np.float32))
        key = new.add("Transpose", key, perm=[0, 1, 3, 2])
        weights = new.add("Softmax", new.add("MatMul", query, key), axis=-1)
        mixed = new.add("Transpose", new.add("MatMul", weights, value), perm=[0, 2, 1, 3])
        mixed = new.add("Reshape", mixed, graph.constant([-1, width], np.int64))
        behind = bias[2].ravel().astype(np.float64) @ self.projection + self.projection_bias
        found = new.add(
            "Gemm",
            mixed,
            graph.constant(self.projection, np.float32),
            graph.constant(behind, np.float32),
        )
        sizes = graph.constant([-1, self.n_tokens, width], np.int64)
        end = helper.make_node("Reshape", [found, sizes], [self.end.output[0]])
        graph.replace(self.end, [*new.nodes, end])


def _join_mlp(graph: Editing, erf: NodeProto, n_tokens: int) -> None:
    """Write the two layers around a GELU as products of rows."""
    scaled = _made(graph, erf.input[0], "Div")
    biased = _made(graph, scaled.input[0], "Add")
    first = _made(graph, biased.input[0], "MatMul")
    node = erf
    for kind in _GELU[2:]:
        graph.forget_shape(node.output[0])
        node = graph.reader(node.output[0], kind)
    second = graph.reader(node.output[0], "MatMul")
    end = graph.reader(second.output[0], "Add")
    for name in (scaled.output[0], biased.output[0], node.output[0]):
        graph.forget_shape(name)
    sizes = graph.value(first.input[1]).shape, graph.value(second.input[1]).shape
    rows, found = graph.fresh("rows"), graph.fresh("rows")
    flat = graph.constant([-1, sizes[0][0]], np.int64)
    layer = [rows, first.input[1], biased.input[1]]
    graph.replace(
        biased,
        [
            helper.make_node("Reshape", [first.input[0], flat], [rows]),
            helper.make_node("Gemm", layer, [biased.output[0]]),
        ],
    )
    back = graph.constant([-1, n_tokens, sizes[1][1]], np.int64)
    graph.replace(
        end,
        [
            helper.make_node("Gemm", [second.input[0], second.input[1], end.input[1]], [found]),
            helper.make_node("Reshape", [found, back], [end.output[0]]),
        ],
    )


def _part_sums(graph: Editing) -> None:
    """Write sums that a layer norm alone reads as Sum."""
    for node in graph.nodes:
        if node.op_type == "Add":
            kinds = [reader.op_type for reader in graph.readers(node.output[0])]
            if kinds == ["LayerNormalization"]:
                node.op_type = "Sum"


def _made(graph: Editing, name: str, kind: str) -> NodeProto:
    node = graph.maker(name)
    if node is None or node.op_type != kind:
        found = "an input" if node is None else node.op_type
        raise ValueError(f"export: expected a transformer with {kind} here, got {found}")
    return node


class _Nodes:
    """New nodes, one after the other."""

    def __init__(self, graph: Editing) -> None:
        self._graph = graph
        self.nodes: list[NodeProto] = []

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; give the name of its result."""
        name = self._graph.fresh(f"transformer.{kind.lower()}")
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name
