"""Boosted trees of scikit-learn and of LightGBM, as the referee has them and stronger ones.

``PYTHONPATH=build/lightgbm python -m bench.compare_trees`` with LightGBM 4.7.0 in a folder of its
own: ``pip install --no-deps --target build/lightgbm lightgbm==4.7.0``. It reads the showers of
`make demo` for the photons of the sample, with the inputs and the folds of the referee. Each row
has the AUC, its difference to that of the referee's own trees in the same folds, with the error
from the scatter of the folds, and the processor time of a seed. All train in one thread.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from bench.referee import Samples, of
from bench.timing import run
from calovox.scores.classifiers.roc import area_under_curve
from calovox.scores.referee import ClassifierInputs
from calovox.scores.referee.kinds import NOISE_SEEDS, Kind
from calovox.scores.referee.trees import N_FOLDS, N_TREES, TREES, TreeAreas, folds_of_photons

# whether they are taken from the scan of energies
INPUTS: dict[Kind, bool] = {"voxels": True, "all cells, noise": False, "cell observables": False}
STRONGER = {"trees": 500, "leaves": 31, "rate": 0.05}
OWN = {"trees": N_TREES, "leaves": TREES["max_leaf_nodes"], "rate": TREES["learning_rate"]}

Train = Callable[[np.ndarray, np.ndarray, int], Callable[[np.ndarray], Any]]


def scikit_learn(trees: int, leaves: int, rate: float) -> Train:
    """Train the trees of the referee, or others with as many bins and features at a node."""
    settings = {**TREES, "max_iter": trees, "max_leaf_nodes": leaves, "learning_rate": rate}

    def train(features: np.ndarray, label: np.ndarray, seed: int) -> Callable[[np.ndarray], Any]:
        found = HistGradientBoostingClassifier(**settings, random_state=seed)
        found.fit(features, label)
        return found.decision_function

    return train


def light_gbm(trees: int, leaves: int, rate: float) -> Train:
    """Train trees of LightGBM with the other settings of the referee."""
    settings = {
        "objective": "binary",
        "num_leaves": leaves,
        "learning_rate": rate,
        "max_bin": TREES["max_bins"],
        "feature_fraction_bynode": TREES["max_features"],
        "lambda_l2": TREES["l2_regularization"],
        "num_threads": 1,
        "verbosity": -1,
    }

    import lightgbm

    def train(features: np.ndarray, label: np.ndarray, seed: int) -> Callable[[np.ndarray], Any]:
        data = lightgbm.Dataset(features, label)
        found = lightgbm.train({**settings, "seed": seed}, data, num_boost_round=trees)
        return lambda rows: found.predict(rows, raw_score=True)

    return train


def trainers() -> dict[str, Train]:
    """List what is compared, the referee's own trees first."""
    return {
        "scikit-learn, the referee's": scikit_learn(**OWN),
        "LightGBM, the same settings": light_gbm(**OWN),
        "scikit-learn, stronger": scikit_learn(**STRONGER),
        "LightGBM, stronger": light_gbm(**STRONGER),
    }


def measure(
    train: Train, samples: tuple[ClassifierInputs, ClassifierInputs], n_seeds: int
) -> np.ndarray:
    """Give AUC and error of each seed and fold."""
    found = np.empty((n_seeds, N_FOLDS, 2))
    for seed in range(n_seeds):
        parts = folds_of_photons(samples[0].photon, samples[1].photon, seed)
        for fold in range(N_FOLDS):
            seen = [s.features[p != fold] for s, p in zip(samples, parts, strict=True)]
            label = np.repeat([0, 1], [len(part) for part in seen])
            judge = train(np.concatenate(seen), label, seed)
            unseen = (s.features[p == fold] for s, p in zip(samples, parts, strict=True))
            found[seed, fold] = area_under_curve(*map(judge, unseen))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=Path, default=Path("sample"))
    parser.add_argument("--demo", type=Path, default=Path("demo"))
    parser.add_argument("--inputs", nargs="+", choices=INPUTS, default=list(INPUTS))
    parser.add_argument("--models", nargs="+", default=["calodit", "calofast"])
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    trained = trainers()
    files = Samples(arguments.sample, arguments.demo)
    for kind in arguments.inputs:
        for model in arguments.models:
            pair = files.pair(model, scan=INPUTS[kind])
            showers = zip(
                (pair.reference, pair.simulated), pair.photon_numbers, NOISE_SEEDS, strict=True
            )
            first, second = (of(kind)(*part) for part in showers)
            own = None
            for name, train in trained.items():
                start = time.process_time()
                found = measure(train, (first, second), arguments.seeds)
                spent = (time.process_time() - start) / arguments.seeds
                errors = np.sqrt((found[..., 1] ** 2).sum(axis=1)) / N_FOLDS
                areas = TreeAreas(found[..., 0].mean(axis=1), errors, len(first), len(second))
                own = found[..., 0] if own is None else own
                more = found[..., 0] - own
                print(
                    f"| {kind} | {model} | {name} | {areas.mean:.4f} +- {areas.error:.4f} "
                    f"| {more.mean():+.4f} +- {more.std() / np.sqrt(more.size):.4f} "
                    f"| {spent:.1f} s |",
                    flush=True,
                )


if __name__ == "__main__":
    with threadpool_limits(1):
        run(main)
