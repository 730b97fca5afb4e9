import numpy as np
import pytest

from calovox.grid_search.observables import NAMES, layer_observables
from calovox.grid_search.separation import Ruler, Scale, energy_groups, known_of
from tests.reference.grid_observables import layer_observables_twin

N_SHOWERS = 2000
NO_OTHERS = np.empty((N_SHOWERS, 0))


def some_cells(n_showers, shape=(9, 3)):
    rng = np.random.default_rng(5)
    energy = rng.exponential(30.0, (n_showers, *shape)).astype(np.float32)
    energy[rng.random(energy.shape) < 0.5] = 0.0
    energy[3] = 0.0
    return energy, rng.uniform(1e3, 1e5, n_showers), rng.uniform(-0.5, 0.5, (n_showers, 2))


@pytest.mark.parametrize("shape", [(9, 3), (3, 3), (1, 5), (49, 5)])
def test_observables_are_those_of_the_slow_twin(shape):
    showers = some_cells(50, shape)
    found = layer_observables(*showers)
    assert found.shape == (50, len(NAMES))
    np.testing.assert_allclose(found, layer_observables_twin(*showers), atol=1e-6)


def test_observables_do_not_depend_on_a_turn_by_half():
    energy, photon_energy, offset = some_cells(50)
    turned = layer_observables(energy[:, ::-1, ::-1], photon_energy, -offset)
    expected = layer_observables(energy, photon_energy, offset)
    odd = [name.startswith("barycentre") for name in NAMES]
    np.testing.assert_allclose(turned, np.where(odd, -expected, expected), atol=1e-6)


def ruler_of(values, log_energy, abs_eta, others=NO_OTHERS):
    group = energy_groups(log_energy)
    known = known_of(np.exp(log_energy), abs_eta, np.zeros((N_SHOWERS, 2)))
    return Ruler(values, Scale.fitted(values, known, group), group, others)


def reference(seed=1):
    rng = np.random.default_rng(seed)
    log_energy, abs_eta = rng.uniform(7.0, 11.0, N_SHOWERS), rng.uniform(0.0, 1.3, N_SHOWERS)
    noise = rng.normal(size=(N_SHOWERS, 3))
    values = noise + log_energy[:, None] + abs_eta[:, None] ** 2
    ruler = ruler_of(values, log_energy, abs_eta)
    return values, ruler, rng, noise


def test_showers_of_the_same_law_are_not_separated():
    found = []
    for seed in range(8):
        values, ruler, rng, _ = reference(seed)
        other = values + rng.normal(scale=0.1, size=values.shape)
        seen = ruler.measure(other)
        found.append(seen.separation / seen.error)
        assert seen.worst.beyond_chance < 0.1
    assert abs(np.mean(found)) < 3.0
    assert ruler.measure(values).separation == 0.0


@pytest.mark.parametrize("shift", [0.1, 0.3])
def test_a_shift_is_found_with_its_size(shift):
    values, ruler, rng, _ = reference()
    other = values + rng.normal(scale=0.05, size=values.shape)
    other[:, 1] += shift
    seen = ruler.measure(other)
    assert seen.separation == pytest.approx(shift**2, rel=0.2)
    assert (seen.worst.observable, seen.worst.kind) == (1, "shift")
    assert seen.worst.value == pytest.approx(shift, rel=0.2)
    assert seen.least_found < shift


def test_another_width_is_found():
    values, ruler, _, noise = reference()
    other = values.copy()
    other[:, 2] += 0.3 * noise[:, 2]
    seen = ruler.measure(other)
    assert (seen.worst.observable, seen.worst.kind) == (2, "width")
    assert seen.worst.beyond_chance > 0.1


def test_a_layer_that_forgets_the_others_is_found():
    rng = np.random.default_rng(2)
    common, log_energy = rng.normal(size=(N_SHOWERS, 1)), np.linspace(0.0, 1.0, N_SHOWERS)
    values, others = (common + 0.5 * rng.normal(size=(N_SHOWERS, 2)) for _ in range(2))
    known = log_energy, np.zeros(N_SHOWERS)
    ruler, forgotten = ruler_of(values, *known, others), values[rng.permutation(N_SHOWERS)]
    seen = ruler.measure(forgotten)
    assert seen.worst.kind == "correlation with other layers"
    assert seen.separation > 0.1
    assert ruler_of(values, *known).measure(forgotten).separation < 0.05


def test_an_observable_that_never_varies_is_no_trouble():
    values, _, rng, _ = reference()
    values[:, 0] = 1.0
    ruler = ruler_of(values, rng.uniform(size=N_SHOWERS), np.zeros(N_SHOWERS))
    assert ruler.measure(values).separation == 0.0


def test_groups_hold_150_showers_or_more():
    group = energy_groups(np.random.default_rng(1).uniform(size=350))
    assert np.bincount(group).min() >= 150
    assert set(energy_groups(np.ones(30))) == {0}
