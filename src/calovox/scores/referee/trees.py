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

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.scores.classifiers.roc import area_under_curve
from calovox.scores.referee.inputs import ClassifierInputs
from calovox.side_by_side import side_by_side

__all__ = [
    "FEWEST_SHOWERS",
    "N_FOLDS",
    "N_SEEDS",
    "N_TREES",
    "TREES",
    "TrainedFold",
    "TreeAreas",
    "check_inputs",
    "classify_by_trees",
    "folds_of_photons",
    "train_fold",
]

N_FOLDS: Final = 5
"""Parts of the photons; each is judged by trees that were trained on the others."""

N_SEEDS: Final = 5
"""How often the division into folds and the training are repeated."""

N_TREES: Final = 200
"""Number of trees."""

FEWEST_SHOWERS: Final = 100
"""Showers that each sample needs: the AUC of fewer has an error above 0.04."""

TREES: Final[dict[str, Any]] = {
    "learning_rate": 0.1,
    "max_leaf_nodes": 15,
    "max_bins": 63,
    "max_features": 0.3,
    "l2_regularization": 1.0,
    "early_stopping": False,
}
"""Settings of the trees of scikit-learn."""


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
    n_trees: int = N_TREES,
) -> TreeAreas:
    """Train boosted trees and measure their AUC.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers.
        n_seeds: How often it is repeated.
        n_trees: Number of trees.

    Returns:
        The AUC of each seed.

    Raises:
        ValueError: If a sample has under `FEWEST_SHOWERS`, or the inputs differ in number.
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    check_inputs(reference, simulated)
    tasks = (
        (reference, simulated, seed, fold, n_trees)
        for seed in range(n_seeds)
        for fold in range(N_FOLDS)
    )
    found = np.array(list(side_by_side(_area, tasks, n_seeds * N_FOLDS)))
    auc, errors = found.reshape(n_seeds, N_FOLDS, 2).transpose(2, 0, 1)
    error = np.sqrt((errors**2).sum(axis=1)) / N_FOLDS
    return TreeAreas(auc.mean(axis=1), error, len(reference), len(simulated))


def train_fold(
    reference: ClassifierInputs,
    simulated: ClassifierInputs,
    seed: int,
    fold: int,
    n_trees: int = N_TREES,
) -> TrainedFold:
    """Train trees without one of the folds.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers, after `check_inputs`.
        seed: Seed of the division and of the training.
        fold: The fold that is left out.
        n_trees: Number of trees.

    Returns:
        The trees and what they have not seen.

    Raises:
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    parts = folds_of_photons(reference.photon, simulated.photon, seed)
    train = [sample != fold for sample in parts]
    features = [
        sample.features[rows] for sample, rows in zip((reference, simulated), train, strict=True)
    ]
    label = np.repeat([0, 1], [len(part) for part in features])
    # no weights of the classes: they slow the binning down tenfold, and the AUC needs none
    trees = HistGradientBoostingClassifier(**TREES, max_iter=n_trees, random_state=seed)
    trees.fit(np.concatenate(features), label)
    test = [np.flatnonzero(sample == fold) for sample in parts]
    return TrainedFold(trees.decision_function, test[0], test[1])


def _area(
    reference: ClassifierInputs, simulated: ClassifierInputs, seed: int, fold: int, n_trees: int
) -> tuple[float, float]:
    trained = train_fold(reference, simulated, seed, fold, n_trees)
    return area_under_curve(
        trained.judge(reference.features[trained.reference]),
        trained.judge(simulated.features[trained.simulated]),
    )


def folds_of_photons(
    reference: Int64[Array, " event"], simulated: Int64[Array, " other"], seed: int
) -> tuple[Int64[Array, " event"], Int64[Array, " other"]]:
    """Give each shower the fold of its photon.

    Args:
        reference: Number of the photon of each shower of the reference.
        simulated: The same of the simulation.
        seed: Seed of the division.

    Returns:
        The folds of both, from 0 to `N_FOLDS` - 1.
    """
    photons, place = np.unique(np.concatenate([reference, simulated]), return_inverse=True)
    order = np.random.default_rng((2026, seed)).permutation(len(photons)) % N_FOLDS
    folds = order[place]
    return folds[: len(reference)], folds[len(reference) :]


def check_inputs(reference: ClassifierInputs, simulated: ClassifierInputs) -> None:
    """Check that samples can be told apart by trees.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers.

    Raises:
        ValueError: If a sample has under `FEWEST_SHOWERS`, or the inputs differ in number.
    """
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
