"""What the scores of a classifier tell: area under the ROC curve, probabilities, entropy.

References:
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, *Comparing the areas under two or more
    correlated receiver operating characteristic curves*, Biometrics 44 (1988) 837,
    https://doi.org/10.2307/2531595
"""

from typing import Final

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.stats import rankdata

from calovox.arrays import Array, Float, Float64

__all__ = ["area_under_curve", "calibrated", "cross_entropy"]

_SMALLEST_PROBABILITY: Final = 1e-6


def area_under_curve(
    reference: Float[Array, " event"], simulated: Float[Array, " other"]
) -> tuple[float, float]:
    """Compute the probability that a simulated shower scores higher than one of the reference.

    Args:
        reference: Scores of reference showers, two or more.
        simulated: Scores of simulated showers, two or more.

    Returns:
        The area under the ROC curve, ties counting half, and its statistical error (DeLong).

    Example:
        >>> area_under_curve(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0]))[0]
        0.75
    """
    n, m = len(reference), len(simulated)
    ranks = rankdata(np.concatenate([reference, simulated]))
    # for each shower, the share of the other sample that scores lower, ties counting half
    below_reference = (ranks[:n] - rankdata(reference)) / m
    below_simulated = (ranks[n:] - rankdata(simulated)) / n
    variance = below_reference.var(ddof=1) / n + below_simulated.var(ddof=1) / m
    return float(below_simulated.mean()), float(np.sqrt(variance))


def calibrated(
    scores: Float[Array, " event"],
    reference: Float[Array, " part"],
    simulated: Float[Array, " other_part"],
) -> Float64[Array, " event"]:
    """Turn scores into probabilities of being simulated by isotonic regression.

    Args:
        scores: What is calibrated.
        reference: Scores of reference showers set aside for the calibration.
        simulated: The same of simulated showers.

    Returns:
        Probabilities, linear between the scores of the calibration.

    Example:
        >>> calibrated(np.array([-9.0, 9.0]), np.array([0.0, 2.0]), np.array([1.0, 3.0])).round(3)
        array([0., 1.])
    """
    all_scores = np.concatenate([reference, simulated])
    labels = np.repeat([0.0, 1.0], [len(reference), len(simulated)])
    order = np.argsort(all_scores, kind="stable")
    rising = isotonic_regression(labels[order]).x
    found = np.interp(scores, all_scores[order], rising)
    return np.asarray(np.clip(found, _SMALLEST_PROBABILITY, 1.0 - _SMALLEST_PROBABILITY))


def cross_entropy(
    reference: Float64[Array, " event"], simulated: Float64[Array, " other"]
) -> tuple[float, float]:
    """Compute the binary cross entropy of probabilities, both classes counting the same.

    Args:
        reference: Probabilities of reference showers of being simulated.
        simulated: Those of simulated showers.

    Returns:
        The cross entropy in units of ln 2, and its statistical error.

    Example:
        >>> cross_entropy(np.full(4, 0.5), np.full(4, 0.5))
        (1.0, 0.0)
    """
    losses = [-np.log2(1.0 - reference), -np.log2(simulated)]
    variance = sum(loss.var() / len(loss) for loss in losses)
    return float(np.mean([loss.mean() for loss in losses])), float(0.5 * np.sqrt(variance))
