"""A toy model of showers as a file: layers and voxels are simple functions of their noise."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from calovox.runtime.metadata import ModelMetadata
from calovox.runtime.onnx_model import INPUTS
from calovox.voxelization import VoxelGrid

_FLUCTUATION = 0.1
_THRESHOLD = -0.5
_TINY = 1e-6
"""Of a layer whose voxels are all empty, all of them hold as much."""

_NODES = (
    ("Mul", ["inn_z_energy", "fluctuation"], "moved"),
    ("Add", ["moved", "one"], "signed"),
    ("Relu", ["signed"], "factors"),
    ("Mul", ["factors", "shares"], "parts"),
    ("Mul", ["parts", "inn_einc_in"], "energies"),
    ("Sub", ["cfm_z_shape", "threshold"], "above"),
    ("Relu", ["above"], "hit"),
    ("Add", ["hit", "tiny"], "free"),
    ("MatMul", ["free", "layers"], "sums"),
    ("Div", ["energies", "sums"], "scales"),
    ("MatMul", ["scales", "voxels_of"], "scale"),
    ("Mul", ["free", "scale"], "voxels"),
)


def write_teacher(
    path: Path,
    grid: VoxelGrid,
    *,
    energy_range: tuple[float, float] = (256.0, 524288.0),
    eta_range: tuple[float, float] = (0.0, 1.35),
) -> Path:
    """Write a model in which every layer and every voxel depends on its own noise alone.

    Layer k holds f_k (1 + 0.1 z_k) of the kinetic energy, and voxel i of it max(0, z_i + 0.5)
    parts.
    """
    sizes = grid.layer_sizes
    of_layer = np.repeat(np.eye(len(sizes)), sizes, axis=0).astype(np.float32)
    shares = np.linspace(1.0, 2.0, len(sizes))
    constants = {
        "fluctuation": np.float32([_FLUCTUATION]),
        "one": np.float32([1.0]),
        "shares": (0.95 * shares / shares.sum()).astype(np.float32)[None],
        "threshold": np.float32([_THRESHOLD]),
        "tiny": np.float32([_TINY]),
        "layers": of_layer,
        "voxels_of": np.ascontiguousarray(of_layer.T),
    }
    nodes = [helper.make_node(kind, inputs, [output]) for kind, inputs, output in _NODES]
    numbers = dict(zip(INPUTS, (1, 1, len(sizes), grid.n_voxels), strict=True))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name, size in numbers.items()
    ]
    output = helper.make_tensor_value_info("voxels", TensorProto.FLOAT, ["batch", grid.n_voxels])
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "teacher", inputs, [output], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    card = {"energies": {"parameters": 1}, "shapes": {"parameters": 1}}
    metadata = ModelMetadata(grid, energy_range, eta_range, card)
    helper.set_model_props(model, metadata.to_texts())
    onnx.save(model, path)
    return path
