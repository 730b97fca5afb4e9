r"""AUC against the number of showers that a classifier has: has it converged?

More showers let trees see more. The AUC is measured with parts of the photons, halved again and
again, and with all of them, and extrapolated to infinitely many showers by

$$A(n) = A_\infty - b \, n^{-c}$$

with c = 1/2, fitted by weighted least squares. The uncertainty of A_inf has two parts: the error
of the fit and, since nothing fixes c, half the range between fits with c = 1/4 and c = 1. A_inf is
at most 1. Points share showers and are correlated; the error of the fit ignores that.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.scores.referee.inputs import ClassifierInputs
from calovox.scores.referee.trees import (
    FEWEST_SHOWERS,
    N_TREES,
    TreeAreas,
    classify_by_trees,
)

__all__ = [
    "MOST_HALVINGS",
    "Extrapolation",
    "LearningCurve",
    "LearningPoint",
    "extrapolate",
    "measure_learning_curve",
]

MOST_HALVINGS: Final = 3
"""How often the photons are halved unless told otherwise."""

_POWER: Final = 0.5
_OTHER_POWERS: Final = (0.25, 1.0)
_LEAST_POINTS: Final = 3


@dataclass(frozen=True)
class LearningPoint:
    """AUC with some of the showers.

    Attributes:
        n_showers: Showers of the smaller sample, those of training and test together.
        auc: AUC.
        error: Its error.
    """

    n_showers: int
    auc: float
    error: float


@dataclass(frozen=True)
class Extrapolation:
    """AUC for infinitely many showers.

    Attributes:
        auc: AUC.
        error: Its uncertainty, that of the shape of the curve included.
    """

    auc: float
    error: float


@dataclass(frozen=True)
class LearningCurve:
    """AUC against the number of showers.

    Attributes:
        points: The AUC, that with the fewest showers first.
        extrapolation: To infinitely many; None with fewer than three points.
    """

    points: tuple[LearningPoint, ...]
    extrapolation: Extrapolation | None

    @property
    def converged(self) -> bool:
        """Whether twice the showers raised the AUC by no more than twice the error."""
        if len(self.points) < 2:
            return False
        half, whole = self.points[-2:]
        return whole.auc - half.auc <= 2.0 * float(np.hypot(half.error, whole.error))


def measure_learning_curve(
    reference: ClassifierInputs,
    simulated: ClassifierInputs,
    whole: TreeAreas,
    *,
    n_seeds: int = 2,
    n_trees: int = N_TREES,
    halvings: int = MOST_HALVINGS,
) -> LearningCurve:
    """Measure the AUC with a half, a quarter and an eighth of the photons.

    Args:
        reference: Inputs of reference showers.
        simulated: Inputs of simulated showers.
        whole: What was measured with all showers.
        n_seeds: Seeds of each measurement; each draws other photons.
        n_trees: Trees of each training.
        halvings: How often the photons are halved.

    Returns:
        The curve; parts in which a sample would have too few showers are left out.

    Raises:
        ModuleNotFoundError: If scikit-learn is not installed.
    """
    photons = np.unique(np.concatenate([reference.photon, simulated.photon]))
    points = []
    for n_halved in range(halvings, 0, -1):
        measured = [
            _point(reference, simulated, _draw(photons, n_halved, seed), n_trees)
            for seed in range(n_seeds)
        ]
        known = [point for point in measured if point is not None]
        if len(known) == n_seeds:
            points.append(_average(known))
    n_whole = min(whole.n_reference, whole.n_simulated)
    points.append(LearningPoint(n_whole, whole.mean, whole.error))
    curve = tuple(points)
    return LearningCurve(curve, extrapolate(curve) if len(curve) >= _LEAST_POINTS else None)


def extrapolate(points: tuple[LearningPoint, ...]) -> Extrapolation:
    """Fit the curve and extrapolate it to infinitely many showers.

    Args:
        points: Three points or more.

    Returns:
        The AUC and its uncertainty.

    Example:
        >>> curve = tuple(LearningPoint(n, 0.9 - n**-0.5, 0.01) for n in (100, 400, 1600))
        >>> round(extrapolate(curve).auc, 6)
        0.9
    """
    n_showers = np.array([point.n_showers for point in points], dtype=np.float64)
    auc = np.array([point.auc for point in points])
    error = np.array([point.error for point in points])
    value, fit_error = _fit(n_showers, auc, error, _POWER)
    others = [min(_fit(n_showers, auc, error, power)[0], 1.0) for power in _OTHER_POWERS]
    shape_error = 0.5 * (max(others) - min(others))
    return Extrapolation(min(value, 1.0), float(np.hypot(fit_error, shape_error)))


def _fit(
    n_showers: Float64[Array, " point"],
    auc: Float64[Array, " point"],
    error: Float64[Array, " point"],
    power: float,
) -> tuple[float, float]:
    """Fit a line in n^-power; give its value at 0 and the error of that."""
    weight = 1.0 / np.maximum(error, 1e-6)
    design = np.stack([np.ones_like(auc), n_showers**-power], axis=1) * weight[:, None]
    covariance = np.linalg.inv(design.T @ design)
    value = covariance @ design.T @ (auc * weight)
    return float(value[0]), float(np.sqrt(covariance[0, 0]))


def _draw(photons: Int64[Array, " photon"], halvings: int, seed: int) -> Int64[Array, " drawn"]:
    order = np.random.default_rng((2027, halvings, seed)).permutation(photons)
    return order[: len(order) // 2**halvings]


def _point(
    reference: ClassifierInputs,
    simulated: ClassifierInputs,
    photons: Int64[Array, " drawn"],
    n_trees: int,
) -> LearningPoint | None:
    parts = [s.rows(np.isin(s.photon, photons)) for s in (reference, simulated)]
    n_showers = min(map(len, parts))
    if n_showers < FEWEST_SHOWERS:
        return None
    found = classify_by_trees(parts[0], parts[1], n_seeds=1, n_trees=n_trees)
    return LearningPoint(n_showers, found.mean, found.error)


def _average(points: list[LearningPoint]) -> LearningPoint:
    """Average measurements with different showers."""
    auc = np.array([point.auc for point in points])
    error = np.sqrt(np.mean([point.error**2 for point in points]) / len(points))
    n_showers = int(np.mean([point.n_showers for point in points]))
    return LearningPoint(n_showers, float(auc.mean()), float(error))
