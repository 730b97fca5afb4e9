import numpy as np
import pytest
from scipy.stats import kstest

from calovox.scores.statistics import exchange, measure_kernel, measure_neighbours
from calovox.scores.statistics.kernel import squared_discrepancies
from calovox.scores.statistics.neighbours import (
    N_NEAREST,
    NEIGHBOUR_METRICS,
    nearest_in_pool,
    neighbour_metrics,
    squared_distances,
)


def gaussian(n_events, seed, shift=0.0, width=1.0):
    rows = np.random.default_rng(seed).normal(scale=width, size=(n_events, 4))
    rows[:, 0] += shift
    return rows


def plain_metrics(reference, simulated):
    """Slow twin: all distances at once, by the definitions."""

    def distances(a, b):
        return np.linalg.norm(a[:, None].astype(float) - b[None], axis=2)

    radii = [np.sort(distances(s, s), axis=1)[:, N_NEAREST] for s in (reference, simulated)]
    between = distances(reference, simulated)
    inside = between <= radii[0][:, None]
    return [
        inside.any(axis=0).mean(),
        (between <= radii[1]).any(axis=1).mean(),
        inside.sum() / (N_NEAREST * len(simulated)),
        inside.any(axis=1).mean(),
    ]


def plain_discrepancy(first, second):
    """Slow twin: one pair at a time."""

    def kernel(x, y):
        return (x @ y / len(x) + 1.0) ** 4

    def within(rows):
        n = len(rows)
        values = [kernel(rows[i], rows[j]) for i in range(n) for j in range(n) if i != j]
        return np.mean(values)

    return (
        within(first)
        + within(second)
        - 2.0 * np.mean([kernel(x, y) for x in first for y in second])
    )


def test_metrics_are_those_of_their_definition():
    pool = np.concatenate([gaussian(150, 1), gaussian(150, 2, 0.8, 0.7)]).astype(np.float32)
    labels = np.repeat(np.array([1, 0], dtype=np.int8), 150)
    found = neighbour_metrics(nearest_in_pool(pool, 299), labels)
    assert found == pytest.approx(plain_metrics(pool[:150], pool[150:]), abs=1e-6)


def test_the_nearest_are_sorted_and_others():
    pool = gaussian(60, 3).astype(np.float32)
    distances = np.linalg.norm(pool[:, None].astype(float) - pool[None], axis=2)
    np.testing.assert_array_equal(
        nearest_in_pool(pool, 10), np.argsort(distances, axis=1)[:, 1:11]
    )


def test_the_kernel_distance_is_that_of_its_definition():
    first, second = gaussian(9, 4), gaussian(7, 5, 1.0)
    pool, sides = np.concatenate([first, second]), np.arange(16) < 9
    found = squared_discrepancies(pool, sides[None])
    assert found[0] == pytest.approx(plain_discrepancy(first, second))


def test_squared_distances_are_exact_enough_for_copies():
    points = gaussian(400, 3).astype(np.float32)
    rows, distances = next(squared_distances(points[5:6], points))
    assert rows == slice(0, 1)
    assert distances[0].argmin() == 5


def test_a_narrow_sample_loses_recall_and_a_wide_one_precision():
    reference, rng = gaussian(1000, 7), np.random.default_rng(8)
    narrow = measure_neighbours(reference, gaussian(1000, 9, width=0.5), rng)
    wide = measure_neighbours(reference, gaussian(1000, 10, width=2.0), rng)
    assert narrow["recall"].value < narrow["recall"].floor - 0.3
    assert narrow["recall"].p_value == pytest.approx(0.005)
    assert narrow["precision"].value > narrow["precision"].floor
    assert wide["precision"].value < wide["precision"].floor - 0.3
    assert wide["density"].value < wide["density"].floor - 0.3
    assert wide["precision"].p_value == pytest.approx(0.005)


def test_a_shift_is_found_by_the_kernel():
    found = measure_kernel(gaussian(800, 11), gaussian(800, 12, 0.5), np.random.default_rng(1))
    assert found.p_value == pytest.approx(0.005)
    assert found.value > 5.0 * found.floor_uncertainty


def p_values(n_trials, n_events, *, same_photons):
    """Of two samples of one law; those of the same photons share most of their spread."""
    rows = []
    for seed in range(n_trials):
        first, second = gaussian(n_events, (1, seed)), gaussian(n_events, (2, seed))
        if same_photons:
            photon = gaussian(n_events, (3, seed))
            first, second = photon + 0.4 * first, photon + 0.4 * second
        rng = np.random.default_rng((4, seed))
        how = {"same_photons": same_photons}
        near = measure_neighbours(first, second, rng, **how)
        kernel = measure_kernel(first, second, rng, **how)
        rows.append([*(near[name].p_value for name in NEIGHBOUR_METRICS), kernel.p_value])
    return np.transpose(rows)


def check_uniform(rows, *, same_photons):
    for name, values in zip((*NEIGHBOUR_METRICS, "kernel"), rows, strict=True):
        # two showers of one photon are near each other: shares are often 1, as is p then
        tied = same_photons and name not in ("density", "kernel")
        side = "greater" if tied else "two-sided"
        assert kstest(values, "uniform", alternative=side).pvalue > 1e-3, name


@pytest.mark.parametrize("same_photons", [False, True])
def test_p_values_of_one_law_are_uniform(monkeypatch, same_photons):
    monkeypatch.setattr(exchange, "N_EXCHANGES", 39)
    check_uniform(p_values(30, 80, same_photons=same_photons), same_photons=same_photons)


@pytest.mark.slow
@pytest.mark.parametrize("same_photons", [False, True])
def test_p_values_of_one_law_are_uniform_in_200_splits(same_photons):
    check_uniform(p_values(200, 200, same_photons=same_photons), same_photons=same_photons)
