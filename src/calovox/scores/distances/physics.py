r"""Distances between samples in the space of all high-level features.

Features are standardised by the mean and the standard deviation of the reference (`joint`).

- Frechet physics distance: that of two normal distributions with the moments of the samples,
  $$d^2 = |\mu_1 - \mu_2|^2 + \mathrm{tr}(C_1 + C_2 - 2 (C_1^{1/2} C_2 C_1^{1/2})^{1/2}).$$
  Its error is from a jackknife over folds of both samples. Two finite samples of one distribution
  have a distance that falls as 1/n + 1/m: the floor is measured on halves of the reference and
  scaled to the sizes of the samples by (1/n + 1/m) / (4/n); so are its draws, whose share above
  the distance is the p-value.
- Kernel physics distance: the squared maximum mean discrepancy with the kernel
  (x . y / d + 1)^4, without bias, averaged over blocks of events of both samples. The blocks are
  independent: their scatter gives the error, and the p-value is that of Student's t. The floor is
  the same for halves of the reference.

Published values, `fpd` and `kpd`, are those of other features, each divided by its largest size in
the reference (`joint`). FPD is extrapolated to samples of infinite size: as its bias falls as
1/n + 1/m, that is 2 d(n, m) - <d(n/2, m/2)>, 0 on average for samples of one distribution. The
authors' library JetNet (0.2.5) fits a line in 1/n to draws with replacement of 20 000 to 50 000
events. That takes away the bias of the draws, but not that of the samples they are from: of two
samples of 20 000 equal toy events with 20 features it makes (0.24 +- 0.09) 10^-3, and ours is
(-0.01 +- 0.02) 10^-3. Published values are larger than ours by about d(n, m) of equal samples.
For KPD it gives the median over ten overlapping draws of 5000, which agrees with ours within
errors. It is not used here because of that bias, because its errors ignore that draws overlap, and
because it gives no p-values, expects 50 000 events, and brings coffea, EnergyFlow and PyTables.

References:
    R. Kansal et al., *Evaluating generative models in high energy physics*, Phys. Rev. D 107
    (2023) 076017, https://arxiv.org/abs/2211.10295
    W. Zaremba, A. Gretton, M. Blaschko, *B-tests: low variance kernel two-sample tests* (2013),
    https://arxiv.org/abs/1307.1954
"""

from typing import Final

import numpy as np
from scipy.stats import t as student

from calovox.arrays import Array, Float64
from calovox.scores.distances.folds import FoldedMoments, Moments, jackknife_error
from calovox.scores.distances.two_samples import N_SPLITS, Measured

__all__ = [
    "frechet_distance",
    "kernel_distance",
    "measure_extrapolated",
    "measure_frechet",
    "measure_kernel",
    "squared_discrepancy",
]

_MOST_FOLDS: Final = 50
_EVENTS_PER_FOLD: Final = 10
_DEGREE: Final = 4
_MOST_IN_BLOCK: Final = 500
_FEWEST_BLOCKS: Final = 10
_N_HALVES: Final = 20


