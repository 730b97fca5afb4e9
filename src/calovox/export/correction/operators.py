"""The operators of exported graphs in torch, as far as `calovox.export` writes them.

Gradients are finite everywhere: a root has the slope 0 where its number is next to 0, and so has a
quotient where its slope is beyond all numbers.

References:
    ONNX operators, https://onnx.ai/onnx/operators/
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import NodeProto, TensorProto
from torch import Tensor, nn

__all__ = ["run_node"]

_NEXT_TO_NOTHING: Final = 1e-12

_TYPES: Final = {
    TensorProto.FLOAT: torch.float32,
    TensorProto.FLOAT16: torch.float32,  # narrow weights: computed with in single precision
    TensorProto.DOUBLE: torch.float64,
    TensorProto.INT64: torch.int64,
    TensorProto.BOOL: torch.bool,
}

Inputs = Sequence[Tensor | None]
Attributes = dict[str, Any]
Operator = Callable[[Inputs, Attributes, int], Tensor | Sequence[Tensor]]


def run_node(node: NodeProto, inputs: Inputs) -> Sequence[Tensor]:
    """Compute what a node gives.

    Args:
        node: The node.
        inputs: What it reads; None where it reads nothing.

    Returns:
        One tensor for each output.

    Raises:
        ValueError: If it is of a kind that no exported graph has.
    """
    if node.op_type not in _OPERATORS:
        raise ValueError(f"correct: expected a graph of calovox, got the operator {node.op_type}")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    found = _OPERATORS[node.op_type](inputs, attributes, len(node.output))
    return [found] if isinstance(found, Tensor) else found


def _of(function: Callable[..., Tensor]) -> Operator:
    """Take a function of the inputs alone."""
    return lambda inputs, attributes, count: function(*inputs)


def _numbers(values: Tensor | None) -> list[int]:
    assert values is not None
    return [int(value) for value in values]


def _tensor(values: Tensor | None) -> Tensor:
    assert values is not None
    return values


def _cast(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    return _tensor(inputs[0]).to(_TYPES[attributes["to"]])


def _clip(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    x, low, high = (*inputs, None, None)[:3]
    x = _tensor(x)
    x = x if low is None else torch.maximum(x, low)
    return x if high is None else torch.minimum(x, high)


def _concat(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    return torch.cat([_tensor(x) for x in inputs], dim=attributes["axis"])


def _divide(x: Tensor, y: Tensor) -> Tensor:
    if not x.is_floating_point():
        return torch.div(x, y, rounding_mode="floor")
    if y.requires_grad:
        y.register_hook(_finite)  # type: ignore[no-untyped-call]
    return x / y


def _finite(gradient: Tensor) -> Tensor:
    return torch.nan_to_num(gradient, nan=0.0, posinf=0.0, neginf=0.0)


def _expand(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    x = _tensor(inputs[0])
    return x.expand(np.broadcast_shapes(tuple(x.shape), tuple(_numbers(inputs[1]))))


def _gather(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    x, places, axis = _tensor(inputs[0]), _tensor(inputs[1]), attributes.get("axis", 0)
    found = x.index_select(axis, places.reshape(-1))
    return found.reshape(*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])


def _gemm(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    a, b, c = (*inputs, None)[:3]
    a, b = _tensor(a), _tensor(b)
    product = (a.T if attributes.get("transA") else a) @ (b.T if attributes.get("transB") else b)
    scaled: Tensor = attributes.get("alpha", 1.0) * product
    return scaled if c is None else scaled + attributes.get("beta", 1.0) * c


def _layer_norm(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    x, scale, bias = (*inputs, None)[:3]
    size, epsilon = list(_tensor(x).shape[-1:]), attributes.get("epsilon", 1e-5)
    found: Tensor = nn.functional.layer_norm(_tensor(x), size, scale, bias, epsilon)
    return found


def _reduce(function: Callable[..., Tensor]) -> Operator:
    """Take a function of one axis after the other."""

    def operator(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
        axes = sorted(attributes["axes"], reverse=True)
        keep = bool(attributes.get("keepdims", 1))
        return reduce(lambda x, axis: function(x, axis, keep), axes, _tensor(inputs[0]))

    return operator


def _reshape(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    x = _tensor(inputs[0])
    sizes = _numbers(inputs[1])
    return x.reshape([x.shape[k] if size == 0 else size for k, size in enumerate(sizes)])


def _slice(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    x, starts, ends, axes, steps = (*inputs, None, None)[:5]
    places = range(len(_tensor(starts))) if axes is None else _numbers(axes)
    chosen = [slice(None)] * _tensor(x).dim()
    for k, (start, end) in zip(
        places, zip(_numbers(starts), _numbers(ends), strict=True), strict=True
    ):
        chosen[k] = slice(start, end)
    assert steps is None or set(_numbers(steps)) == {1}
    return _tensor(x)[tuple(chosen)]


def _split(inputs: Inputs, attributes: Attributes, count: int) -> Sequence[Tensor]:
    x, axis = _tensor(inputs[0]), attributes.get("axis", 0)
    sizes = inputs[1] if len(inputs) > 1 else None
    parts = x.shape[axis] // count if sizes is None else _numbers(sizes)
    return torch.split(x, parts, dim=axis)


def _sqrt(x: Tensor) -> Tensor:
    return torch.where(x > _NEXT_TO_NOTHING, x.clamp(min=_NEXT_TO_NOTHING).sqrt(), 0.0)


def _squeeze(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    return _tensor(inputs[0]).squeeze(tuple(_numbers(inputs[1])))


def _unsqueeze(inputs: Inputs, attributes: Attributes, count: int) -> Tensor:
    return reduce(torch.unsqueeze, sorted(_numbers(inputs[1])), _tensor(inputs[0]))


_OPERATORS: Final[dict[str, Operator]] = {
    "Abs": _of(torch.abs),
    "Add": _of(torch.add),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Div": _of(_divide),
    "Erf": _of(torch.erf),
    "Exp": _of(torch.exp),
    "Expand": _expand,
    "Gather": _gather,
    "Gemm": _gemm,
    "Greater": _of(torch.gt),
    "GreaterOrEqual": _of(torch.ge),
    "LayerNormalization": _layer_norm,
    "Less": _of(torch.lt),
    "LessOrEqual": _of(torch.le),
    "Log": _of(torch.log),
    "MatMul": _of(torch.matmul),
    "Max": _of(lambda *x: reduce(torch.maximum, x)),
    "Min": _of(lambda *x: reduce(torch.minimum, x)),
    "Mul": _of(torch.mul),
    "Neg": _of(torch.neg),
    "Reciprocal": _of(torch.reciprocal),
    "ReduceMax": _reduce(lambda x, axis, keep: x.amax(dim=axis, keepdim=keep)),
    "ReduceProd": _reduce(lambda x, axis, keep: x.prod(dim=axis, keepdim=keep)),
    "Relu": _of(torch.relu),
    "Reshape": _reshape,
    "Shape": _of(lambda x: torch.tensor(x.shape)),
    "Sigmoid": _of(torch.sigmoid),
    "Slice": _slice,
    "Softmax": lambda x, attributes, _: _tensor(x[0]).softmax(attributes.get("axis", -1)),
    "Softplus": _of(nn.functional.softplus),
    "Split": _split,
    "Sqrt": _of(_sqrt),
    "Squeeze": _squeeze,
    "Sub": _of(torch.sub),
    "Sum": _of(lambda *x: reduce(torch.add, x)),
    "Transpose": lambda x, attributes, _: _tensor(x[0]).permute(attributes["perm"]),
    "Unsqueeze": _unsqueeze,
    "Where": _of(torch.where),
}
