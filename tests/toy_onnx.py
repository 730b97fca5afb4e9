"""A toy model as a file: its voxels share the kinetic energy as the exponentials of the noise."""

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from calovox.files.whole import file_hash
from calovox.photons import Particle
from calovox.runtime.metadata import FORMAT, VERSION, ModelMetadata
from calovox.runtime.model_set import MODEL_FILE
from calovox.voxelization import VoxelGrid

VISIBLE_FRACTION = 0.97
CARD = {"energies": {"parameters": 1}, "shapes": {"parameters": 20}}


def write_toy_onnx(
    path: Path,
    *,
    energy_range: tuple[float, float] = (256.0, 524288.0),
    eta_range: tuple[float, float] = (0.0, 1.35),
    particle: Particle = "photon",
) -> Path:
    """Write a model on the optimal grid."""
    metadata = ModelMetadata(VoxelGrid.optimal(), energy_range, eta_range, CARD, particle=particle)
    sizes = {"inn_eta_in": 1, "inn_einc_in": 1, "inn_z_energy": 5, "cfm_z_shape": 382}
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name, size in sizes.items()
    ]
    output = helper.make_tensor_value_info("voxels", TensorProto.FLOAT, ["batch", 382])
    visible = helper.make_tensor("visible", TensorProto.FLOAT, [1], [VISIBLE_FRACTION])
    nodes = [
        helper.make_node("Softmax", ["cfm_z_shape"], ["shares"], axis=1),
        helper.make_node("Mul", ["inn_einc_in", "visible"], ["energy"]),
        helper.make_node("Mul", ["energy", "shares"], ["voxels"]),
    ]
    graph = helper.make_graph(nodes, "toy", inputs, [output], [visible])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, metadata.to_texts())
    onnx.save(model, path)
    return path


def describe_toy_folder(folder: Path, models: list[str], **side_files: str) -> None:
    """Make a folder of models out of a folder with the files."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "models": [{"file": name} for name in models],
        "files": {name: file_hash(folder / name) for name in (*models, *side_files.values())},
        **side_files,
    }
    (folder / MODEL_FILE).write_text(json.dumps(content))
