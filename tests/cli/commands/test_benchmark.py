"""`calovox benchmark` on toy models."""

import json
from pathlib import Path

import pytest

from calovox.benchmarking import costs
from calovox.runtime.onnx_runtime import onnxruntime
from tests.cli.commands.test_chain import fail, succeed
from tests.toy_gpu import CPU, pretend_gpu
from tests.toy_onnx import write_toy_onnx


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(costs, "BATCHES", (100, 200))
    for name in ("plain", "small"):
        write_toy_onnx(tmp_path / f"{name}.onnx")
    return tmp_path


def test_benchmark_prints_a_table_and_writes_its_numbers(folder):
    models = ("plain.onnx", "small.onnx")
    result = succeed(
        "benchmark", *models, "--energy", "10GeV,20GeV", "--rounds", "1", "-o", "benchmark.json"
    )
    assert "eta 0.2, one thread of" in result.stdout
    assert "10 GeV, to voxels, ms" in result.stdout
    assert "20 GeV, to cells, ms" in result.stdout
    content = json.loads(Path("benchmark.json").read_text())
    assert set(content["models"]) == set(models)
    assert set(content["ratios"]["plain.onnx"].values()) == {1.0}
    single = [content["models"][name]["times"]["20 GeV"]["single"]["p50"] for name in models]
    ratio = content["ratios"]["small.onnx"]["times.20 GeV.single.p50"]
    assert ratio == pytest.approx(single[1] / single[0])
    assert f"({ratio:.2f})" in result.stdout
    assert content["photons"] == {"energies": [10e3, 20e3], "eta": 0.2}
    assert content["machine"]["processor"]


def test_what_cannot_be_measured_is_refused(folder, monkeypatch):
    output = ("-o", "benchmark.json")
    fail("benchmark", "nothing", *output, match="nothing: no such file or folder")
    fail("benchmark", "plain.onnx", "plain.onnx", *output, match="expected different models")
    fail("benchmark", "plain.onnx", "--energy", "1GeV:2GeV", *output, match="expected one value")
    fail("benchmark", "plain.onnx", "--eta", "1.4", *output, match="outside its trained range")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    cuda = ("plain.onnx", "--accelerator", "cuda", *output)
    fail("benchmark", *cuda, match="install onnxruntime-gpu in place of onnxruntime")
    assert not Path("benchmark.json").exists()


def test_the_table_says_if_a_gpu_was_measured(folder, monkeypatch):
    pretend_gpu(monkeypatch)
    monkeypatch.setattr(costs, "measure_memory", lambda *paths, accelerator: 1.0)
    result = succeed("benchmark", "plain.onnx", "--accelerator", "cuda", "-o", "benchmark.json")
    assert "voxels by a GPU, wall times" in " ".join(result.stdout.split())