def frechet_distance(first: Moments, second: Moments) -> float:
    """Compute the squared Frechet distance of two normal distributions.

    Args:
        first: Moments of the one.
        second: Moments of the other.

    Returns:
        The distance, 0 for equal moments.

    Example:
        >>> one = Moments(9, np.zeros(2), np.eye(2))
        >>> round(frechet_distance(one, Moments(9, np.array([3.0, 0.0]), 4 * np.eye(2))), 9)
        11.0
    """
    values, vectors = np.linalg.eigh(first.covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    # eigenvalues of a positive matrix; rounding may leave some just below 0
    cross = np.linalg.eigvalsh(root @ second.covariance @ root)
    trace = np.trace(first.covariance) + np.trace(second.covariance)
    shift = first.mean - second.mean
    return float(shift @ shift + trace - 2.0 * np.sqrt(np.maximum(cross, 0.0)).sum())


def measure_frechet(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
) -> Measured:
    """Measure the Frechet distance of two samples.

    Args:
        reference: Standardised features of the reference, twenty events or more.
        simulated: Those of the sample, likewise.
        rng: Divides events into folds.

    Returns:
        The distance, its error, floor and p-value.
    """
    first, second = (_fold(sample, rng) for sample in (reference, simulated))
    value, error = _jackknifed_distance(first, second)
    draws = _halves_distances(first, len(reference) / len(simulated), rng)
    p_value = (1 + int(np.count_nonzero(draws >= value))) / (N_SPLITS + 1)
    return Measured(value, error, float(draws.mean()), float(draws.std(ddof=1)), p_value)


def measure_extrapolated(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
) -> Measured:
    """Measure the Frechet distance of two samples as if they were infinitely large.

    Args:
        reference: Features of the reference, divided by the largest of each; forty events or more.
        simulated: Those of the sample, divided by the same, likewise.
        rng: Divides events into folds, and folds into halves.

    Returns:
        The distance, its error, the floor 0, and the p-value.
    """
    first, second = (_fold(sample, rng) for sample in (reference, simulated))
    whole, error = _jackknifed_distance(first, second)
    halves = [
        frechet_distance(*pair)
        for _ in range(_N_HALVES)
        for pair in zip(first.halves(rng), second.halves(rng), strict=True)
    ]
    value = 2.0 * whole - float(np.mean(halves))
    draws = _halves_distances(first, len(reference) / len(simulated), rng)
    p_value = (1 + int(np.count_nonzero(draws - draws.mean() >= value))) / (N_SPLITS + 1)
    return Measured(value, error, 0.0, float(draws.std(ddof=1)), p_value)


def squared_discrepancy(
    first: Float64[Array, "event feature"], second: Float64[Array, "other feature"]
) -> float:
    """Compute the squared maximum mean discrepancy of two samples, without bias.

    Args:
        first: Features of two events or more.
        second: Features of two events or more of another sample.

    Returns:
        The estimate, negative half of the time if both are of one distribution.
    """
    within = 0.0
    for sample in (first, second):
        kernel = _kernel(sample, sample)
        within += (kernel.sum() - np.trace(kernel)) / (len(sample) * (len(sample) - 1))
    return float(within - 2.0 * _kernel(first, second).mean())


def kernel_distance(
    first: Float64[Array, "event feature"],
    second: Float64[Array, "other feature"],
    rng: np.random.Generator,
) -> tuple[float, float, int]:
    """Average the squared discrepancy over blocks of events.

    Args:
        first: Features of one sample, twenty events or more.
        second: Those of another, likewise.
        rng: Divides events into blocks.

    Returns:
        The average, its error, and the number of blocks.
    """
    smaller = min(len(first), len(second))
    n_blocks = max(_FEWEST_BLOCKS, -(-smaller // _MOST_IN_BLOCK))
    blocks = [
        np.array_split(sample[rng.permutation(len(sample))[:smaller]], n_blocks)
        for sample in (first, second)
    ]
    values = np.array([squared_discrepancy(*pair) for pair in zip(*blocks, strict=True)])
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(n_blocks)), n_blocks


def measure_kernel(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
) -> Measured:
    """Measure the kernel distance of two samples.

    Args:
        reference: Standardised features of the reference, forty events or more.
        simulated: Those of the sample, twenty events or more.
        rng: Divides events into blocks.

    Returns:
        The distance, its error, floor and p-value.
    """
    value, error, n_blocks = kernel_distance(reference, simulated, rng)
    half = rng.permutation(len(reference))
    parts = (reference[half[: len(half) // 2]], reference[half[len(half) // 2 :]])
    floor, floor_error, _ = kernel_distance(*parts, rng)
    p_value = float(student.sf(value / error, n_blocks - 1)) if error > 0 else 1.0
    return Measured(value, error, floor, floor_error, p_value)


def _jackknifed_distance(first: FoldedMoments, second: FoldedMoments) -> tuple[float, float]:
    """Compute the distance of two samples and its error."""
    whole = first.moments(), second.moments()
    errors = (
        jackknife_error(first, lambda part: np.array(frechet_distance(part, whole[1]))),
        jackknife_error(second, lambda part: np.array(frechet_distance(whole[0], part))),
    )
    return frechet_distance(*whole), float(np.hypot(*errors))


def _halves_distances(
    reference: FoldedMoments, size_ratio: float, rng: np.random.Generator
) -> Float64[Array, " split"]:
    """Compute distances of halves of the reference, scaled to the sizes of the samples."""
    draws = np.array([frechet_distance(*reference.halves(rng)) for _ in range(N_SPLITS)])
    return np.asarray(draws * (0.25 * (1.0 + size_ratio)))


def _fold(sample: Float64[Array, "event feature"], rng: np.random.Generator) -> FoldedMoments:
    n_folds = min(_MOST_FOLDS, len(sample) // _EVENTS_PER_FOLD) // 2 * 2
    folded = FoldedMoments.empty(n_folds, sample.shape[1])
    folded.add(sample, rng.permutation(np.arange(len(sample)) % n_folds))
    return folded


def _kernel(
    first: Float64[Array, "event feature"], second: Float64[Array, "other feature"]
) -> Float64[Array, "event other"]:
    return np.asarray((first @ second.T / first.shape[1] + 1.0) ** _DEGREE)
