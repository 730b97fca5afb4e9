r"""Correlations between the energies of the layers, compared between two samples.

The metric of a pair of layers is the size of the difference of their Pearson correlations, and
that of all layers is its root mean square over the pairs. Errors are from a jackknife over folds
of both samples; the floor is from halves of the reference, scaled to the sizes of the samples by
the square root of (1/n + 1/m) / (4/n), and the share of halves above the metric is the p-value.
"""

from itertools import combinations

import numpy as np

from calovox.arrays import Array, Float64
from calovox.scores.distances.folds import FoldedMoments, Moments, jackknife_error
from calovox.scores.distances.two_samples import N_SPLITS, Measured

__all__ = ["ALL_LAYERS", "compare_correlations"]

ALL_LAYERS = "layer energies"
"""Name of the comparison of all pairs."""


def compare_correlations(
    reference: FoldedMoments,
    simulated: FoldedMoments,
    names: tuple[str, ...],
    rng: np.random.Generator,
) -> dict[str, Measured]:
    """Compare the correlations of the layer energies.

    Args:
        reference: Sums of the reference.
        simulated: Sums of the sample.
        names: Names of the layer energies.
        rng: Chooses halves of the reference.

    Returns:
        The difference of all pairs, then that of each pair by the names of its layers.
    """
    first, second = reference.moments(), simulated.moments()
    values = _differences(first, second)
    errors = np.hypot(
        jackknife_error(reference, lambda part: _differences(part, second)),
        jackknife_error(simulated, lambda part: _differences(first, part)),
    )
    draws = np.stack([_differences(*reference.halves(rng)) for _ in range(N_SPLITS)])
    draws *= np.sqrt(0.25 * (1.0 + first.n_events / second.n_events))
    above = np.count_nonzero(draws >= values * (1.0 - 1e-9), axis=0)
    floors, scatters = draws.mean(axis=0), draws.std(axis=0, ddof=1)
    labels = [ALL_LAYERS, *(f"{a}:{b}" for a, b in combinations(names, 2))]
    return {
        label: Measured(
            float(values[place]),
            float(errors[place]),
            float(floors[place]),
            float(scatters[place]),
            (1 + int(above[place])) / (N_SPLITS + 1),
        )
        for place, label in enumerate(labels)
    }


def _differences(first: Moments, second: Moments) -> Float64[Array, " comparison"]:
    """Return the root mean square over pairs, then the size of each pair's difference."""
    pairs = np.triu_indices(len(first.mean), k=1)
    sizes = np.abs((first.correlation - second.correlation)[pairs])
    return np.concatenate([[np.sqrt(np.mean(sizes**2))], sizes])
