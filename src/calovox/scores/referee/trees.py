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

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
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
    "Judge",
    "Train",
    "TrainedFold",
    "TreeAreas",
    "area_of_fold",
    "check_inputs",
    "classify_by_trees",
    "folds_of_photons",
    "train_fold",
    "train_trees",
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

Judge = Callable[[Float32[Array, "event feature"]], Float64[Array, " event"]]
"""Gives scores of inputs, higher for simulated showers."""

Train = Callable[[Float32[Array, "event feature"], Int64[Array, " event"], int], Judge]
"""Trains a judge with inputs, labels (1 for simulated showers) and a seed."""


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

    @classmethod
    def of_folds(
        cls, areas: Float64[Array, "seed fold 2"], n_reference: int, n_simulated: int
    ) -> "TreeAreas":
        """Take the mean over the folds.

        Args:
            areas: AUC and error of each fold, of each seed.
            n_reference: Showers of the reference.
            n_simulated: Showers of the simulation.

        Returns:
            The AUC of each seed.
        """
        errors = np.sqrt((areas[..., 1] ** 2).sum(axis=1)) / areas.shape[1]
        return cls(areas[..., 0].mean(axis=1), errors, n_reference, n_simulated)

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
    """A judge, and the showers that it has not seen.

    Attributes:
        judge: What was trained.
        reference: Rows of the reference in the fold.
        simulated: Rows of the simulation in the fold.
    """

    judge: Judge
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
    train = partial(train_trees, n_trees=n_trees)
    tasks = (
        (reference, simulated, seed, fold, train)
        for seed in range(n_seeds)
        for fold in range(N_FOLDS)
    )
    found = np.array(list(side_by_side(area_of_fold, tasks, n_seeds * N_FOLDS)))
    return TreeAreas.of_folds(found.reshape(n_seeds, N_FOLDS, 2), len(reference), len(simulated))


def area_of_fold(
    reference: ClassifierInputs, simulated: ClassifierInputs, seed: int, fold: int, train: Train
) -> tuple[float, float]:
    """Measure the AUC of one of the folds, judged by what was trained on the others.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers, after `check_inputs`.
        seed: Seed of the division and of the training.
        fold: The fold.
        train: How a judge is trained.

    Returns:
        The AUC, and its statistical error.
    """
    trained = train_fold(reference, simulated, seed, fold, train)
    return area_under_curve(
        trained.judge(reference.features[trained.reference]),
        trained.judge(simulated.features[trained.simulated]),
    )


def train_fold(
    reference: ClassifierInputs, simulated: ClassifierInputs, seed: int, fold: int, train: Train
) -> TrainedFold:
    """Train a judge without one of the folds.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers, after `check_inputs`.
        seed: Seed of the division and of the training.
        fold: The fold that is left out.
        train: How a judge is trained.

    Returns:
        The judge and what it has not seen.
    """
    parts = folds_of_photons(reference.photon, simulated.photon, seed)
    seen = [
        sample.features[folds != fold]
        for sample, folds in zip((reference, simulated), parts, strict=True)
    ]
    label = np.repeat([0, 1], [len(part) for part in seen])
    test = [np.flatnonzero(folds == fold) for folds in parts]
    return TrainedFold(train(np.concatenate(seen), label, seed), test[0], test[1])


def train_trees(
    features: Float32[Array, "event feature"],
    label: Int64[Array, " event"],
    seed: int,
    *,
    n_trees: int = N_TREES,
    settings: Mapping[str, Any] = TREES,
) -> Judge:
    """Train boosted trees of scikit-learn.

    Args:
        features: Inputs.
        label: 1 for simulated showers, 0 for others.
        seed: Seed of the training.
        n_trees: Number of trees.
        settings: All other settings.

    Returns:
        The trees.

    Raises:
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    # no weights of the classes: they slow the binning down tenfold, and the AUC needs none
    trees = HistGradientBoostingClassifier(**settings, max_iter=n_trees, random_state=seed)
    trees.fit(features, label)
    judge: Judge = trees.decision_function
    return judge


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
