"""Contracts of computing on a GPU, tried without one."""

from pathlib import Path

import numpy as np
import pytest

from calovox.models.base import Conditions
from calovox.runtime import OnnxModel, load_models
from calovox.runtime.accelerators import AcceleratorError
from calovox.runtime.onnx_model import BATCH, GPU_BATCH
from calovox.runtime.onnx_runtime import onnxruntime
from tests.toy_gpu import CPU, CUDA, pretend_gpu
from tests.toy_onnx import write_toy_onnx


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_toy_onnx(tmp_path / "toy.onnx")


def draw(model: OnnxModel, first: int, number: int) -> np.ndarray:
    energy = np.linspace(1e3, 5e5, 2000)[first : first + number]
    noise = np.random.default_rng(2).standard_normal((2000, 387)).astype(np.float32)
    return model.sample(Conditions(energy, np.full(number, 0.2)), noise[first : first + number])


def test_a_runtime_without_cuda_is_refused_in_one_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["Azure", CPU])
    expected = (
        f"^--accelerator cuda: expected an ONNX Runtime with {CUDA}, got "
        rf"{onnxruntime.__version__} with Azure, {CPU}: install onnxruntime-gpu in place of "
        "onnxruntime, or leave the option out$"
    )
    with pytest.raises(AcceleratorError, match=expected):
        OnnxModel(path, accelerator="cuda")


def test_a_session_that_does_not_use_the_gpu_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_gpu(monkeypatch, used=(CPU,))
    expected = rf"^--accelerator cuda: expected toy\.onnx on {CUDA}, got {CPU}: install the driver"
    with pytest.raises(AcceleratorError, match=expected):
        OnnxModel(path, accelerator="cuda")


def test_a_machine_without_a_gpu_is_not_blamed_on_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_gpu(monkeypatch)

    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("CUDA failure 100: no CUDA-capable device is detected ;\n GPU=-1")

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    expected = "^--accelerator cuda: expected a GPU.*, got `CUDA failure 100: no CUDA-capable"
    with pytest.raises(AcceleratorError, match=expected):
        OnnxModel(path, accelerator="cuda")


def test_a_gpu_comes_before_the_cpu_and_computes_in_single_precision(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = pretend_gpu(monkeypatch)
    OnnxModel(path, accelerator="cuda")
    providers = [(CUDA, {"use_tf32": "0"}), (CPU, {})]
    assert gpu.asked == [
        {"providers": providers, "enable_fallback": 0, "deterministic": True},
    ]


def test_the_cpu_is_the_default_even_if_there_is_a_gpu(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = pretend_gpu(monkeypatch)
    draw(OnnxModel(path), 0, BATCH + 1)
    assert gpu.asked[0]["providers"] == [(CPU, {})]
    assert gpu.sizes == [BATCH, 1]


def test_a_gpu_always_computes_as_many_events_and_draws_the_same_showers(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = draw(OnnxModel(path), 0, GPU_BATCH + 7)
    gpu = pretend_gpu(monkeypatch)
    model = OnnxModel(path, accelerator="cuda")
    np.testing.assert_array_equal(draw(model, 0, GPU_BATCH + 7), expected)
    np.testing.assert_array_equal(draw(model, 5, 1), expected[5:6])
    assert draw(model, 0, 0).shape == (0, 382)
    assert gpu.sizes == 3 * [GPU_BATCH]


def test_every_file_of_a_model_is_opened_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = pretend_gpu(monkeypatch)
    models = load_models("fastcalogan", accelerator="cuda").models
    assert [asked["providers"][0][0] for asked in gpu.asked] == [CUDA] * len(models)


def test_a_parametrisation_is_not_for_a_gpu() -> None:
    with pytest.raises(AcceleratorError, match="fastcalosimv2 is a parametrisation: leave it out"):
        load_models("fastcalosimv2", accelerator="cuda")
