"""Costs side by side, and the file that keeps them."""

import json
from pathlib import Path

import pytest

from calovox.benchmarking import Cost, Times, Timing, costs
from calovox.benchmarking.results import Benchmark, benchmark_models, processor_name
from calovox.benchmarking.subjects import Subject
from tests.toy_gpu import pretend_gpu

ROOT = Path(__file__).resolve().parents[2]


def cost(scale: float, *, n_parameters: int | None = 10) -> Cost:
    timing = Timing(*(scale * number for number in range(1, 1 + len(Timing.__annotations__))))
    times = Times(timing, {"100": 4.0 * scale}, timing, {"100": 5.0 * scale}, 300.0)
    return Cost(
        file="a.onnx",
        file_size=scale,
        n_parameters=n_parameters,
        memory=2.0 * scale,
        n_models=1,
        memory_all=0.0,
        times={"65 GeV": times},
    )


@pytest.fixture
def benchmark() -> Benchmark:
    return Benchmark(
        {"a": cost(2.0), "b": cost(3.0, n_parameters=None)}, energies=(65e3,), eta=0.2
    )


def test_numbers_of_all_levels_have_names_of_one_level(benchmark: Benchmark) -> None:
    values = benchmark.values("a")
    assert values["times.65 GeV.single.mean"] == 2.0
    assert values["times.65 GeV.chain_batches.100"] == 10.0
    assert values["file"] == "a.onnx"
    assert not any(isinstance(value, dict) for value in values.values())


def test_ratios_are_to_the_first_model(benchmark: Benchmark) -> None:
    assert benchmark.reference == "a"
    ratios = benchmark.ratios("b")
    assert {
        ratios[name] for name in ("memory", "times.65 GeV.single.mean", "times.65 GeV.batches.100")
    } == {1.5}
    assert set(benchmark.ratios("a").values()) == {1.0}


def test_what_has_no_ratio_is_left_out(benchmark: Benchmark) -> None:
    assert {"file", "n_parameters", "memory_all"}.isdisjoint(benchmark.ratios("b"))


def test_file_has_all_numbers_and_the_machine(benchmark: Benchmark, tmp_path: Path) -> None:
    path = tmp_path / "benchmark.json"
    benchmark.write(path, provenance={"program": "calovox"})
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["photons"] == {"energies": [65e3], "eta": 0.2}
    assert content["provenance"] == {"program": "calovox"}
    assert content["models"]["b"]["times"]["65 GeV"]["single"]["mean"] == 3.0
    assert content["ratios"]["b"]["times.65 GeV.single.mean"] == 1.5
    assert content["machine"]["processor"] == processor_name() != ""


def test_a_file_is_replaced_only_if_it_is_asked_for(benchmark: Benchmark, tmp_path: Path) -> None:
    path = tmp_path / "benchmark.json"
    path.write_text("before")
    with pytest.raises(FileExistsError):
        benchmark.write(path)
    assert path.read_text() == "before"
    benchmark.write(path, overwrite=True)
    assert json.loads(path.read_text())["version"] == 2


def test_models_are_measured_in_their_order(models: dict[str, Subject]) -> None:
    names = [str(model.path(0.2)) for model in models.values()][::-1]
    result = benchmark_models(names, energies=[65e3], eta=0.2, rounds=1, passes=1)
    assert list(result.costs) == names
    assert (result.energies, result.eta) == ((65e3,), 0.2)


def test_wall_times_count_on_a_gpu(
    models: dict[str, Subject], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend_gpu(monkeypatch)
    monkeypatch.setattr(costs, "measure_memory", lambda *paths, accelerator: 1.0)
    names = [str(models["a.onnx"].path(0.2))]
    result = benchmark_models(
        names, energies=[65e3], eta=0.2, rounds=1, passes=1, accelerator="cuda"
    )
    (times,) = result.costs[names[0]].times.values()
    assert times.single.p50 == times.single.wall_p50
    result.write(tmp_path / "benchmark.json")
    machine = json.loads((tmp_path / "benchmark.json").read_text())["machine"]
    assert machine["accelerator"] == "cuda"


def test_what_has_no_onnx_files_is_not_measured_on_a_gpu() -> None:
    library = str(ROOT / "sample" / "photons_scan.h5")
    for name in (library, "fastcalosimv2"):
        with pytest.raises(ValueError, match=f"--accelerator is for ONNX files, and {name} is a"):
            benchmark_models([name], energies=[65e3], eta=0.2, accelerator="cuda")


def test_a_model_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="expected different models, got a, a"):
        benchmark_models(["a", "a"], energies=(65e3,), eta=0.2)
