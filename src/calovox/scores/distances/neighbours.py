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
Distances are Euclidean between standardised features, and M is bounded, as their number grows as
its square.

**p-value**: both halves and the sample are pooled. If all are of one distribution, every division
of the pool into two halves and a sample is as likely as the one that was found: the share of
`N_SPLITS` random divisions, and of this one, in which the metric is as low or lower is the
p-value, exact for any distribution. It is one-sided: too large a density or precision is not bad
in itself, and goes with a low recall and coverage.

**Errors** are the scatter of `_N_SUBSAMPLES` random halves of all events, which is that of the
whole for estimators that are smooth. For shifted, narrow and wide Gaussians they are 0.85 to 1.35
times the scatter of independent samples, and more where a share is close to 1. Errors of floors
are those of means over M events. The p-value uses neither.

The library prdc 0.2, by the authors of density and coverage, gives the same numbers. It is not
used here because it holds all M^2 distances at once, gives neither errors nor p-values, prints,
and has had no release since 2020.

References:
    T. Kynkaanniemi et al., *Improved precision and recall metric for assessing generative models*
    (2019), https://arxiv.org/abs/1904.06991
    M. F. Naeem et al., *Reliable fidelity and diversity metrics for generative models* (2020),
    https://arxiv.org/abs/2002.09797
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from jaxtyping import Int8

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.kernels import kernel
from calovox.scores.distances.two_samples import N_SPLITS, Measured

__all__ = [
    "MOST_NEIGHBOURS",
    "N_NEAREST",
    "measure_neighbours",
    "relabelled_metrics",
    "shared_space",
    "squared_distances",
]

N_NEAREST: Final = 5
"""k: the radius of a ball is the distance of the k-th neighbour."""

MOST_NEIGHBOURS: Final = 2500
"""Largest M."""

_N_POOLED: Final = 80
_N_SUBSAMPLES: Final = 50
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
        The metrics by name.
    """
    size = min(MOST_NEIGHBOURS, len(reference) // 2, len(simulated))
    order = rng.permutation(len(reference))
    halves = [
        reference[rows].astype(np.float32) for rows in (order[:size], order[size : 2 * size])
    ]
    sample = simulated[rng.permutation(len(simulated))[:size]].astype(np.float32)
    against = [shared_space(half, sample) for half in halves]
    floors = [shared_space(*halves), shared_space(*halves[::-1])]
    nearest = _nearest_in_pool(np.concatenate([*halves, sample]))
    labels = np.repeat(np.arange(3, dtype=np.int8), size)
    draws = relabelled_metrics(nearest, labels, rng)
    errors = _subsampling_errors(nearest, labels, rng)
    result = {}
    for column, name in enumerate(against[0]):
        value, error = np.mean([found[name][0] for found in against]), errors[column]
        floor, floor_error = np.mean([found[name] for found in floors], axis=0)
        # rounding must not tell a value from the same value of a relabelling
        below = np.count_nonzero(draws[:, column] <= value * (1.0 + 1e-9))
        p_value = (1 + int(below)) / (len(draws) + 1)
        result[name] = Measured(
            float(value), float(error), float(floor), float(floor_error), float(p_value)
        )
    return result


def relabelled_metrics(
    nearest: Int64[Array, "event rank"], labels: Int8[Array, " event"], rng: np.random.Generator
) -> Float64[Array, "split metric"]:
    """Compute the metrics for random divisions of a pool into two halves and a sample.

    Args:
        nearest: For each event of the pool, its nearest others, the nearest first; a ball that
            reaches farther is taken to end there.
        labels: 0 for the first half, 1 for the second, 2 for the sample.
        rng: Gives the labels to other events.

    Returns:
        Precision, recall, density and coverage, averaged over the two halves.
    """
    return np.stack(
        [_metrics_of_labels(nearest, rng.permutation(labels), N_NEAREST) for _ in range(N_SPLITS)]
    )


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


def _nearest_in_pool(pool: Float32[Array, "event feature"]) -> Int64[Array, "event rank"]:
    """Find the nearest other events of each event, the nearest first."""
    n_ranks = min(_N_POOLED + 1, len(pool))
    parts = []
    for rows, distances in squared_distances(pool, pool):
        distances[np.arange(len(distances)), np.arange(rows.start, rows.stop)] = -1.0  # itself
        near = np.argpartition(distances, n_ranks - 1, axis=1)[:, :n_ranks]
        order = np.argsort(np.take_along_axis(distances, near, axis=1), axis=1)
        parts.append(np.take_along_axis(near, order, axis=1)[:, 1:])
    return np.concatenate(parts)


def _subsampling_errors(
    nearest: Int64[Array, "event rank"], labels: Int8[Array, " event"], rng: np.random.Generator
) -> Float64[Array, " metric"]:
    """Estimate errors by the scatter of random halves of all samples (delete-half jackknife)."""
    values = []
    for _ in range(_N_SUBSAMPLES):
        left_out = rng.random(len(labels)) < 0.5
        kept = np.where(left_out, np.int8(-1), labels)
        values.append(_metrics_of_labels(nearest, kept, N_NEAREST))
    return np.asarray(np.std(values, axis=0, ddof=1))


@kernel()
def _metrics_of_labels(nearest: Array, labels: Array, k: int) -> Array:
    """Walk from each event to its k-th neighbour of the same label.

    Labels are 0 and 1 for the halves, 2 for the sample, -1 for events that are left out. Returns
    precision, recall, density and coverage, averaged over the halves.
    """
    n_events, n_ranks = nearest.shape
    sizes = np.zeros(3)
    covered = np.zeros(2)
    pairs = np.zeros(2)
    precise = np.zeros((2, n_events), dtype=np.bool_)
    recalled = np.zeros(n_events, dtype=np.bool_)
    for event in range(n_events):
        own = labels[event]
        if own < 0:
            continue
        sizes[own] += 1
        # one walk serves all metrics: whoever is nearer than the k-th neighbour of the same label
        # lies inside the event's sphere
        n_own, n_sample = 0, 0
        for rank in range(n_ranks):
            other = nearest[event, rank]
            label = labels[other]
            if label < 0:
                continue
            if label == own:
                n_own += 1
                if n_own == k:
                    break
            elif own == 2:
                recalled[other] = True
            elif label == 2:
                precise[own, other] = True
                n_sample += 1
        if own < 2:
            pairs[own] += n_sample
            covered[own] += n_sample > 0
    found = np.zeros(4)
    for half in range(2):
        found[0] += 0.5 * precise[half].sum() / sizes[2]
        found[1] += 0.5 * (recalled & (labels == half)).sum() / sizes[half]
        found[2] += 0.5 * pairs[half] / (k * sizes[2])
        found[3] += 0.5 * covered[half] / sizes[half]
    return found
