"""Tables of `QuantileVoxelTransform` at one energy: how often voxels are empty, and quantiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from calovox.arrays import Array, Float32, Float64

__all__ = [
    "HIGHEST_SCORE",
    "KNOTS",
    "LOWEST_SCORE",
    "LOWEST_SHARE",
    "QuantileTable",
    "tabulate_quantiles",
]

LOWEST_SCORE: Final = -4.0
"""Lowest threshold z_0: that of a voxel that is never empty."""

HIGHEST_SCORE: Final = 4.0
"""Where the last knot stands."""

KNOTS: Final = (np.arange(21) / 20.0) ** 1.5
"""Knots between z_0 (at 0) and `HIGHEST_SCORE` (at 1), denser where shares vanish."""

LOWEST_SHARE: Final = 1e-6
"""Share of the first knot: as small as the noise that the note adds to shares."""

_HIGHEST_THRESHOLD: Final = 3.5
_LEAST_SLOPE: Final = 0.01
_PRIOR_SHOWERS: Final = 20.0
_PRIOR_QUANTILES: Final = 64


@dataclass(frozen=True, eq=False)
class QuantileTable:
    """The transform at one energy.

    Attributes:
        thresholds: z_0 of each voxel.
        log_shares: Logarithm of the share of each voxel at each knot, rising.
    """

    thresholds: Float64[Array, " voxel"]
    log_shares: Float64[Array, "voxel knot"]


def tabulate_quantiles(
    shares: Float32[Array, "event voxel"],
    weights: Float64[Array, " event"],
    layer_sizes: Sequence[int],
) -> QuantileTable:
    """Find thresholds and quantiles of all voxels.

    The quantiles of a voxel are those of its shares, together with shares of its whole layer that
    count as 20 showers times the probability that the voxel is empty: voxels that are rarely hit
    have a smooth table as well. No voxel gets more than it had in the showers, though: a layer's
    typical share, at its rim, would be a shower of its own.

    Args:
        shares: Shares of the layer's energy; all 0 in an empty layer, which then does not count.
        weights: How much each shower counts.
        layer_sizes: Number of voxels of each layer.

    Returns:
        The table.
    """
    thresholds, log_shares = [], []
    for of_layer in np.split(shares, np.cumsum(layer_sizes)[:-1], axis=1):
        there = of_layer.any(axis=1)
        values, counts = of_layer[there], weights[there]
        prior = _prior(values)
        total = counts.sum()
        for column in values.T:
            hit = column > 0
            empty = 1.0 - (counts[hit].sum() + 0.5) / (total + 1.0)
            threshold = float(np.clip(ndtri(empty), LOWEST_SCORE, _HIGHEST_THRESHOLD))
            thresholds.append(threshold)
            largest = np.log(column[hit].max()) if hit.any() else prior[0]
            known = np.concatenate([np.log(column[hit]), np.minimum(prior, largest)])
            of_prior = _PRIOR_SHOWERS * empty / len(prior)
            weight = np.concatenate([counts[hit], np.full(len(prior), of_prior)])
            log_shares.append(_quantiles(known, weight, threshold))
    return QuantileTable(np.array(thresholds), np.array(log_shares))


def _prior(values: Float32[Array, "event voxel"]) -> Float64[Array, " quantile"]:
    """Find typical logarithms of the shares of a layer; anything if it is always empty."""
    hit = values[values > 0]
    if len(hit) == 0:
        return np.linspace(np.log(LOWEST_SHARE), 0.0, _PRIOR_QUANTILES)
    ranks = (np.arange(_PRIOR_QUANTILES) + 0.5) / _PRIOR_QUANTILES
    logarithms: Float64[Array, " quantile"] = np.log(np.quantile(hit, ranks).astype(np.float64))
    return logarithms


def _quantiles(
    values: Float64[Array, " value"], weights: Float64[Array, " value"], threshold: float
) -> Float64[Array, " knot"]:
    """Find the logarithms of the shares at the knots, for one voxel."""
    order = np.argsort(values)
    rank = (np.cumsum(weights[order]) - 0.5 * weights[order]) / weights.sum()
    scores = threshold + (HIGHEST_SCORE - threshold) * KNOTS
    empty = ndtr(threshold)
    at_knots = np.interp((ndtr(scores) - empty) / (1.0 - empty), rank, values[order])
    at_knots[0] = np.log(LOWEST_SHARE)
    climb = _LEAST_SLOPE * (scores - threshold)
    # the smallest change that makes every interval rise by its part of `climb` at least
    rising: Float64[Array, " knot"] = np.maximum.accumulate(at_knots - climb) + climb
    return rising
