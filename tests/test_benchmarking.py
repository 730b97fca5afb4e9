import numpy as np
import pytest

from calovox.benchmarking import Timing, measure_costs, measure_memory
from calovox.runtime import load_models
from tests.toy_onnx import write_toy_onnx


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    paths = [write_toy_onnx(folder / f"{name}.onnx") for name in ("a", "b")]
    return {path.name: load_models(path) for path in paths}


def test_timing_is_that_of_all_passes_and_of_the_rounds_means():
    processor = np.array([[1.0, 3.0], [2.0, 6.0]])
    timing = Timing.from_rounds(processor, 2.0 * processor)
    assert timing.mean == 3.0
    assert timing.std == 1.0
    assert timing.p50 == 2.5
    assert timing.p50 < timing.p95 < timing.p99 < 6.0
    assert timing.wall_p50 == 5.0


def test_every_model_is_measured_in_every_round(models):
    finished = []
    costs = measure_costs(
        models, energy=65e3, eta=0.2, rounds=2, passes=3, advance=finished.append
    )
    assert finished == [1, 1]
    assert list(costs) == ["a.onnx", "b.onnx"]
    for name, cost in costs.items():
        assert cost.file == name
        assert cost.n_parameters == 21
        assert cost.n_models == 1
        assert cost.memory_all > 0.0
        assert 0.0 < cost.single.p50 <= cost.single.p99
        assert cost.chain.mean > cost.single.mean
        for times in (cost.batches, cost.chain_batches):
            assert set(times) == {"100", "1000"}
            assert all(time > 0.0 for time in times.values())
        assert cost.hits_per_shower > 382


def test_memory_is_that_of_the_loaded_model(models):
    path = models["a.onnx"].models[0].path
    assert 0.0 < measure_memory(path) < 100.0


def test_memory_of_several_models_is_that_of_all_in_one_process(models):
    paths = [model.models[0].path for model in models.values()]
    assert measure_memory(*paths, *paths) > measure_memory(paths[0])


def test_memory_of_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "no.onnx").write_text("no model")
    with pytest.raises(OSError, match=r"no\.onnx: its memory could not be measured"):
        measure_memory(tmp_path / "no.onnx")


def test_photons_that_a_model_was_not_trained_for_are_refused(models):
    with pytest.raises(ValueError, match="outside"):
        measure_costs(models, energy=1e6, eta=0.2, rounds=1, passes=1)
