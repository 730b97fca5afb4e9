r"""Graphs that every ONNX Runtime from `LOWEST_RUNTIME` on loads, with the same results.

Files are written for opset 17 and IR version 8. Operators of later opsets are written in those of
17, one by one: converters of models change more than that.

Runtimes replace patterns of nodes by operators of their own, and some do so without a look at the
type: an operator that is there for single precision alone then stops the whole file from loading.
In double precision, such patterns are therefore written in another way,

- x * Sigmoid(x) as x / (1 + exp(-x)),
- Relu(x), which is put into the product before it, as Max(x, 0).
"""

import copy
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

__all__ = ["IR_VERSION", "OPSET", "is_portable", "make_portable"]

OPSET: Final = 17
"""Version of the operators."""

IR_VERSION: Final = 8
"""Version of the file format."""

_REDUCTIONS: Final = frozenset(
    ("ReduceMax", "ReduceMin", "ReduceMean", "ReduceProd", "ReduceL1", "ReduceL2")
)
_NEWER_ATTRIBUTES: Final = {"Cast": "saturate", "Split": "num_outputs"}
"""Attributes that opset 17 does not have: it converts to no 8-bit floats, and splits evenly."""


def make_portable(model: onnx.ModelProto) -> None:
    """Write a graph in operators that old and new runtimes run.

    What is computed stays the same: to the last bit in single precision, up to the rounding of
    the runtime's own sigmoid in double precision.

    Args:
        model: A model of any opset up to 20; it is changed.

    Raises:
        ValueError: If it has an operator that opset 17 does not have.
    """
    _Rewriting(model).rewrite()
    for domain in model.opset_import:
        if domain.domain in ("", "ai.onnx"):
            domain.version = OPSET
    model.ir_version = IR_VERSION
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as problem:
        reason = " ".join(str(problem).split())[:200]
        raise ValueError(
            f"export: the graph cannot be written in opset {OPSET}: {reason}"
        ) from None


def is_portable(model: onnx.ModelProto) -> bool:
    """Tell whether `make_portable` has written a model: versions say so."""
    versions = {domain.domain: domain.version for domain in model.opset_import}
    return bool(versions == {"": OPSET} and model.ir_version == IR_VERSION)


