"""Operators in torch against those of the reference implementation of ONNX."""

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from onnx.reference import ReferenceEvaluator

from calovox.export.correction.operators import run_node

rng = np.random.default_rng(1)
X = rng.normal(size=(6, 4)).astype(np.float32)
Y = rng.uniform(0.5, 2.0, size=(6, 4)).astype(np.float32)
WEIGHT, BIAS = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
ONE = {"Abs": X, "Erf": X, "Exp": X, "Log": Y, "Neg": X, "Reciprocal": Y, "Relu": X, "Sqrt": Y}
ONE |= {"Sigmoid": X, "Softplus": X, "Shape": X}
TWO = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Greater", "GreaterOrEqual", "Less")
CASES = {
    **{kind: ([x], {}) for kind, x in ONE.items()},
    **{kind: ([X, Y], {}) for kind in (*TWO, "LessOrEqual")},
    "Cast": ([X], {"to": onnx.TensorProto.DOUBLE}),
    "Clip": ([X, np.float32(-0.5), np.float32(0.5)], {}),
    "Clip above": ([X, None, np.float32(0.5)], {}),
    "Concat": ([X, Y], {"axis": 1}),
    "Div of whole numbers": ([np.arange(6) + 1, np.full(6, 4)], {}),
    "Expand": ([X[:1], np.array([6, 4])], {}),
    "Gather": ([X, np.array([3, 0])], {"axis": 1}),
    "Gather tables": ([X, np.array([[3, 0], [1, 1]])], {"axis": 0}),
    "Gemm": ([X, WEIGHT, BIAS], {"alpha": 0.5, "beta": 2.0}),
    "Gemm of transposed": ([X.T.copy(), WEIGHT.T.copy(), BIAS], {"transA": 1, "transB": 1}),
    "LayerNormalization": ([X, Y[0], Y[1]], {"epsilon": 1e-3}),
    "MatMul": ([X, WEIGHT], {}),
    "ReduceMax": ([X], {"axes": [1], "keepdims": 1}),
    "ReduceProd": ([X.reshape(2, 3, 4)], {"axes": [2], "keepdims": 0}),
    "Reshape": ([X, np.array([0, 2, -1])], {}),
    "Slice": ([X, np.array([1]), np.array([3]), np.array([1]), np.array([1])], {}),
    "Slice to the end": ([X, np.array([2]), np.array([2**62]), np.array([0])], {}),
    "Softmax": ([X], {"axis": 1}),
    "Split": ([X, np.array([1, 3])], {"axis": 1}),
    "Split in halves": ([X], {"axis": 0}),
    "Squeeze": ([X[:, :1], np.array([1])], {}),
    "Transpose": ([X.reshape(2, 3, 4)], {"perm": [2, 0, 1]}),
    "Unsqueeze": ([X, np.array([0, 3])], {}),
    "Where": ([X > 0.0, X, Y], {}),
}


@pytest.mark.parametrize("case", CASES)
def test_operators_are_those_of_onnx(case):
    inputs, attributes = CASES[case]
    outputs = ["a", "b"] if case.startswith("Split") else ["a"]
    names = ["" if value is None else f"x{k}" for k, value in enumerate(inputs)]
    given = {name: np.asarray(v) for name, v in zip(names, inputs, strict=True) if name}
    node = helper.make_node(case.split()[0], names, outputs, **attributes)
    expected = reference(node, given, outputs)
    found = run_node(node, [None if v is None else torch.from_numpy(np.array(v)) for v in inputs])
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=2e-6, atol=1e-7)


def reference(node, given, outputs):
    kinds = {name: helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in given.items()}
    graph = helper.make_graph(
        [node],
        "one",
        [helper.make_tensor_value_info(n, kinds[n], v.shape) for n, v in given.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return ReferenceEvaluator(model).run(None, given)


@pytest.mark.parametrize("kind", ["Sqrt", "Div"])
def test_gradients_are_finite_where_slopes_are_not(kind):
    x = torch.tensor([0.0, 1e-30, 4.0], requires_grad=True)
    inputs = [x] if kind == "Sqrt" else [torch.ones(3), x]
    run_node(helper.make_node(kind, ["x"], ["y"]), inputs)[0].sum().backward()
    assert torch.isfinite(x.grad).all()
    assert x.grad[2] != 0.0


def test_other_operators_are_refused():
    with pytest.raises(ValueError, match="got the operator LSTM"):
        run_node(helper.make_node("LSTM", ["x"], ["y"]), [torch.zeros(1)])
