r"""Precision, recall, density and coverage: how two samples share the space of features.

Around every shower lies a ball that reaches to its k-th nearest neighbour in its own sample. With
M showers of the reference and as many of the simulation,

- precision: share of the simulation inside a ball of the reference;
- recall: share of the reference inside a ball of the simulation;
- density: 1 / (k M) times the number of pairs of a shower of the simulation and a ball of the
  reference around it;
- coverage: share of the reference whose ball holds a shower of the simulation.

Distances are Euclidean between standardised features. All depend on M, which is bounded, as the
number of distances grows as its square. A good simulation is not below the floor.

Floors and p-values are by exchange (`exchange`): the showers of both samples are pooled, and the
neighbours of each in the pool found once. The p-value is one-sided: too large a density or
precision is not bad in itself, and goes with a low recall and coverage.

**Errors** are the scatter of `_N_SUBSAMPLES` random halves of all showers, which is that of the
whole for estimators that are smooth, and too large where a share is close to 1. The p-value does
not use them.

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
from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Int8

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.kernels import kernel
from calovox.scores.statistics import exchange as exchanging
from calovox.scores.statistics.exchange import Exchange, Tested, beside_draws

__all__ = [
    "MOST_NEIGHBOURS",
    "NEIGHBOUR_METRICS",
    "N_NEAREST",
    "measure_neighbours",
    "nearest_in_pool",
    "neighbour_metrics",
    "squared_distances",
]

NEIGHBOUR_METRICS: Final = ("precision", "recall", "density", "coverage")
"""Names of the metrics, all of which fall when a simulation gets worse."""

N_NEAREST: Final = 5
"""k: the radius of a ball is the distance of the k-th neighbour."""

MOST_NEIGHBOURS: Final = 1500
"""Largest M."""

# neighbours of both samples that are kept of each shower, `N_NEAREST` of its own sample among them
_N_POOLED: Final = 80
_N_SUBSAMPLES: Final = 50
_CHUNK: Final = 256


def measure_neighbours(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
    *,
    same_photons: bool = False,
) -> dict[str, Tested]:
    """Measure precision, recall, density and coverage.

    Args:
        reference: Standardised features of the reference.
        simulated: Those of the simulation.
        rng: Chooses showers and exchanges.
        same_photons: Whether shower i of both samples is of the same photon.

    Returns:
        The metrics by name.
    """
    size = min(MOST_NEIGHBOURS, len(reference), len(simulated))
    exchange = Exchange(size, size, same_photons)
    first, second = exchange.choose_showers(len(reference), len(simulated), rng)
    pool = np.concatenate([reference[first], simulated[second]]).astype(np.float32)
    nearest = nearest_in_pool(pool, min(_N_POOLED, len(pool) - 1))
    labels = exchange.measured.astype(np.int8)
    draws = exchange.draws(rng, exchanging.N_EXCHANGES)
    values = neighbour_metrics(nearest, labels)
    # tests are for large values: the metrics are bad if they are low
    found = beside_draws(
        -values,
        _subsampling_errors(nearest, labels, rng),
        -np.stack([neighbour_metrics(nearest, draw.astype(np.int8)) for draw in draws]),
        exchange.source,
    )
    return {
        name: replace(entry, value=-entry.value, floor=-entry.floor)
        for name, entry in zip(NEIGHBOUR_METRICS, found, strict=True)
    }


def neighbour_metrics(
    nearest: Int64[Array, "event rank"], labels: Int8[Array, " event"]
) -> Float64[Array, " metric"]:
    """Compute the metrics from the neighbours in a pool.

    Args:
        nearest: For each shower of the pool, its nearest others, the nearest first; a ball that
            reaches farther is taken to end there.
        labels: 1 for the reference, 0 for the simulation, -1 for showers that are left out.

    Returns:
        Precision, recall, density and coverage.
    """
    return np.asarray(_metrics_of_labels(nearest, labels, N_NEAREST))


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


def nearest_in_pool(
    pool: Float32[Array, "event feature"], n_ranks: int
) -> Int64[Array, "event rank"]:
    """Find the nearest other showers of each shower.

    Args:
        pool: Standardised features.
        n_ranks: How many are wanted.

    Returns:
        Their rows, the nearest first.
    """
    found = np.empty((len(pool), n_ranks), dtype=np.int64)
    for rows, distances in squared_distances(pool, pool):
        _nearest_kernel(distances, rows.start, found)
    return found


def _subsampling_errors(
    nearest: Int64[Array, "event rank"], labels: Int8[Array, " event"], rng: np.random.Generator
) -> Float64[Array, " metric"]:
    """Estimate errors by the scatter of random halves of both samples (delete-half jackknife)."""
    values = []
    for _ in range(_N_SUBSAMPLES):
        left_out = rng.random(len(labels)) < 0.5
        values.append(neighbour_metrics(nearest, np.where(left_out, np.int8(-1), labels)))
    return np.asarray(np.std(values, axis=0, ddof=1))


@kernel()
def _nearest_kernel(distances: Array, start: int, found: Array) -> None:
    """Keep the smallest distances of each row in rising order, without the shower itself."""
    n_rows, n_points = distances.shape
    n_ranks = found.shape[1]
    best = np.empty(n_ranks, dtype=np.float32)
    for row in range(n_rows):
        event = start + row
        n_kept = 0
        for other in range(n_points):
            distance = distances[row, other]
            if other == event or (n_kept == n_ranks and distance >= best[n_ranks - 1]):
                continue
            # insertion sort: few ranks, and most showers are too far to come here
            place = min(n_kept, n_ranks - 1)
            while place > 0 and best[place - 1] > distance:
                best[place] = best[place - 1]
                found[event, place] = found[event, place - 1]
                place -= 1
            best[place] = distance
            found[event, place] = other
            n_kept = min(n_kept + 1, n_ranks)


@kernel()
def _metrics_of_labels(nearest: Array, labels: Array, k: int) -> Array:
    """Walk from each shower to its k-th neighbour of the same sample."""
    # one walk serves all metrics: whoever is nearer than the k-th neighbour lies inside the ball
    n_events, n_ranks = nearest.shape
    precise = np.zeros(n_events, dtype=np.bool_)
    recalled = np.zeros(n_events, dtype=np.bool_)
    n_reference, n_simulated, n_pairs, n_covered = 0, 0, 0, 0
    for event in range(n_events):
        own = labels[event]
        if own < 0:
            continue
        n_own, n_others = 0, 0
        for rank in range(n_ranks):
            other = nearest[event, rank]
            if labels[other] < 0:
                continue
            if labels[other] == own:
                n_own += 1
                if n_own == k:
                    break
            elif own == 1:
                precise[other] = True
                n_others += 1
            else:
                recalled[other] = True
        if own == 1:
            n_reference += 1
            n_pairs += n_others
            n_covered += n_others > 0
        else:
            n_simulated += 1
    found = np.zeros(4)
    found[0] = precise.sum() / n_simulated
    found[1] = recalled.sum() / n_reference
    found[2] = n_pairs / (k * n_simulated)
    found[3] = n_covered / n_reference
    return found
