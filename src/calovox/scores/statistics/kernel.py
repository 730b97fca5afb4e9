r"""Kernel distance: the maximum mean discrepancy of two samples in many features.

The squared discrepancy with the kernel (x . y / d + 1)^4 of standardised features, without bias,
is averaged over blocks of showers of both samples. Blocks are independent: their scatter gives the
error. Floor and p-value are by exchange of showers within the blocks (`exchange`).

References:
    R. Kansal et al., *Evaluating generative models in high energy physics*, Phys. Rev. D 107
    (2023) 076017, https://arxiv.org/abs/2211.10295
    W. Zaremba, A. Gretton, M. Blaschko, *B-tests: low variance kernel two-sample tests* (2013),
    https://arxiv.org/abs/1307.1954
"""

from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64
from calovox.scores.statistics import exchange as exchanging
from calovox.scores.statistics.exchange import Exchange, Tested, beside_draws

__all__ = ["MOST_IN_KERNEL", "measure_kernel", "squared_discrepancies"]

MOST_IN_KERNEL: Final = 5000
"""Showers of each sample that are used at most."""

# the largest matrix of all pairs
_MOST_IN_BLOCK: Final = 250
_FEWEST_BLOCKS: Final = 4


def measure_kernel(
    reference: Float64[Array, "event feature"],
    simulated: Float64[Array, "other feature"],
    rng: np.random.Generator,
    *,
    same_photons: bool = False,
) -> Tested:
    """Measure the kernel distance of two samples.

    Args:
        reference: Standardised features of the reference, twenty showers or more.
        simulated: Those of the simulation, likewise.
        rng: Divides showers into blocks and exchanges them.
        same_photons: Whether shower i of both samples is of the same photon.

    Returns:
        The distance. It is negative half of the time for samples of the same distribution.
    """
    size = min(len(reference), len(simulated), MOST_IN_KERNEL)
    whole = Exchange(size, size, same_photons)
    first, second = whole.choose_showers(len(reference), len(simulated), rng)
    n_blocks = max(_FEWEST_BLOCKS, -(-size // _MOST_IN_BLOCK))
    values, draws = [], []
    for rows, others in zip(
        np.array_split(first, n_blocks), np.array_split(second, n_blocks), strict=True
    ):
        exchange = Exchange(len(rows), len(others), same_photons)
        pool = np.concatenate([reference[rows], simulated[others]])
        exchanged = exchange.draws(rng, exchanging.N_EXCHANGES)
        found = squared_discrepancies(pool, np.concatenate([exchange.measured[None], exchanged]))
        values.append(found[0])
        draws.append(found[1:])
    error = np.std(values, ddof=1) / np.sqrt(n_blocks)
    (result,) = beside_draws(
        np.array([np.mean(values)]),
        np.array([error]),
        np.mean(draws, axis=0)[:, None],
        whole.source,
    )
    return result


def squared_discrepancies(
    pool: Float64[Array, "event feature"], is_reference: Bool[Array, "draw event"]
) -> Float64[Array, " draw"]:
    """Compute the squared maximum mean discrepancy of divisions of a pool, without bias.

    Args:
        pool: Features of all showers.
        is_reference: Which of them are of the reference, two or more; so are the others.

    Returns:
        The discrepancy of each division.
    """
    kernel = pool @ pool.T / pool.shape[1] + 1.0
    kernel *= kernel  # twice squared is the fourth power, and much faster
    kernel *= kernel
    np.fill_diagonal(kernel, 0.0)  # a shower beside itself is what makes the estimate biased
    first = is_reference.astype(np.float64)
    second = 1.0 - first
    n, m = first.sum(axis=1), second.sum(axis=1)
    of_first = first @ kernel
    within = (of_first * first).sum(axis=1) / (n * (n - 1))
    of_second = (kernel.sum(axis=0) - of_first) * second
    # pairs of both samples, not those of the diagonal, which are of one
    between = (of_first * second).sum(axis=1) / (n * m)
    return np.asarray(within + of_second.sum(axis=1) / (m * (m - 1)) - 2.0 * between)
