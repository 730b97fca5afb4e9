r"""Precision, recall, density and coverage: how two samples share the space of features.

Around every event lies a ball that reaches to its k-th nearest neighbour in its own sample. With
M events of the reference x and as many of the sample y,

- precision: share of the sample inside a ball of the reference;
- recall: share of the reference inside a ball of the sample;
- density: 1 / (k M) times the number of pairs of an event of the sample and a ball of the
  reference around it;
- coverage: share of the reference whose ball holds an event of the sample.

All depend on M: the reference is divided into halves of M events; the sample is compared with
each of them, and they with each other, which is the floor. A good sample is not below the floor.
Errors are those of means over M events, the balls being fixed. Distances are Euclidean between
standardised features, and M is bounded, as their number grows as its square.

References:
    T. Kynkaanniemi et al., *Improved precision and recall metric for assessing generative models*
    (2019), https://arxiv.org/abs/1904.06991
    M. F. Naeem et al., *Reliable fidelity and diversity metrics for generative models* (2020),
    https://arxiv.org/abs/2002.09797
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from calovox.arrays import Array, Float32, Float64
from calovox.evaluation.two_samples import Measured

__all__ = [
    "MOST_NEIGHBOURS",
    "N_NEAREST",
    "measure_neighbours",
    "shared_space",
    "squared_distances",
]

N_NEAREST: Final = 5
"""k: the radius of a ball is the distance of the k-th neighbour."""

MOST_NEIGHBOURS: Final = 2500
"""Largest M."""

_CHUNK: Final = 256


def shared_space(
    reference: Float32[Array, "event feature"], simulated: Float32[Array, "other feature"]
) -> dict[str, tuple[float, float]]:
    """Compute precision, recall, density and coverage.

    Args:
        reference: Standardised features of the reference, more than k events.
        simulated: Those of the sample, more than k events.

    Returns:
        Each with its error, by name.
    """
    around_reference, around_simulated = _radii(reference), _radii(simulated)
    n_around = np.zeros(len(simulated))
    recalled = np.zeros(len(reference), dtype=bool)
    covered = np.zeros(len(reference), dtype=bool)
    for rows, distances in squared_distances(reference, simulated):
        inside = distances <= around_reference[rows, None]
        n_around += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (distances <= around_simulated).any(axis=1)
    columns = {
        "precision": n_around > 0,
        "recall": recalled,
        "density": n_around / N_NEAREST * (len(simulated) / len(reference)),
        "coverage": covered,
    }
    return {
        name: (float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))
        for name, values in columns.items()
    }


def measure_neighbours(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
) -> dict[str, Measured]:
    """Measure precision, recall, density and coverage of a sample beside those of the reference.

    Args:
        reference: Standardised features of the reference.
        simulated: Those of the sample.
        rng: Chooses the events.

    Returns:
        The metrics by name; their p-values are not known.
    """
    size = min(MOST_NEIGHBOURS, len(reference) // 2, len(simulated))
    order = rng.permutation(len(reference))
    halves = [
        reference[rows].astype(np.float32) for rows in (order[:size], order[size : 2 * size])
    ]
    sample = simulated[rng.permutation(len(simulated))[:size]].astype(np.float32)
    against = [shared_space(half, sample) for half in halves]
    floors = [shared_space(*halves), shared_space(*halves[::-1])]
    result = {}
    for name in against[0]:
        (value, error), (floor, floor_error) = (
            np.mean([found[name] for found in both], axis=0) for both in (against, floors)
        )
        result[name] = Measured(
            float(value), float(error), float(floor), float(floor_error), float("nan")
        )
    return result


def squared_distances(
    queries: Float32[Array, "query feature"], points: Float32[Array, "point feature"]
) -> Iterator[tuple[slice, Float32[Array, "chunk point"]]]:
    """Compute squared distances, some rows at a time: |x - y|^2 = x^2 + y^2 - 2 x y.

    Args:
        queries: Where distances are measured from.
        points: Where they are measured to.

    Yields:
        Which queries, and their squared distances from all points.
    """
    norms = np.einsum("ij,ij->i", points, points)
    for start in range(0, len(queries), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(queries)))
        chunk = queries[rows]
        squares = np.einsum("ij,ij->i", chunk, chunk)[:, None] + norms - 2.0 * (chunk @ points.T)
        yield rows, np.maximum(squares, 0.0, dtype=np.float32)


def _radii(sample: Float32[Array, "event feature"]) -> Float32[Array, " event"]:
    """Compute the squared distance of the k-th neighbour of each event."""
    parts = [
        np.partition(distances, N_NEAREST, axis=1)[:, N_NEAREST]  # itself is the nearest
        for _, distances in squared_distances(sample, sample)
    ]
    return np.concatenate(parts)
