"""Area under the ROC curve, and its statistical error.

References:
    E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, *Comparing the areas under two or more
    correlated receiver operating characteristic curves*, Biometrics 44 (1988) 837,
    https://doi.org/10.2307/2531595
"""

import numpy as np
from scipy.stats import rankdata

from calovox.arrays import Array, Float

__all__ = ["area_under_curve"]


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
