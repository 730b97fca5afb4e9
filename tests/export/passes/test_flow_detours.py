"""A flow without detours gives the same numbers from half as many weights."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from calovox.export.passes.flow_detours import has_detours, leave_out_detours
from calovox.runtime.onnx_runtime import onnxruntime

N_VARIABLES, N_NEURONS, N_NETWORK, N_OFFSETS = 3, 4, 5, 7
PASSED = 2 * N_VARIABLES
RNG = np.random.default_rng(3)


def block(k: int, z: str) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    """Hand z and -z through two layers, as files of 0.2.0 do."""
    one, name = np.eye(N_VARIABLES), f"flow.blocks.{k}"
    first = np.concatenate([RNG.normal(size=(N_VARIABLES, N_NEURONS)), one, -one], axis=1)
    second = np.zeros((N_NEURONS + PASSED,) * 2)
    second[:N_NEURONS, :N_NEURONS] = RNG.normal(size=(N_NEURONS, N_NEURONS))
    second[N_NEURONS:, N_NEURONS:] = np.eye(PASSED)
    bias = np.append(RNG.normal(size=N_NEURONS), np.zeros(PASSED))
    factors = RNG.normal(size=(N_VARIABLES, N_OFFSETS))
    outputs = np.zeros((N_NEURONS + PASSED, N_NETWORK + N_OFFSETS + PASSED))
    outputs[:N_NEURONS, :N_NETWORK] = RNG.normal(size=(N_NEURONS, N_NETWORK))
    outputs[N_NEURONS:, N_NETWORK:-PASSED] = np.concatenate([factors, -factors])
    outputs[N_NEURONS:, -PASSED:] = np.eye(PASSED)
    tails = -np.abs(RNG.normal(size=PASSED))
    tensors = {
        f"{name}.hidden.0.weight": first,
        f"{name}.hidden.1.weight": second,
        f"{name}.hidden.1.bias": bias,
        f"{name}.outputs.weight": outputs,
        f"{name}.outputs.bias": np.append(RNG.normal(size=N_NETWORK + N_OFFSETS), tails),
        f"sizes.{k}": np.array([2, N_NETWORK - 2, N_OFFSETS + PASSED]),
        f"back.{k}": RNG.normal(size=(N_OFFSETS + PASSED, N_VARIABLES)),
    }
    first, second, bias, outputs, output_bias, sizes, back = tensors
    nodes = [
        helper.make_node("Gemm", [z, first, f"condition.{k}"], [f"a{k}"]),
        helper.make_node("Max", [f"a{k}", "zero"], [f"b{k}"]),
        helper.make_node("Gemm", [f"b{k}", second, bias], [f"c{k}"]),
        helper.make_node("Max", [f"c{k}", "zero"], [f"d{k}"]),
        helper.make_node("Gemm", [f"d{k}", outputs, output_bias], [f"e{k}"]),
        helper.make_node("Split", [f"e{k}", sizes], [f"f{k}", f"g{k}", f"h{k}"], axis=1),
        helper.make_node("Max", [f"h{k}", "zero"], [f"i{k}"]),
        helper.make_node("MatMul", [f"i{k}", back], [f"z{k + 1}"]),
    ]
    return nodes, tensors


def old_flow() -> onnx.ModelProto:
    size = N_NEURONS + PASSED
    weight = np.zeros((2, 2 * size))
    weight[:, np.arange(2 * size) % size < N_NEURONS] = RNG.normal(size=(2, 2 * N_NEURONS))
    prefix = "conditions_of_energies.direct"
    tensors = {
        f"{prefix}.weight": weight,
        f"{prefix}.bias": np.zeros(2 * size),
        "zero": np.zeros(()),
        "sizes": np.array([size, size]),
    }
    nodes = [
        helper.make_node("Gemm", ["c", f"{prefix}.weight", f"{prefix}.bias"], ["all"]),
        helper.make_node("Split", ["all", "sizes"], ["condition.0", "condition.1"], axis=1),
    ]
    for k, z in enumerate(["z", "z1"]):
        new, more = block(k, z)
        nodes += new
        tensors |= more
    read = [f"{letter}{k}" for k in range(2) for letter in "fg"]
    nodes.append(helper.make_node("Concat", [*read, "z2"], ["y"], axis=1))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", size])
        for name, size in {"z": N_VARIABLES, "c": 2, "y": 2 * N_NETWORK + N_VARIABLES}.items()
    ]
    initializers = [numpy_helper.from_array(values, name) for name, values in tensors.items()]
    graph = helper.make_graph(nodes, "toy", ends[:2], ends[2:], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto) -> np.ndarray:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    rng = np.random.default_rng(1)
    given = {"z": rng.normal(size=(50, N_VARIABLES)), "c": rng.normal(size=(50, 2))}
    return np.asarray(session.run(None, given)[0])


def test_a_lean_flow_gives_the_same_numbers() -> None:
    model = old_flow()
    expected = run(model)
    assert has_detours(model)
    leave_out_detours(model)
    assert not has_detours(model)
    np.testing.assert_allclose(run(model), expected, rtol=1e-12, atol=1e-12)
    sizes = {t.name: list(t.dims) for t in model.graph.initializer}
    assert [N_NEURONS, N_NETWORK] in sizes.values()
    assert not any(N_NEURONS + PASSED in size for size in sizes.values())


def test_a_flow_of_another_kind_is_refused() -> None:
    model = old_flow()
    for tensor in model.graph.initializer:
        if tensor.name == "flow.blocks.1.outputs.weight":
            values = numpy_helper.to_array(tensor).copy()
            values[-1, -1] = values[-2, -1] = values[N_NEURONS, -1] = 1.0
            values[N_NEURONS + N_VARIABLES, -1] = 2.0
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    with pytest.raises(ValueError, match="reads its variables as they are"):
        leave_out_detours(model)
