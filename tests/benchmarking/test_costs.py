import pytest

from calovox.benchmarking import measure_costs
from calovox.benchmarking.subjects import open_subject


def test_every_model_is_measured_in_every_round(models):
    finished = []
    costs = measure_costs(
        models, energies=[65e3, 80e3], eta=0.2, rounds=2, passes=3, advance=finished.append
    )
    assert finished == [1, 1, 1, 1]
    assert list(costs) == ["a.onnx", "b.onnx"]
    for name, cost in costs.items():
        assert cost.file == name
        assert cost.n_parameters == 21
        assert cost.n_models == 1
        assert cost.memory_all > 0.0
        assert list(cost.times) == ["65 GeV", "80 GeV"]
        for times in cost.times.values():
            assert 0.0 < times.single.p50 <= times.single.p99
            assert times.chain.mean > times.single.mean
            for batches in (times.batches, times.chain_batches):
                assert set(batches) == {"2", "3"}
                assert all(time > 0.0 for time in batches.values())
            assert times.hits_per_shower > 382


def test_a_model_has_no_times_of_photons_that_it_was_not_trained_for(models):
    wide = open_subject("calodit")
    costs = measure_costs(
        {"wide": wide, **models}, energies=[1e6, 65e3], eta=0.2, rounds=1, passes=1
    )
    assert list(costs["wide"].times) == ["1 TeV", "65 GeV"]
    assert list(costs["a.onnx"].times) == ["65 GeV"]


def test_photons_that_the_reference_was_not_trained_for_are_refused(models):
    with pytest.raises(ValueError, match="all energies, as it is the reference, got 1 TeV"):
        measure_costs(models, energies=[1e6], eta=0.2, rounds=1, passes=1)
