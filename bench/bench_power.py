"""Power of the scores: how often shifts of known size are found, as a table for docs/scores.md.

Run from the repository: ``python -m bench.bench_power``. Samples are of a normal distribution in
three features; the first is moved by a shift, or widened, or the correlation of the first two is
changed. A change is found if the p-value is below 0.05: without any, one time in twenty.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from bench.timing import count, run
from calovox.arrays import Array, Float64
from calovox.scores.statistics import (
    METRICS,
    NotMeasured,
    measure_kernel,
    measure_many_features,
    measure_neighbours,
    measure_one_feature,
    normal_scores,
)

N_TRIALS = 50
LIMIT = 0.05
SIZES = (500, 2000)
CHANGES = ("none", "shift 0.05", "shift 0.1", "shift 0.2", "width 1.1", "correlation 0.2")
JOINT = ("frechet", "correlation", "kernel", "precision", "coverage")


def draw(rng: np.random.Generator, size: int, change: str) -> Float64[Array, "event feature"]:
    kind, _, amount = change.partition(" ")
    sample = rng.normal(size=(size, 3))
    if kind == "shift":
        sample[:, 0] += float(amount)
    elif kind == "width":
        sample[:, 0] *= float(amount)
    elif kind == "correlation":
        share = float(amount)
        sample[:, 0] = share * sample[:, 1] + np.sqrt(1.0 - share**2) * sample[:, 0]
    return sample


def p_values(size: int, change: str, seed: int) -> Iterator[float]:
    rng = np.random.default_rng((size, CHANGES.index(change), seed))
    first, second = draw(rng, size, "none"), draw(rng, size, change)
    one = measure_one_feature(first[:, 0], second[:, 0], rng)
    assert not isinstance(one, NotMeasured)
    yield from (one.distances[metric].p_value for metric in METRICS)
    scores = normal_scores(first, second)
    many = measure_many_features(*scores, rng)
    near = measure_neighbours(*scores, rng)
    found = {"frechet": many.frechet, "correlation": many.correlation, **near}
    found["kernel"] = measure_kernel(*scores, rng)
    yield from (found[metric].p_value for metric in JOINT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=N_TRIALS)
    n_trials = count(parser.parse_args().trials)
    names = [*METRICS, *JOINT]
    print("| change | showers | " + " | ".join(names) + " |")
    print("| --- " * (len(names) + 2) + "|")
    for change in CHANGES:
        for size in (max(count(size), 60) for size in SIZES):
            rows = [list(p_values(size, change, seed)) for seed in range(n_trials)]
            found = np.mean(np.array(rows) < LIMIT, axis=0)
            cells = " | ".join(f"{100 * share:.0f} %" for share in found)
            print(f"| {change} | {size} | {cells} |", flush=True)


if __name__ == "__main__":
    run(main)
