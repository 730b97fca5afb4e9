r"""Chi2 of the histograms of two samples, and what it is for samples of one distribution.

Samples of the same photons are more alike than independent ones, where the photon decides on the
observable, as at the electrode gaps. Their chi2/ndf has a floor below 1. It comes from exchanges:
the two showers of each photon may change sides (`exchange`). Neither a second sample of the model
nor one of Geant4 is needed.

No shower is moved for that. Neighbouring bins are merged as for the measured chi2, which no
exchange changes. Of the $c_{ij}$ photons with a reference shower in bin i and a simulated one in
bin j, a binomial number changes sides. Of independent samples, the counts of the reference are
drawn from all showers without replacement.
"""

from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64
from calovox.scores.histograms import (
    MIN_EXPECTED,
    Chi2,
    bins_of_values,
    chi2_of_counts,
    merge_bins,
    merge_common_bins,
)
from calovox.scores.statistics.exchange import (
    N_EXCHANGES,
    Tested,
    beside_draws,
    with_gamma_tail,
)

__all__ = ["Floor", "measure_chi2", "split_floor"]


@dataclass(frozen=True)
class Floor:
    """Chi2/ndf of random halves of one sample against each other.

    Attributes:
        mean: Mean over the splits.
        low: Quantile 0.16 over the splits.
        high: Quantile 0.84 over the splits.
        n_splits: Number of splits.
    """

    mean: float
    low: float
    high: float
    n_splits: int


def measure_chi2(
    reference: Float[Array, " event"],
    simulated: Float[Array, " other"],
    edges: Float64[Array, " edge"],
    rng: np.random.Generator,
    *,
    same_photons: bool,
) -> Tested | None:
    """Measure chi2/ndf of two samples beside that of exchanged showers.

    Args:
        reference: An observable of the reference.
        simulated: That of the simulation.
        edges: Borders of the bins.
        rng: Draws the exchanges.
        same_photons: Whether shower i of both samples is of the same photon.

    Returns:
        Chi2/ndf; None if the events do not suffice for two bins.
    """
    bins = [bins_of_values(values, edges) for values in (reference, simulated)]
    first, second = (np.bincount(found, minlength=len(edges) + 1) for found in bins)
    chi2 = chi2_of_counts(first, second)
    if chi2.ndf == 0:
        return None
    n, m = len(reference), len(simulated)
    starts = merge_common_bins(first, second)
    if same_photons:
        groups = [np.searchsorted(starts, found, side="right") - 1 for found in bins]
        drawn = _exchanged_within_photons(groups[0], groups[1], len(starts), rng)
    else:
        drawn = _exchanged(np.add.reduceat(first + second, starts), n, m, rng, N_EXCHANGES)
    (found,) = beside_draws(
        np.array([chi2.reduced]),
        np.array([_uncertainty(chi2)]),
        drawn[:, None] / chi2.ndf,
        "exchange within photons" if same_photons else "exchange of showers",
    )
    return with_gamma_tail(found)


def _uncertainty(chi2: Chi2) -> float:
    """Give the spread of the non-central chi2 distribution, per degree of freedom."""
    excess = max(chi2.value - chi2.ndf, 0.0)
    return float((2.0 * chi2.ndf + 4.0 * excess) ** 0.5 / chi2.ndf)


def _exchanged_within_photons(
    first: Int64[Array, " event"],
    second: Int64[Array, " event"],
    n_groups: int,
    rng: np.random.Generator,
) -> Float64[Array, " draw"]:
    pairs = np.bincount(first * n_groups + second, minlength=n_groups**2)
    total = np.bincount(first, minlength=n_groups) + np.bincount(second, minlength=n_groups)
    # photons of a pair of bins that stay, less those that change sides
    signed = 2 * rng.binomial(pairs, 0.5, size=(N_EXCHANGES, len(pairs))) - pairs
    moved = signed.reshape(-1, n_groups, n_groups)
    difference = moved.sum(axis=2) - moved.sum(axis=1)
    return np.asarray((difference**2.0 / np.maximum(total, 1)).sum(axis=1))


def _exchanged(
    total: Int64[Array, " group"], n: int, m: int, rng: np.random.Generator, count: int
) -> Float64[Array, " draw"]:
    """Draw the counts of n of all events, without ever shuffling them, and give chi2."""
    first = rng.multivariate_hypergeometric(total, n, size=count)
    terms = (m * first - n * (total - first)) ** 2.0 / np.maximum(total, 1)
    return np.asarray(terms.sum(axis=1) / max(n * m, 1))


def split_floor(
    values: Float[Array, " event"],
    edges: Float64[Array, " edge"],
    rng: np.random.Generator,
    *,
    n_splits: int = 100,
) -> Floor:
    """Compare random halves of one sample: the best that an independent sample can reach.

    Args:
        values: The observable of each event.
        edges: Borders of the bins.
        rng: Chooses the halves.
        n_splits: How often the sample is split.

    Returns:
        Mean and range of chi2/ndf.
    """
    counts = np.bincount(bins_of_values(values, edges), minlength=len(edges) + 1)
    half = len(values) // 2
    # both halves together have the bins of the sample, so that all splits merge them alike
    starts = merge_bins(counts * (half / max(len(values), 1)), MIN_EXPECTED)
    total = np.add.reduceat(counts, starts)
    ndf = len(starts) - 1
    chi2 = _exchanged(total, half, len(values) - half, rng, n_splits)
    reduced = chi2 / ndf if ndf > 0 else np.full(n_splits, np.nan)
    low, high = np.quantile(reduced, (0.16, 0.84))
    return Floor(float(reduced.mean()), float(low), float(high), n_splits)
