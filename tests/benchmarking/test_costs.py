import pytest

from calovox.benchmarking import measure_costs
from calovox.benchmarking.costs import _Placing
from calovox.runtime import load_models


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
            assert set(times) == {"2", "3"}
            assert all(time > 0.0 for time in times.values())
        assert cost.hits_per_shower > 382


def test_photons_that_a_model_was_not_trained_for_are_refused(models):
    with pytest.raises(ValueError, match="outside"):
        measure_costs(models, energy=1e6, eta=0.2, rounds=1, passes=1)


def test_shipped_models_are_placed_by_patterns_and_others_are_not(models):
    assert _Placing.of(models["a.onnx"]).patterns is None
    ours = _Placing.of(load_models("calodit"))
    assert ours.patterns is not None
    assert ours.probabilities is None
