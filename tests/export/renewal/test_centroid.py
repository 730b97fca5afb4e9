"""Exported models that learn afterwards where their energy centre lies."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from calovox.export.renewal import renew_models
from calovox.export.renewal.centroid import add_centroid
from calovox.models.shapes.centroid import N_ENERGIES, VoxelCentroid
from calovox.runtime import OnnxModel
from calovox.runtime.onnx_model import INPUTS
from tests.cli.commands.test_chain import fail
from tests.export.test_onnx_file import assert_finite, assert_same_in_any_batch
from tests.training.fits.test_centroid import GRID, RADII, write_showers

SHIPPED = Path(__file__).parents[3] / "src" / "calovox" / "shipped" / "calodit"
NAME = "photon_eta_000_070.onnx"
CENTER = VoxelCentroid(
    GRID, RADII, np.linspace(5.5, 14.5, N_ENERGIES), np.full((N_ENERGIES, 5), 0.1)
)


def without_center() -> onnx.ModelProto:
    """Give a graph of noise alone, with exact zeros, which takes what models take."""
    helper = onnx.helper
    sizes = dict(zip(INPUTS, (1, 1, 5, 382), strict=True))
    inputs = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", size])
        for name, size in sizes.items()
    ]
    output = helper.make_tensor_value_info("voxels", onnx.TensorProto.FLOAT, ["batch", 382])
    nodes = [
        helper.make_node("Abs", [INPUTS[3]], ["size"]),
        helper.make_node("Mul", ["size", INPUTS[1]], ["voxels.whole"]),
        helper.make_node("Identity", ["voxels.whole"], ["voxels"]),
    ]
    graph = helper.make_graph(nodes, "toy", inputs, [output])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_the_graph_moves_showers_as_the_law_does() -> None:
    from calovox.runtime.onnx_runtime import onnxruntime

    model = without_center()
    add_centroid(model, CENTER)
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((50, 382), dtype=np.float32)
    energy = np.float32(256.0) * 2.0 ** rng.uniform(0, 13, (50, 1)).astype(np.float32)
    values = (np.zeros((50, 1), np.float32), energy, np.zeros((50, 5), np.float32), noise)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (found,) = session.run(None, dict(zip(INPUTS, values, strict=True)))
    voxels = torch.from_numpy(np.abs(noise) * energy)
    expected = CENTER(voxels, torch.from_numpy(energy), torch.from_numpy(noise)).numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6 * energy.max())
    assert not np.allclose(found, voxels)


def test_a_graph_is_centred_once() -> None:
    model = without_center()
    add_centroid(model, CENTER)
    with pytest.raises(ValueError, match="whose energy centre is not moved yet"):
        add_centroid(model, CENTER)


def test_datasets_of_other_voxels_are_refused(exported: Path, tmp_path: Path) -> None:
    path = write_showers(tmp_path / "showers.h5", 50)
    fail(
        "export",
        exported,
        *("--centroid-from", path, "-o", tmp_path / "copy"),
        match="expected the voxels of the model",
    )
    assert not (tmp_path / "copy").exists()


def test_shipped_models_say_what_their_law_was_fitted_to() -> None:
    content = json.loads((SHIPPED / "model.json").read_text(encoding="utf-8"))
    assert sum(file["n_showers"] for file in content["centroid"]) > 1000


@pytest.mark.slow
def test_shipped_models_with_a_law_are_finite_and_the_same_in_any_batch() -> None:
    model = OnnxModel(SHIPPED / NAME)
    assert_same_in_any_batch(model, 40)
    assert_finite(model, 20_000)


def test_showers_without_a_law_are_refused(tmp_path: Path) -> None:
    path = write_showers(tmp_path / "showers.h5", 50, on_photons=True)
    with pytest.raises(ValueError, match="centred on their hits"):
        renew_models(SHIPPED, tmp_path / "copy", centroid_from=[path])