class _Rewriting:
    """One pass over the nodes of a graph."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.types, self.sizes = _describe_tensors(model)
        self.made_by = {name: node for node in self.graph.node for name in node.output}
        self.constants = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in self.graph.initializer
        }
        self.added: dict[str, TensorProto] = {}

    def rewrite(self) -> None:
        """Rewrite all nodes, and leave out what nothing reads any more."""
        rewrites: dict[str, Callable[[NodeProto], Iterator[NodeProto]]] = {
            "Mul": self._product,
            "Relu": self._relu,
            "Gelu": self._gelu,
            "LayerNormalization": self._layer_norm,
            **dict.fromkeys(_REDUCTIONS, self._reduction),
            **dict.fromkeys(_NEWER_ATTRIBUTES, self._without_newer_attribute),
        }
        nodes = [
            new
            for node in self.graph.node
            for new in (rewrites[node.op_type](node) if node.op_type in rewrites else (node,))
        ]
        nodes = _needed(nodes, [output.name for output in self.graph.output])
        read = {name for node in nodes for name in node.input}
        tensors = [*self.graph.initializer, *self.added.values()]
        tensors = [copy.deepcopy(tensor) for tensor in tensors if tensor.name in read]
        made = {name for node in nodes for name in node.output}
        shapes = [copy.deepcopy(value) for value in self.graph.value_info if value.name in made]
        nodes = [copy.deepcopy(node) for node in nodes]
        del self.graph.node[:], self.graph.initializer[:], self.graph.value_info[:]
        self.graph.node.extend(nodes)
        self.graph.initializer.extend(tensors)
        self.graph.value_info.extend(shapes)

    def _product(self, node: NodeProto) -> Iterator[NodeProto]:
        for x, other in (node.input, tuple(node.input)[::-1]):
            sigmoid = self.made_by.get(other)
            if sigmoid is None or sigmoid.op_type != "Sigmoid" or sigmoid.input[0] != x:
                continue
            if self.types[x] != TensorProto.DOUBLE:
                continue
            (out,) = node.output
            yield helper.make_node("Neg", [x], [f"{out}.minus"])
            yield helper.make_node("Exp", [f"{out}.minus"], [f"{out}.exp"])
            yield helper.make_node("Add", [f"{out}.exp", self._number(1.0)], [f"{out}.below"])
            yield helper.make_node("Div", [x, f"{out}.below"], [out])
            return
        yield node

    def _relu(self, node: NodeProto) -> Iterator[NodeProto]:
        if self.types[node.input[0]] == TensorProto.DOUBLE:
            yield helper.make_node("Max", [node.input[0], self._number(0.0)], [node.output[0]])
        else:
            yield node

    def _gelu(self, node: NodeProto) -> Iterator[NodeProto]:
        """Write x (1 + erf(x / sqrt 2)) / 2 as runtimes know it: they make it one node again."""
        (x,), (out,) = node.input, node.output
        if _attribute(node, "approximate", b"none") != b"none":
            raise ValueError("export: expected Gelu without approximation")
        if self.types[x] != TensorProto.FLOAT:
            raise ValueError("export: expected Gelu in single precision")
        root, one, half = (self._number(v, np.float32) for v in (math.sqrt(2.0), 1.0, 0.5))
        yield helper.make_node("Div", [x, root], [f"{out}.scaled"])
        yield helper.make_node("Erf", [f"{out}.scaled"], [f"{out}.erf"])
        yield helper.make_node("Add", [f"{out}.erf", one], [f"{out}.twice"])
        yield helper.make_node("Mul", [x, f"{out}.twice"], [f"{out}.product"])
        yield helper.make_node("Mul", [f"{out}.product", half], [out])

    def _layer_norm(self, node: NodeProto) -> Iterator[NodeProto]:
        """Give it the bias that it may do without, but that 1.15 and 1.17 read nevertheless."""
        if len(node.input) == 2:
            size = self.sizes.get(node.input[1], 0)
            if size == 0 or self.types[node.input[1]] != TensorProto.FLOAT:
                raise ValueError("export: expected LayerNormalization of as many floats each time")
            zeros = np.zeros(size, dtype=np.float32)
            name = f"portable.zeros.{size}"
            self.added[name] = numpy_helper.from_array(zeros, name)
            node.input.append(name)
        yield node

    def _reduction(self, node: NodeProto) -> Iterator[NodeProto]:
        """Write the axes as an attribute, which they were up to opset 17."""
        if len(node.input) == 2:
            if node.input[1] not in self.constants:
                raise ValueError(f"export: expected constant axes of {node.op_type}")
            axes = self.constants[node.input[1]].ravel().tolist()
            keep = _attribute(node, "keepdims", 1)
            yield helper.make_node(
                node.op_type, [node.input[0]], list(node.output), axes=axes, keepdims=keep
            )
        else:
            yield node

    def _without_newer_attribute(self, node: NodeProto) -> Iterator[NodeProto]:
        newer = _NEWER_ATTRIBUTES[node.op_type]
        kept = [attribute for attribute in node.attribute if attribute.name != newer]
        changed = helper.make_node(node.op_type, list(node.input), list(node.output))
        changed.attribute.extend(kept)
        yield changed

    def _number(self, value: float, kind: type[np.floating] = np.float64) -> str:
        name = f"portable.{np.dtype(kind).name}.{value:g}"
        self.added[name] = numpy_helper.from_array(np.array(value, dtype=kind), name)
        return name


def _describe_tensors(model: onnx.ModelProto) -> tuple[dict[str, int], dict[str, int]]:
    """Give the type of each tensor, and the last size if it is fixed."""
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    sizes = {tensor.name: tensor.dims[-1] for tensor in graph.initializer if tensor.dims}
    for value in (*graph.input, *graph.value_info, *graph.output):
        types[value.name] = value.type.tensor_type.elem_type
        if dimensions := value.type.tensor_type.shape.dim:
            sizes[value.name] = dimensions[-1].dim_value
    return types, sizes


def _needed(nodes: Sequence[NodeProto], wanted: Sequence[str]) -> list[NodeProto]:
    """Leave out nodes whose outputs nothing reads, and what only they read."""
    readers = Counter([*wanted, *(name for node in nodes for name in node.input)])
    kept = []
    for node in reversed(nodes):
        if any(readers[name] for name in node.output):
            kept.append(node)
        else:
            readers.subtract(node.input)
    return kept[::-1]


def _attribute(node: NodeProto, name: str, default: bytes | int) -> bytes | int:
    for attribute in node.attribute:
        if attribute.name == name:
            value: bytes | int = helper.get_attribute_value(attribute)
            return value
    return default
