import numpy as np
import pytest
from scipy.stats import kstest

from calovox.scores.distances import neighbours
from calovox.scores.distances.neighbours import (
    N_NEAREST,
    measure_neighbours,
    relabelled_metrics,
    shared_space,
    squared_distances,
)


def gaussian(n_events, seed, shift=0.0, width=1.0):
    rows = np.random.default_rng(seed).normal(scale=width, size=(n_events, 4))
    rows[:, 0] += shift
    return rows


def plain_shared_space(reference, simulated):
    """Slow twin: all distances at once, by the definitions."""

    def distances(a, b):
        return np.linalg.norm(a[:, None].astype(float) - b[None], axis=2)

    radii = [np.sort(distances(s, s), axis=1)[:, N_NEAREST] for s in (reference, simulated)]
    between = distances(reference, simulated)
    inside = between <= radii[0][:, None]
    return {
        "precision": inside.any(axis=0).mean(),
        "recall": (between <= radii[1]).any(axis=1).mean(),
        "density": inside.sum() / (N_NEAREST * len(reference)),
        "coverage": inside.any(axis=1).mean(),
    }


def test_shared_space_is_that_of_its_definition():
    samples = gaussian(300, 1), gaussian(300, 2, 0.8, 0.7)
    reference, simulated = (sample.astype(np.float32) for sample in samples)
    found = {name: value for name, (value, _) in shared_space(reference, simulated).items()}
    assert found == pytest.approx(plain_shared_space(reference, simulated), abs=1e-6)


def test_squared_distances_are_exact_enough_for_copies():
    points = gaussian(400, 3).astype(np.float32)
    rows, distances = next(squared_distances(points[5:6], points))
    assert rows == slice(0, 1)
    assert distances[0].argmin() == 5


def test_samples_of_one_distribution_are_at_the_floor():
    found = measure_neighbours(gaussian(2000, 4), gaussian(1000, 5), np.random.default_rng(6))
    for name, entry in found.items():
        room = 4 * np.hypot(entry.uncertainty, entry.floor_uncertainty)
        assert entry.value == pytest.approx(entry.floor, abs=room), name


def test_a_narrow_sample_loses_recall_and_a_wide_one_precision():
    reference = gaussian(2000, 7)
    rng = np.random.default_rng(8)
    narrow = measure_neighbours(reference, gaussian(1000, 9, width=0.5), rng)
    wide = measure_neighbours(reference, gaussian(1000, 10, width=2.0), rng)
    assert narrow["recall"].value < narrow["recall"].floor - 0.3
    assert narrow["precision"].value > narrow["precision"].floor
    assert wide["precision"].value < wide["precision"].floor - 0.3
    assert wide["density"].value < wide["density"].floor - 0.3
    assert narrow["coverage"].value < narrow["coverage"].floor - 0.1


class LeavesLabels(np.random.Generator):
    """Leaves every label where it is."""

    def permutation(self, labels):
        return labels


def test_relabelled_metrics_are_those_of_their_definition():
    pool = np.concatenate([gaussian(120, 11), gaussian(60, 12, 0.5)]).astype(np.float32)
    labels = np.random.default_rng(13).permutation(np.repeat(np.arange(3, dtype=np.int8), 60))
    distances = np.linalg.norm(pool[:, None].astype(float) - pool[None], axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1:]
    found = relabelled_metrics(nearest, labels, LeavesLabels(np.random.PCG64()))[0]
    sample = pool[labels == 2]
    halves = [plain_shared_space(pool[labels == half], sample) for half in (0, 1)]
    expected = {name: np.mean([half[name] for half in halves]) for name in halves[0]}
    assert found == pytest.approx(list(expected.values()), abs=1e-9)


@pytest.fixture
def few_splits(monkeypatch):
    monkeypatch.setattr(neighbours, "N_SPLITS", 39)


def test_p_values_of_samples_of_one_distribution_are_uniform(few_splits):
    rng = np.random.default_rng(14)
    found = [
        measure_neighbours(gaussian(400, 100 + k), gaussian(200, 200 + k), rng) for k in range(60)
    ]
    for name in found[0]:
        p_values = np.array([entry[name].p_value for entry in found])
        assert kstest(p_values, "uniform").pvalue > 1e-3, name


def test_p_values_of_shifted_and_of_incomplete_samples_are_small():
    rng = np.random.default_rng(15)
    reference = gaussian(1600, 16)
    shifted = measure_neighbours(reference, gaussian(800, 17, 1.0), rng)
    assert {entry.p_value for entry in shifted.values()} == {1 / 200}
    dropped = gaussian(1600, 18)
    dropped = measure_neighbours(reference, dropped[dropped[:, 0] < 0.7], rng)
    assert max(dropped["recall"].p_value, dropped["coverage"].p_value) == 1 / 200
    assert dropped["precision"].p_value > 0.01


@pytest.mark.parametrize(("shift", "width"), [(1.0, 1.0), (0.0, 0.6)])
def test_uncertainties_are_the_scatter_within_a_factor(shift, width, few_splits):
    rng = np.random.default_rng(19)
    found = [
        measure_neighbours(gaussian(600, 2 * k), gaussian(300, 2 * k + 1, shift, width), rng)
        for k in range(30)
    ]
    for name in found[0]:
        values = np.array([entry[name].value for entry in found])
        error = np.mean([entry[name].uncertainty for entry in found])
        # the scatter of 30 samples is known to 13 %; errors of shares near 1 are too large
        if values.mean() < 0.97:
            assert 0.65 < error / values.std(ddof=1) < 1.9, name
