"""Contracts of an exported model in ONNX Runtime."""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from calovox.models.base import Conditions, Sampler
from calovox.runtime import ModelFileError, OnnxModel
from calovox.runtime.metadata import ModelMetadata
from calovox.runtime.onnx_model import BATCH
from calovox.runtime.onnx_runtime import onnxruntime
from calovox.voxelization import VoxelGrid
from tests.toy_onnx import write_toy_onnx


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_toy_onnx(tmp_path / "toy.onnx")


def photons(n_events: int) -> Conditions[np.ndarray]:
    rng = np.random.default_rng(1)
    return Conditions(rng.uniform(256.0, 5e5, n_events), rng.uniform(-1.35, 1.35, n_events))


def normals(n_events: int) -> np.ndarray:
    return np.random.default_rng(2).standard_normal((n_events, 387)).astype(np.float32)


def test_model_knows_its_grid_and_ranges(path: Path) -> None:
    model = OnnxModel(path)
    assert isinstance(model, Sampler)
    assert model.grid == VoxelGrid.optimal()
    assert (model.energy_range, model.eta_range) == ((256.0, 524288.0), (0.0, 1.35))
    assert model.noise_shape == (387,)


def test_showers_are_fractions_of_the_kinetic_energy(path: Path) -> None:
    voxels = OnnxModel(path).sample(photons(20), normals(20))
    assert voxels.dtype == np.float32
    np.testing.assert_allclose(voxels.sum(axis=1), 0.97, rtol=1e-5)


def test_number_of_threads_changes_nothing(path: Path) -> None:
    n_events = 3 * BATCH + 7
    alone = OnnxModel(path).sample(photons(n_events), normals(n_events))
    together = OnnxModel(path, n_threads=3).sample(photons(n_events), normals(n_events))
    np.testing.assert_array_equal(alone, together)


def test_no_photons_give_no_showers(path: Path) -> None:
    assert OnnxModel(path).sample(photons(0), normals(0)).shape == (0, 382)


def test_grid_of_any_order_comes_back() -> None:
    places = np.arange(382)
    places[:36] = places[:36][::-1]
    grid = VoxelGrid(VoxelGrid.optimal().layers, "shuffled", places)
    texts = ModelMetadata(grid, (1.0, 2.0), (0.0, 0.7), {"a": 1}).to_texts()
    again = ModelMetadata.from_texts(texts)
    assert again.grid == grid
    assert again.card == {"a": 1}


def test_unfit_inputs_are_refused(path: Path) -> None:
    model = OnnxModel(path)
    with pytest.raises(ValueError, match=r"expected `noise` of \(2, 387\), got \(2, 386\)"):
        model.sample(photons(2), normals(2)[:, 1:])
    noise = normals(2)
    noise[1, 3] = np.nan
    with pytest.raises(ValueError, match="expected finite numbers as `inn_z_energy`"):
        model.sample(photons(2), noise)
    with pytest.raises(ValueError, match="`n_threads` of 1 or more, got 0"):
        OnnxModel(path, n_threads=0)


def one_line(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        OnnxModel(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


def test_damaged_files_are_one_clear_line(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "damaged" in one_line(path)
    path.write_bytes(b"no model at all")
    assert "is no ONNX file" in one_line(path)


def test_what_only_another_runtime_runs_is_not_called_damaged(path: Path) -> None:
    whole = onnx.load(path)
    newer_format, newer_opset, unknown = (copy.deepcopy(whole) for _ in range(3))
    newer_format.ir_version = 99
    newer_opset.opset_import[0].version = 99
    unknown.graph.node[0].op_type = "Softermax"
    # what older runtimes make of a sigmoid and a product in double precision
    unknown_kernel = copy.deepcopy(whole)
    unknown_kernel.graph.node[0].CopyFrom(
        onnx.helper.make_node("Cast", ["cfm_z_shape"], ["wide"], to=onnx.TensorProto.DOUBLE)
    )
    back = onnx.helper.make_node("Cast", ["hard"], ["shares"], to=onnx.TensorProto.FLOAT)
    unknown_kernel.graph.node.insert(1, onnx.helper.make_node("HardSwish", ["wide"], ["hard"]))
    unknown_kernel.graph.node.insert(2, back)
    for model in (newer_format, newer_opset, unknown, unknown_kernel):
        onnx.save(model, path)
        message = one_line(path)
        assert f"ONNX Runtime {onnxruntime.__version__} cannot run this file" in message
        assert "1.15.1 and newer" in message
        assert "damaged" not in message


def test_models_of_others_are_refused(path: Path) -> None:
    model = onnx.load(path)
    texts = {entry.key: entry.value for entry in model.metadata_props}
    cases = {
        "no model of calovox": {},
        "expected version 1, got 7": texts | {"version": "7"},
        "the metadata lack 'grid'": {k: v for k, v in texts.items() if k != "grid"},
        "the metadata are damaged": texts | {"energy_range": "[1"},
        "expected a rising `eta_range`": texts | {"eta_range": "[0.7, 0.2]"},
        "the grid has 1680 voxels, the graph 382": texts | {"grid": VoxelGrid.regular().to_toml()},
    }
    for message, metadata in cases.items():
        del model.metadata_props[:]
        onnx.helper.set_model_props(model, metadata)
        onnx.save(model, path)
        assert message in one_line(path)


def test_sampling_imports_no_torch(path: Path) -> None:
    code = f"""
import sys
from calovox.runtime import load_models
import numpy as np
models = load_models({str(path)!r})
models.sample(np.array([65e3]), np.array([0.2]), np.zeros((1, 387), np.float32))
sys.exit(", ".join({{"torch", "onnx", "matplotlib"}} & set(sys.modules)) or 0)
"""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
