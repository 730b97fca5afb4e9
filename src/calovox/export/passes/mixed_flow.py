r"""Flows whose networks compute in single precision, and whose splines do in double.

A product of small matrices in double precision costs three times one in single precision: most
of the time of a flow. What a network rounds moves the knots of a spline and changes its slopes by
1e-7, which changes the result of a block by as much. The shares of the bins and the position of y
between the knots stay in double precision: where those are rounded, steep splines enlarge the
rounding block by block.

The block of `calovox.export.fused.flow` is written with fewer nodes. With t in [-1, 1], the
position in a bin of width w and height h whose ends have the slopes d_0 and d_1,

    t = min(max((y - y_m) 2 / h, -1), 1),  y_m in the middle of the bin,
    b = (w / h) ((d_1 - d_0) / 2 + t (d_1 + d_0) / 2),  r = sqrt(1 + (b + t) (b - t)),

the bin adds w/2 (b + t) / (r + 1) to x: with t h = e - p, all is as there, over h. A wide bin of
the slopes w / h = d_0 = d_1 = 1 adds t w/2: such bins hold the tails on both sides of the splines,
and the variables that a block leaves as they are.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper

from calovox.arrays import Array, Float64
from calovox.export.fused.conditions import COPIES
from calovox.export.passes.editing import Editing
from calovox.nn.spline import MIN_SLOPE

__all__ = ["REACH", "is_mixed", "make_mixed"]

REACH: Final = 1024.0
"""Half the width of the wide bins: variables beyond it count as if they were there."""

_END: Final = 1.0 - 1e-14
"""The largest t: 1 would leave r, where b is 0, the root of a number that rounding may make
negative."""

_LOG_ENERGY: Final = 11.0
"""About the middle of the logarithms of energies in MeV."""

_ACTIVATIONS: Final = ("Max", "Relu")


def is_mixed(model: onnx.ModelProto) -> bool:
    """Tell whether a model has no flow whose networks compute in double precision."""
    return not _first_layers(Editing(model))


def make_mixed(model: onnx.ModelProto) -> None:
    """Let the networks of a flow compute in single precision.

    Args:
        model: A model of any kind; it is changed if it has a flow in double precision.

    Raises:
        ValueError: If its flow is built in another way.
    """
    graph = Editing(model)
    blocks = [_Block.of(graph, first) for first in _first_layers(graph)]
    if not blocks:
        return
    split = graph.maker(blocks[0].condition)
    assert split is not None  # `_first_layers` looked for it
    _narrow_conditions(graph, split)
    for block in blocks:
        graph.replace(block.last, _Writer(graph, block).nodes())
    graph.write()


def _first_layers(graph: Editing) -> list[NodeProto]:
    """List the first layers of the networks: what they add comes from a common product."""
    found = []
    for node in graph.nodes:
        if node.op_type != "Gemm" or len(node.input) < 3 or not graph.is_constant(node.input[1]):
            continue
        maker = graph.maker(node.input[2])
        readers = {reader.op_type for reader in graph.readers(node.output[0])}
        wide = graph.value(node.input[1]).dtype == np.float64 and readers <= set(_ACTIVATIONS)
        if wide and maker is not None and maker.op_type == "Split":
            found.append(node)
    return found


def _narrow_conditions(graph: Editing, split: NodeProto) -> None:
    """Let the product that gives what the conditions add compute in single precision."""
    last = graph.maker(split.input[0])
    direct = None if last is None else graph.maker(last.input[2])
    if last is None or direct is None or {last.op_type, direct.op_type} != {"Gemm"}:
        raise ValueError("export: expected a flow with one product for all conditions")
    weight, bias = (graph.value(name) for name in direct.input[1:])
    rows = np.flatnonzero(weight.any(axis=1))
    # numbers far from 0 would cost digits
    shift = np.where(rows < COPIES, _LOG_ENERGY, 0.0)
    names = [graph.fresh("condition") for _ in range(5)]
    chosen, shifted, all_, narrow, added = names
    maps = np.concatenate([graph.value(last.input[1]), weight[rows]]).astype(np.float32)
    bias = (bias + shift @ weight[rows]).astype(np.float32)
    places = graph.constant(rows, np.int64)
    split.input[0] = added
    for name in split.output:  # their type changes
        graph.forget_shape(name)
    new = [
        helper.make_node("Gather", [direct.input[0], places], [chosen], axis=1),
        helper.make_node("Sub", [chosen, graph.constant(shift, np.float64)], [shifted]),
        helper.make_node("Concat", [last.input[0], shifted], [all_], axis=1),
        helper.make_node("Cast", [all_], [narrow], to=TensorProto.FLOAT),
        helper.make_node(
            "Gemm",
            [narrow, graph.constant(maps, np.float32), graph.constant(bias, np.float32)],
            [added],
        ),
    ]
    graph.replace(split, [*new, split])


@dataclass(frozen=True, eq=False)
class _Block:
    """A block as `calovox.export.fused.flow` has it.

    Attributes:
        variables: Name of what it reads.
        condition: Name of what the condition adds to its first neurons.
        layers: Weights and biases of its network; the first one has no bias.
        n_bins: Bins of each spline.
        knots: What quantities of bins are, by the shares of the bins.
        constants: What is added to them.
        scatter: Which variable each bin belongs to.
        last: The node that gives its result.
    """

    variables: str
    condition: str
    layers: list[tuple[Float64[Array, "_ _"], Float64[Array, " _"] | None]]
    n_bins: int
    knots: Float64[Array, "share quantity"]
    constants: Float64[Array, " quantity"]
    scatter: Float64[Array, "bin variable"]
    last: NodeProto

    @classmethod
    def of(cls, graph: Editing, first: NodeProto) -> "_Block":
        """Find a block by the first layer of its network."""
        layers: list[Any] = [(graph.value(first.input[1]), None)]
        node = graph.reader(first.output[0], *_ACTIVATIONS)
        while node.op_type in _ACTIVATIONS:
            layer = graph.reader(node.output[0], "Gemm")
            layers.append((graph.value(layer.input[1]), graph.value(layer.input[2])))
            node = graph.reader(layer.output[0], *_ACTIVATIONS, "Split")
        rows = graph.reader(node.output[0], "Reshape")
        softmax = graph.reader(rows.output[0], "Softmax")
        knots = graph.reader(graph.reader(softmax.output[0], "Reshape").output[0], "Gemm")
        beside = graph.maker(knots.input[2])
        if beside is None or beside.op_type != "Gemm":
            raise ValueError("export: expected a flow whose variables go beside its networks")
        parts = graph.reader(graph.reader(knots.output[0], *_ACTIVATIONS).output[0], "Split")
        tails = graph.reader(parts.output[4], "MatMul")
        last = graph.reader(tails.output[0], "Gemm")
        return cls(
            variables=first.input[0],
            condition=first.input[2],
            layers=layers,
            n_bins=int(graph.value(rows.input[1])[-1]),
            knots=graph.value(knots.input[1]),
            constants=graph.value(beside.input[2]),
            scatter=graph.value(last.input[1]),
            last=last,
        )

    def bins(self) -> "_Bins":
        """Give all bins, by the shares, with the wide ones behind."""
        n, n_variables = self.scatter.shape
        # twice y less the lower knot, twice what is left, twice the height two times, half the
        # width, the height; then what lies beyond the ends, which are 0 for variables that stay
        maps = np.concatenate([self.knots, self.constants[None]])
        above, width, height = (maps[:, k * n :][:, :n] for k in (0, 4, 5))
        ends = -self.constants[-n_variables:]
        changed = np.flatnonzero(ends)
        place = [*np.flatnonzero(ends == 0.0), *changed, *changed]
        middles = np.zeros(len(place))
        middles[-2 * len(changed) :] = np.concatenate([ends + REACH, -ends - REACH])[
            [*changed, *(changed + n_variables)]
        ]
        wide = np.zeros((len(maps), len(place)))
        wide[-1] = REACH
        return _Bins(
            minus_middle=np.concatenate([0.5 * (above - height), wide * -middles / REACH], 1),
            half_height=np.concatenate([0.5 * height, wide], 1),
            half_width=np.concatenate([width, wide], 1),
            scatter=np.concatenate([self.scatter, np.eye(n_variables)[place]]),
        )


@dataclass(frozen=True, eq=False)
class _Bins:
    """What the bins are by the shares, with a constant in the last row."""

    minus_middle: Float64[Array, "share bin"]
    half_height: Float64[Array, "share bin"]
    half_width: Float64[Array, "share bin"]
    scatter: Float64[Array, "bin variable"]


class _Writer:
    """Writes the nodes of one block."""

    def __init__(self, graph: Editing, block: _Block) -> None:
        self._graph, self._block, self._bins = graph, block, block.bins()
        self._nodes: list[NodeProto] = []

    def nodes(self) -> list[NodeProto]:
        """Give all nodes; the last one gives what the block gave before."""
        shares, slopes = self._network()
        bins, one = self._bins, self._wide(1.0)
        maps = np.concatenate([bins.minus_middle, bins.half_height, bins.half_width], axis=1)
        geometry = self._add("Gemm", shares, self._wide(maps[:-1]), self._wide(maps[-1]))
        minus_middle, half_height, half_width = self._split(geometry, 3)
        y = self._add("Gemm", self._block.variables, self._wide(bins.scatter.T), minus_middle)
        t = self._add("Div", y, half_height)
        t = self._add("Clip", t, self._wide(-_END), self._wide(_END))
        half_difference, mean = self._split(slopes, 2)
        b = self._add("Add", half_difference, self._add("Mul", t, mean))
        b = self._add("Mul", b, self._add("Div", half_width, half_height))
        sum_, difference = self._add("Add", b, t), self._add("Sub", b, t)
        r = self._add("Sqrt", self._add("Add", self._add("Mul", sum_, difference), one))
        x = self._add("Mul", half_width, self._add("Div", sum_, self._add("Add", r, one)))
        last = helper.make_node(
            "MatMul", [x, self._wide(bins.scatter)], [self._block.last.output[0]]
        )
        return [*self._nodes, last]

    def _network(self) -> tuple[str, str]:
        """Give shares of bins, and half the difference and the mean of their slopes."""
        block, n = self._block, len(self._block.scatter)
        *layers, (weight, bias) = block.layers
        assert bias is not None  # the first layer is another one
        y, added = self._add("Cast", block.variables, to=TensorProto.FLOAT), block.condition
        for w, b in layers:
            added = added if b is None else self._narrow(b)
            y = self._add("Relu", self._add("Gemm", y, self._narrow(w), added))
        maps = np.concatenate([weight, bias[None]])
        logits = self._add("Gemm", y, *map(self._narrow, (maps[:-1, : 2 * n], bias[: 2 * n])))
        logits = self._add("Cast", logits, to=TensorProto.DOUBLE)
        rows = self._add("Reshape", logits, self._sizes(-1, block.n_bins))
        shares = self._add("Reshape", self._add("Softmax", rows, axis=1), self._sizes(-1, 2 * n))
        # minus slopes at the right ends of all bins, then at the left ones: two bins beside each
        # other have one in common
        different, place = np.unique(-maps[:, 2 * n :], axis=1, return_inverse=True)
        different = np.pad(different, ((0, 0), (0, -different.shape[1] % COPIES)))
        slopes = self._add("Gemm", y, *map(self._narrow, (different[:-1], different[-1])))
        slopes = self._add("Cast", self._add("Softplus", slopes), to=TensorProto.DOUBLE)
        right, left = np.split(np.eye(different.shape[1])[:, place.ravel()], 2, axis=1)
        n_wide = len(self._bins.scatter) - n
        maps = 0.5 * np.pad([right - left, right + left], ((0, 0), (0, 0), (0, n_wide)))
        least = np.concatenate([np.full(n, MIN_SLOPE), np.ones(n_wide)])
        least = np.concatenate([np.zeros(n + n_wide), least])
        slopes = self._add(
            "Gemm", slopes, self._wide(np.concatenate(list(maps), 1)), self._wide(least)
        )
        return shares, slopes

    def _split(self, name: str, n_parts: int) -> list[str]:
        return self._add_many("Split", n_parts, name, axis=1)

    def _add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self._add_many(kind, 1, *inputs, **attributes)[0]

    def _add_many(self, kind: str, n: int, *inputs: str, **attributes: Any) -> list[str]:
        names = [self._graph.fresh(f"flow.{kind.lower()}") for _ in range(n)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def _wide(self, values: Any) -> str:
        return self._graph.constant(values, np.float64)

    def _narrow(self, values: Any) -> str:
        return self._graph.constant(values, np.float32)

    def _sizes(self, *sizes: int) -> str:
        return self._graph.constant(sizes, np.int64)
