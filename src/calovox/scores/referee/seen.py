r"""What a classifier sees: which observables tell the samples apart, and how.

Trees are trained on observables. The permutation importance of one is how much of the AUC is lost
when its values are permuted among all showers that are judged, of both samples. Two observables
that tell the same share their importance. The AUC of each observable alone is free of that: its
trees know the photon and this observable.

Two more numbers say what a model builder must mend: the shift of the mean and the change of the
width, in units of the reference's standard deviation. Their statistical errors are those of
independent samples, and upper bounds for samples of the same photons. Both are winsorised at 0.1 %
of the reference on either side, so that single showers do not decide; outliers are counted by
`statistics.outliers`.

References:
    L. Breiman, *Random forests*, Machine Learning 45 (2001) 5 (permutation importance)
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from calovox.arrays import Array, Float32, Float64
from calovox.samples.observables.table import Observable, ObservableTable
from calovox.scores.classifiers.roc import area_under_curve
from calovox.scores.referee.inputs import ClassifierInputs
from calovox.scores.referee.trees import (
    N_FOLDS,
    N_TREES,
    TrainedFold,
    check_inputs,
    classify_by_trees,
    train_fold,
    train_trees,
)
from calovox.side_by_side import side_by_side

__all__ = ["SeenObservable", "what_a_classifier_sees"]

_WINSORISED: Final = 0.001
_MOST_ALONE: Final = 12
_TREES_ALONE: Final = 40
_EXCHANGED_AT_ONCE: Final = 16


@dataclass(frozen=True)
class SeenObservable:
    """One observable, and what trees make of it.

    Attributes:
        observable: The observable.
        importance: AUC that is lost without it.
        importance_error: Scatter of that between the folds, over the root of their number.
        shift: Mean of the simulation less that of the reference, in standard deviations of the
            reference; NaN if that is 0.
        shift_error: Its error.
        width: Standard deviation of the simulation over that of the reference; NaN if that is 0.
        width_error: Its error.
        alone: AUC of the observable alone; NaN where it was not measured.
    """

    observable: Observable
    importance: float
    importance_error: float
    shift: float
    shift_error: float
    width: float
    width_error: float
    alone: float


def what_a_classifier_sees(
    reference: ObservableTable,
    simulated: ObservableTable,
    reference_photons: ClassifierInputs,
    simulated_photons: ClassifierInputs,
    *,
    seed: int = 0,
    n_alone: int = _MOST_ALONE,
    n_trees: int = N_TREES,
) -> tuple[SeenObservable, ...]:
    """Rank observables by what they tell a classifier.

    Args:
        reference: Observables of the reference.
        simulated: The same of the simulation.
        reference_photons: Inputs from `observable_inputs` of the reference.
        simulated_photons: Those of the simulation.
        seed: Seed of the division, the training and the exchanges.
        n_alone: For so many of the worst, the AUC of the observable alone is measured.
        n_trees: Number of trees.

    Returns:
        One entry per observable, the worst first.

    Raises:
        ValueError: If the observables of the samples differ.
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    if reference.names != simulated.names:
        other = set(reference.names) ^ set(simulated.names)
        raise ValueError(f"observables: expected the same in both samples, not so {sorted(other)}")
    check_inputs(reference_photons, simulated_photons)
    tasks = (
        (reference_photons, simulated_photons, len(reference.names), seed, fold, n_trees)
        for fold in range(N_FOLDS)
    )
    losses = np.array(list(side_by_side(_losses, tasks, N_FOLDS)))
    mean, error = losses.mean(axis=0), losses.std(axis=0, ddof=1) / np.sqrt(len(losses))
    order = np.argsort(-mean, kind="stable")
    photon = range(len(reference.names), reference_photons.features.shape[1])
    alone = np.full(len(order), np.nan)
    for place, column in enumerate(order[:n_alone]):
        chosen = [int(column), *photon]
        parts = (inputs.columns(chosen) for inputs in (reference_photons, simulated_photons))
        alone[place] = classify_by_trees(*parts, n_seeds=1, n_trees=_TREES_ALONE).mean
    entries = []
    for place, column in enumerate(order):
        first, second = reference.values[:, column], simulated.values[:, column]
        entries.append(
            SeenObservable(
                reference.observables[column],
                float(mean[column]),
                float(error[column]),
                *_shift_and_width(first, second),
                float(alone[place]),
            )
        )
    return tuple(entries)


def _losses(
    reference: ClassifierInputs,
    simulated: ClassifierInputs,
    n_observables: int,
    seed: int,
    fold: int,
    n_trees: int,
) -> list[float]:
    """Measure how much AUC one fold loses without each observable."""
    rng = np.random.default_rng((2028, seed, fold))
    train = partial(train_trees, n_trees=n_trees)
    trained = train_fold(reference, simulated, seed, fold, train)
    parts = reference.features[trained.reference], simulated.features[trained.simulated]
    whole = area_under_curve(*(trained.judge(part) for part in parts))[0]
    pooled = np.concatenate(parts)
    return [
        whole - area
        for start in range(0, n_observables, _EXCHANGED_AT_ONCE)
        for area in _areas_without(
            trained,
            pooled,
            len(parts[0]),
            range(start, min(start + _EXCHANGED_AT_ONCE, n_observables)),
            rng,
        )
    ]


def _areas_without(
    fold: TrainedFold,
    pooled: Float32[Array, "event feature"],
    n_reference: int,
    columns: range,
    rng: np.random.Generator,
) -> list[float]:
    """Measure the AUC with each of some columns exchanged among all showers."""
    exchanged = np.tile(pooled, (len(columns), 1, 1))
    for place, column in enumerate(columns):
        exchanged[place, :, column] = rng.permutation(pooled[:, column])
    # one call for many columns: most of the time of a small call is not spent on trees
    scores = fold.judge(exchanged.reshape(-1, pooled.shape[1])).reshape(len(columns), -1)
    return [area_under_curve(row[:n_reference], row[n_reference:])[0] for row in scores]


def _shift_and_width(
    reference: Float64[Array, " event"], simulated: Float64[Array, " other"]
) -> tuple[float, float, float, float]:
    """Compare means and widths, winsorised."""
    ends = np.quantile(reference, (_WINSORISED, 1.0 - _WINSORISED))
    first, second = (np.clip(sample, *ends) for sample in (reference, simulated))
    spread = first.std()
    if spread == 0.0:
        return float("nan"), float("nan"), float("nan"), float("nan")
    shift = (second.mean() - first.mean()) / spread
    shift_error = np.hypot(1.0 / np.sqrt(len(first)), second.std() / spread / np.sqrt(len(second)))
    width = second.std() / spread
    relative = np.hypot(_relative_error_of_width(first), _relative_error_of_width(second))
    return float(shift), float(shift_error), float(width), float(width * relative)


def _relative_error_of_width(values: Float64[Array, " event"]) -> float:
    """Error of a standard deviation over itself, by the fourth moment."""
    variance = values.var()
    if variance == 0.0:
        return 0.0
    kurtosis = np.mean((values - values.mean()) ** 4) / variance**2
    return float(np.sqrt((kurtosis - 1.0) / (4.0 * len(values))))
