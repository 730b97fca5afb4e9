"""Boosted trees of scikit-learn and of LightGBM, as the referee has them and stronger ones.

``PYTHONPATH=build/lightgbm python -m bench.compare_trees`` with LightGBM 4.7.0 in a folder of its
own: ``pip install --no-deps --target build/lightgbm lightgbm==4.7.0``. It reads the showers of
`make demo` for the photons of the sample, with the inputs and the folds of the referee. Each row
has the AUC, its difference to that of the referee's own trees in the same folds, with the error
from the scatter of the folds, and the processor time of a seed. All train in one thread.
"""

import argparse
import itertools
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench.referee import Photons, Samples, of
from bench.timing import run
from calovox.scores.referee import ClassifierInputs
from calovox.scores.referee.kinds import NOISE_SEEDS, Kind
from calovox.scores.referee.trees import (
    N_FOLDS,
    N_TREES,
    TREES,
    Judge,
    Train,
    TreeAreas,
    area_of_fold,
    train_trees,
)

INPUTS: dict[Kind, Photons] = {
    "voxels": "scan",
    "all cells, noise": "optimal",
    "cell observables": "optimal",
}
STRONGER = {"max_leaf_nodes": 31, "learning_rate": 0.05}
MANY = 500


def light_gbm(
    library: ModuleType,
    features: np.ndarray,
    label: np.ndarray,
    seed: int,
    *,
    n_trees: int = N_TREES,
    settings: Mapping[str, Any] = TREES,
) -> Judge:
    """Train trees of LightGBM with the settings of trees of scikit-learn."""
    translated = {
        "objective": "binary",
        "num_leaves": settings["max_leaf_nodes"],
        "learning_rate": settings["learning_rate"],
        "max_bin": settings["max_bins"],
        "feature_fraction_bynode": settings["max_features"],
        "lambda_l2": settings["l2_regularization"],
        "num_threads": 1,
        "verbosity": -1,
        "seed": seed,
    }
    data = library.Dataset(features, label)
    found = library.train(translated, data, num_boost_round=n_trees)
    return partial(found.predict, raw_score=True)


def trainers() -> dict[str, Train]:
    """List what is compared, the referee's own trees first."""
    import lightgbm

    of_lightgbm = partial(light_gbm, lightgbm)
    stronger = {"n_trees": MANY, "settings": TREES | STRONGER}
    return {
        "scikit-learn, the referee's": train_trees,
        "LightGBM, the same settings": of_lightgbm,
        "scikit-learn, stronger": partial(train_trees, **stronger),
        "LightGBM, stronger": partial(of_lightgbm, **stronger),
    }


def measure(
    train: Train, samples: tuple[ClassifierInputs, ClassifierInputs], n_seeds: int
) -> np.ndarray:
    """Give AUC and error of each seed and fold; in this process, whose time is taken."""
    rounds = itertools.product(range(n_seeds), range(N_FOLDS))
    found = [area_of_fold(*samples, seed, fold, train) for seed, fold in rounds]
    return np.reshape(found, (n_seeds, N_FOLDS, 2))


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
            pair = files.pair(model, INPUTS[kind])
            showers = zip(
                (pair.reference, pair.simulated), pair.photon_numbers, NOISE_SEEDS, strict=True
            )
            first, second = (of(kind)(*part) for part in showers)
            own = None
            for name, train in trained.items():
                start = time.process_time()
                found = measure(train, (first, second), arguments.seeds)
                spent = (time.process_time() - start) / arguments.seeds
                areas = TreeAreas.of_folds(found, len(first), len(second))
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
