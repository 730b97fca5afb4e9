"""Exported graphs in fewer bits: stored weights, splines of the flow, and large layers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from calovox.arrays import Array
from calovox.export.passes.compact import compact
from calovox.export.passes.editing import Editing
from calovox.runtime import OnnxModel
from calovox.runtime.accelerators import Accelerator
from calovox.runtime.onnx_model import INPUTS

LEAST = 64
"""Neurons on both sides of a layer that is worth fewer bits."""


class Calibration(CalibrationDataReader):  # type: ignore[misc]
    """Photons and noise that int8 is calibrated with: none of the evaluation."""

    def __init__(self, model: OnnxModel) -> None:
        rng = np.random.default_rng(7)
        low, high = np.log(model.energy_range)
        sizes = (1, 1, 5, model.n_shape_noise)
        self._batches = []
        for _ in range(8):
            batch = [rng.normal(size=(64, size)).astype(np.float32) for size in sizes]
            batch[0] = rng.uniform(*model.eta_range, (64, 1)).astype(np.float32) * np.float32(10)
            batch[1] = np.exp(rng.uniform(low, high, (64, 1))).astype(np.float32)
            self._batches.append(dict(zip(INPUTS, batch, strict=True)))

    def get_next(self) -> dict[str, Array] | None:
        return self._batches.pop() if self._batches else None


def variants(
    model: OnnxModel, folder: Path, accelerator: Accelerator
) -> Iterator[tuple[str, Path]]:
    """Write all variants of a model that make sense on an accelerator."""
    for name, make in (
        ("all weights in float16", lambda graph: store(graph, TensorProto.FLOAT16)),
        ("all weights in bfloat16", lambda graph: store(graph, TensorProto.BFLOAT16)),
        ("splines of the flow in float32, too", narrow),
        *([("large layers in float16", halve_layers)] if accelerator == "cuda" else []),
    ):
        graph = onnx.load(model.path)
        make(graph)
        path = folder / f"{name}.onnx"
        onnx.save(graph, path)
        yield name, path
    if accelerator == "cpu":
        yield from in_int8(model, folder)


def in_int8(model: OnnxModel, folder: Path) -> Iterator[tuple[str, Path]]:
    """Write the variants with large layers in int8."""
    named, layers = folder / "named.onnx", write_named(model.path, folder / "named.onnx")
    options = {
        "weight_type": QuantType.QInt8,
        "nodes_to_quantize": layers,
        "op_types_to_quantize": ["MatMul", "Gemm"],
        "extra_options": {"MatMulConstBOnly": True},
    }
    quantize_dynamic(named, folder / "dynamic.onnx", **options)
    yield "large layers in int8, dynamic", _compacted(folder / "dynamic.onnx")
    quantize_static(named, folder / "static.onnx", Calibration(model), per_channel=True, **options)
    yield "large layers in int8, static", _compacted(folder / "static.onnx")


def _compacted(path: Path) -> Path:
    """Store in half precision again what the quantizer has widened."""
    graph = onnx.load(path)
    compact(graph)
    onnx.save(graph, path)
    return path


def store(graph: onnx.ModelProto, kind: int) -> None:
    """Round weights and widen them when the file is loaded."""
    editing = Editing(graph)
    editing.write()
    casts, tensors = [], []
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind != "f" or values.size < 512 or np.abs(values).max() > 6e4:
            tensors.append(tensor)
            continue
        narrow_kind = helper.tensor_dtype_to_np_dtype(kind)
        rounded = numpy_helper.from_array(
            values.astype(np.float32).astype(narrow_kind), f"{tensor.name}.stored"
        )
        tensors.append(rounded)
        casts.append(helper.make_node("Cast", [rounded.name], [tensor.name], to=tensor.data_type))
    _put(graph, casts, tensors)


def narrow(graph: onnx.ModelProto) -> None:
    """Let all that is in double precision compute in single precision."""
    Editing(graph).write()
    tensors = []
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float64:
            narrowed = values.astype(np.float32)
            # the ends of a spline lie below 1, where a root is
            ends = (np.abs(narrowed) == 1.0) & (np.abs(values) != 1.0)
            values = np.where(ends, narrowed * np.float32(1.0 - 2.0**-24), narrowed)
        tensors.append(numpy_helper.from_array(values, tensor.name))
    for node in graph.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT
    del graph.graph.value_info[:]
    _put(graph, [], tensors)
    compact(graph)


def halve_layers(graph: onnx.ModelProto) -> None:
    """Let large layers multiply in half precision; on a CPU, only their weights are rounded."""
    editing = Editing(graph)
    editing.fold_constants()
    for node in large_layers(editing):
        names, wide = list(node.input), node.output[0]
        halves, product = [editing.fresh("half") for _ in names], editing.fresh("half")
        casts = [
            helper.make_node("Cast", [name], [half], to=TensorProto.FLOAT16)
            for name, half in zip(names, halves, strict=True)
        ]
        multiply = onnx.NodeProto.FromString(node.SerializeToString())
        multiply.input[:], multiply.output[:] = halves, [product]
        widen = helper.make_node("Cast", [product], [wide], to=TensorProto.FLOAT)
        editing.replace(node, [*casts, multiply, widen])
    editing.write()
    compact(graph)


def large_layers(editing: Editing) -> list[onnx.NodeProto]:
    """List the products with large matrices of weights in single precision."""
    found = []
    for node in editing.nodes:
        if node.op_type in ("Gemm", "MatMul") and editing.is_constant(node.input[1]):
            weights = editing.value(node.input[1])
            if weights.dtype == np.float32 and weights.ndim == 2 and min(weights.shape) >= LEAST:
                found.append(node)
    return found


def write_named(path: Path, copy: Path) -> list[str]:
    """Copy a model with names of its nodes; list those of the large layers."""
    graph = onnx.load(path)
    editing = Editing(graph)
    editing.fold_constants()
    for position, node in enumerate(editing.nodes):
        node.name = f"{node.op_type}_{position}"
    layers = [node.name for node in large_layers(editing)]
    editing.write()
    del graph.graph.value_info[:]
    onnx.save(graph, copy)
    return layers


def _put(graph: onnx.ModelProto, casts: list[onnx.NodeProto], tensors: list[TensorProto]) -> None:
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in graph.graph.node]
    copies = [TensorProto.FromString(tensor.SerializeToString()) for tensor in tensors]
    del graph.graph.node[:], graph.graph.initializer[:]
    graph.graph.node.extend([*casts, *nodes])
    graph.graph.initializer.extend(copies)
