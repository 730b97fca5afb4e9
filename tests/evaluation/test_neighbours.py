import numpy as np
import pytest

from calovox.evaluation.neighbours import (
    N_NEAREST,
    measure_neighbours,
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
