"""The nodes and constants of an ONNX graph, which passes change one by one."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, ValueInfoProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from calovox.arrays import Array

__all__ = ["Editing"]


class Editing:
    """The nodes and constants of a model's graph.

    Args:
        model: The model; `write` changes it.

    Attributes:
        nodes: The nodes in their order, without those that widen constants.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self._shapes = {value.name: value for value in model.graph.value_info}
        named = (name for node in model.graph.node for name in (*node.input, *node.output))
        self._names = {*self._constants, *named}
        self.nodes: list[NodeProto] = self._without_widening(model.graph.node)

    def is_constant(self, name: str) -> bool:
        """Tell whether a tensor does not depend on the inputs."""
        return name in self._constants

    def value(self, name: str) -> Array:
        """Give a constant, as wide as the graph computes with it.

        Raises:
            ValueError: If there is none of that name.
        """
        if name not in self._constants:
            raise ValueError(f"export: expected the constant `{name}`, found none")
        return self._constants[name]

    def constant(self, values: Any, kind: type[np.generic]) -> str:
        """Add a constant; give its name."""
        return self._keep(np.asarray(values, dtype=kind))

    def maker(self, name: str) -> NodeProto | None:
        """Find the node that gives a tensor; None for inputs and constants."""
        return next((node for node in self.nodes if name in node.output), None)

    def readers(self, name: str) -> list[NodeProto]:
        """List the nodes that read a tensor."""
        return [node for node in self.nodes if name in node.input]

    def reader(self, name: str, *kinds: str) -> NodeProto:
        """Find the only node that reads a tensor.

        Raises:
            ValueError: If there is none, there are several, or it is of no kind that is named.
        """
        found = self.readers(name)
        if len(found) != 1 or (kinds and found[0].op_type not in kinds):
            raise ValueError(
                f"export: expected one node ({' or '.join(kinds) or 'of any kind'}) that reads "
                f"`{name}`, found {', '.join(node.op_type for node in found) or 'none'}"
            )
        return found[0]

    def replace(self, old: NodeProto, new: Sequence[NodeProto]) -> None:
        """Put nodes where an old one was; what only that one read goes with `write`."""
        place = next(i for i, node in enumerate(self.nodes) if node is old)
        self.nodes[place : place + 1] = new

    def put_before(self, other: onnx.GraphProto) -> None:
        """Put the nodes of another graph, which has names of its own, before all others."""
        self._constants |= {t.name: numpy_helper.to_array(t) for t in other.initializer}
        self._shapes |= {value.name: value for value in other.value_info}
        self.nodes[:0] = self._without_widening(other.node)

    def pass_on(self, name: str, other: str) -> None:
        """Let all that read a tensor read another one."""
        for node in self.nodes:
            node.input[:] = [other if given == name else given for given in node.input]

    def fold_constants(self) -> None:
        """Compute what does not depend on the inputs."""
        for node in list(self.nodes):
            if node.input and all(not name or self.is_constant(name) for name in node.input):
                given = {name: self._constants[name] for name in node.input if name}
                found = ReferenceEvaluator(node).run(None, given)
                self._constants |= dict(zip(node.output, map(np.asarray, found), strict=True))
                self.nodes.remove(node)

    def forget_shape(self, name: str) -> None:
        """Leave out what the graph says of the type and shape of a tensor."""
        self._shapes.pop(name, None)

    def write(self) -> None:
        """Put nodes and constants back into the model, without those that nothing reads."""
        nodes = list(self._needed())[::-1]
        read = {name for node in nodes for name in node.input}
        made = {name for node in nodes for name in node.output}
        copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
        tensors = [
            numpy_helper.from_array(values.copy(order="C"), name)
            for name, values in self._constants.items()
            if name in read
        ]
        # runtimes choose operators by the shapes of tensors: those that stay are kept
        shapes = [
            ValueInfoProto.FromString(value.SerializeToString())
            for name, value in self._shapes.items()
            if name in made
        ]
        del self._graph.node[:], self._graph.initializer[:], self._graph.value_info[:]
        self._graph.node.extend(copies)
        self._graph.initializer.extend(tensors)
        self._graph.value_info.extend(shapes)

    def fresh(self, prefix: str) -> str:
        """Give a name that nothing has."""
        name = next(n for n in map(f"{prefix}.{{}}".format, count()) if n not in self._names)
        self._names.add(name)
        return name

    def _without_widening(self, nodes: Iterable[NodeProto]) -> list[NodeProto]:
        """Widen constants here and now; give all nodes but those that would."""
        others = []
        for node in nodes:
            if node.op_type == "Cast" and node.input[0] in self._constants:
                kind = helper.tensor_dtype_to_np_dtype(node.attribute[0].i)
                self._constants[node.output[0]] = self._constants[node.input[0]].astype(kind)
            else:
                others.append(node)
        return others

    def _keep(self, values: Array) -> str:
        name = self.fresh("lean")
        self._constants[name] = values
        return name

    def _needed(self) -> Iterator[NodeProto]:
        """Give the nodes that something reads, the last one first."""
        read = {output.name for output in self._graph.output}
        for node in reversed(self.nodes):
            if read & set(node.output):
                read |= set(node.input)
                yield node
