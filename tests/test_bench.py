"""Benchmarks run, or say in one line what they lack."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from bench import bench_cpp, precision_variants, timing
from bench.timing import LACKING, run
from calovox.geant4 import Geant4DataError
from calovox.models.base import Conditions
from calovox.runtime import ModelSet, load_models
from calovox.runtime.onnx_runtime import onnxruntime
from tests.toy_gpu import CPU

BENCH = Path(__file__).resolve().parents[1] / "bench"
SCRIPTS = sorted(path.stem for path in BENCH.glob("*.py") if "def main" in path.read_text())
ELSEWHERE = {
    "__main__": "runs all others",
    "bench_cpp": "needs a compiler",
    "bench_geant4": "needs Geant4 data",
    "bench_power": "takes minutes",
    "challenge_cost": "needs 20 GB on disk",
    "bench_scores": "needs a process for each evaluation",
    "hit_energy_scan": "takes minutes",
    "compare_cells": "needs a file of the user",
    "compare_trees": "needs LightGBM",
    "learning_curve": "needs files of the user",
    "parity_jetnet": "needs JetNet",
    "phi_modulation_closure": "needs files of the user",
    "phi_modulation_recovery": "needs a file of the user",
    "shower_centers": "needs files of the user",
    "seam": "takes minutes",
    "referee": "takes an hour",
    "bench_millions": "takes minutes",
    "bench_scheduler": "starts clusters",
    "referee_checks": "takes minutes",
    "reduced_precision": "takes half an hour",
}


@pytest.fixture(autouse=True)
def no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench/bench_toy.py", "--quick"])
    monkeypatch.setattr(timing, "_quick", False)


@pytest.mark.parametrize("name", sorted(set(SCRIPTS) - set(ELSEWHERE)))
def test_benchmark_runs_with_few_showers(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(importlib.import_module(f"bench.{name}").main)
    assert re.search(r"\binf\b", capsys.readouterr().out) is None


@pytest.mark.slow
def test_evaluations_are_benchmarked_with_few_showers(capfd: pytest.CaptureFixture[str]) -> None:
    run(importlib.import_module("bench.bench_scores").main)
    assert "showers of each" in capfd.readouterr().out


@pytest.mark.slow
def test_the_program_in_cpp_draws_the_shower_of_our_runtime(tmp_path: Path) -> None:
    try:
        program = bench_cpp.compile_program(tmp_path)
    except FileNotFoundError as lacking:
        pytest.skip(str(lacking))
    models = load_models("calodit")
    assert isinstance(models, ModelSet)
    model = models.models[0]
    found = bench_cpp.measure(program, model, batch=2, repeats=2)
    (n_noise,) = model.noise_shape
    rows = [(np.arange(2 * n) * 7919 % 4001 - 2000) / 1024.0 for n in (5, n_noise - 5)]
    noise = np.concatenate([row.reshape(2, -1) for row in rows], axis=1).astype(np.float32)
    expected = model.sample(Conditions(np.full(2, 65536.0), np.full(2, 0.2)), noise)[0]
    np.testing.assert_array_equal(found.voxels / np.float32(65536.0), expected)
    assert found.before < found.loaded <= found.after
    assert 0.0 < found.least <= found.median


def test_large_layers_in_half_precision_move_voxels_by_rounding_alone() -> None:
    models = load_models("calofast")
    assert isinstance(models, ModelSet)
    given = precision_variants.Calibration(models.models[0]).get_next()
    graph = onnx.load(models.models[0].path)
    (expected,) = ReferenceEvaluator(graph).run(None, given)
    precision_variants.halve_layers(graph)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=[CPU])
    for (halved,) in (ReferenceEvaluator(graph).run(None, given), session.run(None, given)):
        moved = np.abs(halved - expected).sum(axis=1) / expected.sum(axis=1)
        assert 1e-5 < moved.max() < 0.02


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_other_benchmarks_can_be_imported(name: str) -> None:
    assert callable(importlib.import_module(f"bench.{name}").main)


@pytest.mark.parametrize("error", [Geant4DataError, ModuleNotFoundError, FileNotFoundError])
def test_what_is_lacking_is_said_in_one_line(
    error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise error("no data: get it")

    with pytest.raises(SystemExit) as raised:
        run(main)
    assert raised.value.code == LACKING
    assert capsys.readouterr().err == "bench_toy: no data: get it\n"


@pytest.mark.parametrize(
    "name",
    ["compare_cells", "phi_modulation_closure", "phi_modulation_recovery", "shower_centers"],
)
def test_files_that_are_not_named_are_asked_for(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        run(importlib.import_module(f"bench.{name}").main)
    assert raised.value.code == 2
    assert "the following arguments are required" in capsys.readouterr().err.splitlines()[-1]


def test_numbers_are_small_only_if_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert timing.count(1000) == 1000
    assert timing.rounds(3) == 3
    run(lambda: None)
    assert timing.count(1000) < 100
    assert timing.count(3) == 3
    assert timing.rounds(3) == 1
