r"""Flows of models that were exported before, with half as many weights.

In files of calovox up to 0.2.0, the variables that a block of `calovox.export.fused.flow` needs
again behind its network travel through it, as ReLU(z) and ReLU(-z) in further neurons. Here, what
they add comes from a product beside the network, as in flows that are exported today.
"""

from typing import Final

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from calovox.arrays import Array, Float64
from calovox.export.passes.compact import compact

__all__ = ["has_detours", "leave_out_detours"]

_OUTPUTS: Final = ".outputs.weight"
_CONDITIONS: Final = "conditions_of_energies."


def has_detours(model: onnx.ModelProto) -> bool:
    """Tell whether variables travel through the networks of a model's flow."""
    graph = _Graph(model)
    return any(len(graph.reader(node).output) != 2 for node in graph.output_layers())


def leave_out_detours(model: onnx.ModelProto) -> None:
    """Take the variables out of the networks of a flow, which then gives the same numbers.

    Args:
        model: A model with a flow of that kind; it is changed.

    Raises:
        ValueError: If its flow is built in another way.
    """
    graph = _Graph(model)
    n_blocks = len(graph.output_layers())
    kept = {graph.make_block_lean(node) for node in graph.output_layers()}
    if len(kept) != 1:
        raise ValueError("export: expected a flow with networks of one size")
    graph.shorten_conditions(n_blocks, *kept.pop())
    graph.write()
    compact(model)


class _Graph:
    """The nodes and the constants of a graph, which are changed one by one."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.nodes: list[NodeProto] = list(model.graph.node)
        self.constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.made_by = {name: node for node in self.nodes for name in node.output}
        self.resized: set[str] = set()

    def output_layers(self) -> list[NodeProto]:
        """List the last layers of the networks of the blocks."""
        return [n for n in self.nodes if n.op_type == "Gemm" and n.input[1].endswith(_OUTPUTS)]

    def reader(self, node: NodeProto) -> NodeProto:
        """Find the node that reads what another one gives."""
        for other in self.nodes:
            if node.output[0] in other.input:
                return other
        raise ValueError(f"export: expected a node that reads `{node.output[0]}`, found none")

    def value(self, name: str) -> Float64[Array, "..."]:
        """Give a constant, which may be widened when the file is loaded."""
        node = self.made_by.get(name)
        name = node.input[0] if node is not None and node.op_type == "Cast" else name
        if name not in self.constants:
            raise ValueError(f"export: expected the constant `{name}` of a flow, found none")
        return np.asarray(self.constants[name], dtype=np.float64)

    def replace(self, node: NodeProto, position: int, values: Array) -> None:
        """Give a node another constant."""
        name = f"{node.output[0]}.lean.{position}"
        self.constants[name] = values
        node.input[position] = name
        self.resized |= set(node.output)

    def make_block_lean(self, last: NodeProto) -> tuple[int, int]:
        """Change one block; give its neurons, and those that variables travelled through."""
        layers = [last]
        while not self._reads_variables(layers[0]):
            before = self.made_by[layers[0].input[0]]  # the activation
            self.resized |= set(before.output)
            layers.insert(0, self.made_by[before.input[0]])
        split = self.reader(last)
        n_passed = 2 * self.value(layers[0].input[1]).shape[0]
        n_neurons = self.value(layers[0].input[1]).shape[1] - n_passed
        n_network = int(self.value(split.input[1])[:2].sum())
        weight, bias = self.value(last.input[1]), self.value(last.input[2])
        offsets = _of_variables(weight[n_neurons:, n_network:], bias[n_network:])
        for layer in layers:
            old = self.value(layer.input[1])
            rows = old.shape[0] if layer is layers[0] else n_neurons
            columns = n_network if layer is last else n_neurons
            if np.any(old[n_neurons:, :columns]) and layer is not layers[0]:
                raise ValueError("export: expected variables that travel through a network alone")
            self.replace(layer, 1, old[:rows, :columns])
            if layer is not layers[0]:
                self.replace(layer, 2, self.value(layer.input[2])[:columns])
        self.replace(split, 1, np.asarray(self.value(split.input[1])[:2], dtype=np.int64))
        beside = helper.make_node("Gemm", [layers[0].input[0], "", ""], [split.output[2]])
        self.replace(beside, 1, offsets)
        self.replace(beside, 2, bias[n_network:])
        del split.output[2]
        self.nodes.insert(self.nodes.index(layers[0]), beside)
        return n_neurons, n_passed

    def shorten_conditions(self, n_blocks: int, n_neurons: int, n_passed: int) -> None:
        """Leave out what the conditions add to neurons that are no more: nothing."""
        size = n_neurons + n_passed
        kept = np.arange(n_blocks * size) % size < n_neurons
        for node in self.nodes:
            for position, name in enumerate(node.input):
                if name.startswith(_CONDITIONS) and self._is_constant(name):
                    values = self.value(name)
                    if values.shape[-1] == len(kept):
                        self.replace(node, position, values[..., kept])
            is_split = node.op_type == "Split" and len(node.output) == n_blocks
            if is_split and np.array_equal(self.value(node.input[1]), [size] * n_blocks):
                self.replace(node, 1, np.full(n_blocks, n_neurons))

    def write(self) -> None:
        """Put nodes and constants back, without those that nothing reads."""
        read = {name for node in self.nodes for name in node.input}
        read |= {output.name for output in self.graph.output}
        nodes = [
            NodeProto.FromString(node.SerializeToString())
            for node in self.nodes
            if read & set(node.output)
        ]
        read = {name for node in nodes for name in node.input}
        tensors = [
            numpy_helper.from_array(np.asarray(values), name)
            for name, values in self.constants.items()
            if name in read
        ]
        # runtimes choose operators by the shapes of tensors: those that stay are kept
        shapes = [
            onnx.ValueInfoProto.FromString(value.SerializeToString())
            for value in self.graph.value_info
            if value.name not in self.resized
        ]
        del self.graph.node[:], self.graph.initializer[:], self.graph.value_info[:]
        self.graph.value_info.extend(shapes)
        self.graph.node.extend(nodes)
        self.graph.initializer.extend(tensors)

    def _reads_variables(self, layer: NodeProto) -> bool:
        """Tell the first layer of a network: what the conditions add is not constant."""
        return not self._is_constant(layer.input[2])

    def _is_constant(self, name: str) -> bool:
        node = self.made_by.get(name)
        return name in self.constants or (node is not None and node.op_type == "Cast")


def _of_variables(
    passed: Float64[Array, "neuron output"], bias: Float64[Array, " output"]
) -> Float64[Array, "variable output"]:
    """Write what ReLU(z) and ReLU(-z) add as factors of z."""
    positive, negative = np.split(passed, 2)
    # what reads both has opposite factors; what reads one is cut at 0 behind, where its bias is
    # not above 0
    both = positive == -negative
    one = ((positive == 0.0) | (negative == 0.0)) & (bias <= 0.0)
    if not np.all(both | one):
        raise ValueError("export: expected a flow that reads its variables as they are")
    return np.where(positive != 0.0, positive, -negative)
