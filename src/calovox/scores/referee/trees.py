r"""Two-sample test by boosted trees.

Histogram gradient boosting learns to tell simulated showers from those of the reference. The area
under its ROC curve (AUC) is measured on showers that it has not seen: all photons are divided into
`N_FOLDS` folds, and each fold is judged by trees trained on the others. Showers of one photon, in
both samples, are in one fold: trees would otherwise learn a photon's energy with one label and
meet it again with the other. The AUC is the mean over the folds, so that scores of different
trainings are not compared with each other. All is repeated with other divisions, one per seed.

The AUC is a lower bound: another classifier may tell the samples apart better.

References:
    D. Lopez-Paz, M. Oquab, *Revisiting classifier two-sample tests*, ICLR 2017,
    https://arxiv.org/abs/1610.06545
    G. Ke et al., *LightGBM: A highly efficient gradient boosting decision tree*, NeurIPS 2017
    (histograms of gradients, as in scikit-learn)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.scores.classifiers.roc import area_under_curve
from calovox.scores.referee.inputs import ClassifierInputs

__all__ = [
    "FEWEST_SHOWERS",
    "N_FOLDS",
    "N_SEEDS",
    "TrainedFold",
    "TreeAreas",
    "classify_by_trees",
    "train_folds",
]

N_FOLDS: Final = 5
"""Parts of the photons; each is judged by trees that were trained on the others."""

N_SEEDS: Final = 5
"""How often the division into folds and the training are repeated."""

FEWEST_SHOWERS: Final = 100
"""Showers that each sample needs: the AUC of fewer has an error above 0.04."""

_TREES: Final[dict[str, Any]] = {
    "max_iter": 200,
    "learning_rate": 0.1,
    "max_leaf_nodes": 15,
    "max_bins": 63,
    "max_features": 0.3,
    "l2_regularization": 1.0,
    "early_stopping": False,
}


@dataclass(frozen=True)
class TreeAreas:
    """AUC of boosted trees.

    Attributes:
        auc: AUC of each seed.
        auc_errors: Statistical error of each, from the number of showers.
        n_reference: Showers of the reference.
        n_simulated: Showers of the simulation.
    """

    auc: Float64[Array, " seed"]
    auc_errors: Float64[Array, " seed"]
    n_reference: int
    n_simulated: int

    @property
    def mean(self) -> float:
        """Mean AUC of the seeds."""
        return float(self.auc.mean())

    @property
    def error(self) -> float:
        """Error of the mean: that of the showers, the same for all seeds, and their scatter."""
        n_seeds = len(self.auc)
        scatter = self.auc.var(ddof=1) / n_seeds if n_seeds > 1 else 0.0
        return float(np.sqrt(np.mean(self.auc_errors**2) + scatter))


@dataclass(frozen=True)
class TrainedFold:
    """Trees, and the showers that they have not seen.

    Attributes:
        judge: Gives scores of inputs, higher for simulated showers.
        reference: Rows of the reference in the fold.
        simulated: Rows of the simulation in the fold.
    """

    judge: Callable[[Float32[Array, "event feature"]], Float64[Array, " event"]]
    reference: Int64[Array, " part"]
    simulated: Int64[Array, " other_part"]


def classify_by_trees(
    reference: ClassifierInputs,
    simulated: ClassifierInputs,
    *,
    n_seeds: int = N_SEEDS,
) -> TreeAreas:
    """Train boosted trees and measure their AUC.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers.
        n_seeds: How often it is repeated.

    Returns:
        The AUC of each seed.

    Raises:
        ValueError: If a sample has under `FEWEST_SHOWERS`, or the inputs differ in number.
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    areas = []
    for seed in range(n_seeds):
        folds = np.array(
            [
                area_under_curve(
                    fold.judge(reference.features[fold.reference]),
                    fold.judge(simulated.features[fold.simulated]),
                )
                for fold in train_folds(reference, simulated, seed=seed)
            ]
        )
        error = np.sqrt((folds[:, 1] ** 2).sum()) / len(folds)
        areas.append((folds[:, 0].mean(), error))
    auc, errors = np.array(areas).T
    return TreeAreas(auc, errors, len(reference), len(simulated))


def train_folds(
    reference: ClassifierInputs,
    simulated: ClassifierInputs,
    *,
    seed: int,
    n_trees: int | None = None,
) -> Iterator[TrainedFold]:
    """Train trees without each of the folds in turn.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers.
        seed: Seed of the division and of the training.
        n_trees: Number of trees; None for as many as for an AUC.

    Yields:
        Trees and what they have not seen.

    Raises:
        ValueError: If a sample has under `FEWEST_SHOWERS`, or the inputs differ in number.
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    _check(reference, simulated)
    from sklearn.ensemble import HistGradientBoostingClassifier

    settings = _TREES if n_trees is None else {**_TREES, "max_iter": n_trees}
    parts = _folds_of_photons(reference.photon, simulated.photon, seed)
    for fold in range(N_FOLDS):
        train = [sample != fold for sample in parts]
        features = [
            sample.features[rows]
            for sample, rows in zip((reference, simulated), train, strict=True)
        ]
        label = np.repeat([0, 1], [len(part) for part in features])
        # no weights of the classes: they slow the binning down tenfold, and the AUC needs none
        trees = HistGradientBoostingClassifier(**settings, random_state=seed)
        trees.fit(np.concatenate(features), label)
        test = [np.flatnonzero(sample == fold) for sample in parts]
        yield TrainedFold(trees.decision_function, test[0], test[1])


def _folds_of_photons(
    reference: Int64[Array, " event"], simulated: Int64[Array, " other"], seed: int
) -> tuple[Int64[Array, " event"], Int64[Array, " other"]]:
    """Give each shower the fold of its photon."""
    photons, place = np.unique(np.concatenate([reference, simulated]), return_inverse=True)
    order = np.random.default_rng((2026, seed)).permutation(len(photons)) % N_FOLDS
    folds = order[place]
    return folds[: len(reference)], folds[len(reference) :]


def _check(reference: ClassifierInputs, simulated: ClassifierInputs) -> None:
    n_showers = min(len(reference), len(simulated))
    if n_showers < FEWEST_SHOWERS:
        raise ValueError(
            f"classifier: expected {FEWEST_SHOWERS} showers or more of each sample, "
            f"got {n_showers}"
        )
    n_features = reference.features.shape[1], simulated.features.shape[1]
    if n_features[0] != n_features[1]:
        raise ValueError(
            f"classifier: expected as many inputs in both samples, got {n_features[0]} "
            f"and {n_features[1]}: are the grids and thresholds the same?"
        )
