"""Tables of `QuantileVoxelTransform` at one node: how often voxels are empty, and quantiles."""

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
    "N_FRACTIONS",
    "LayerTables",
    "tabulate_layer",
]

LOWEST_SCORE: Final = -4.0
"""Lowest threshold z_0: that of a voxel that is never empty."""

HIGHEST_SCORE: Final = 4.0
"""Where the last knot stands."""

KNOTS: Final = (np.arange(17) / 16.0) ** 1.5
"""Knots between z_0 (at 0) and `HIGHEST_SCORE` (at 1), denser where shares vanish."""

LOWEST_SHARE: Final = 1e-6
"""Share of the first knot: as small as the noise that the note adds to shares."""

_FRACTION_RANKS: Final = (0.01, 0.1, 0.5, 0.9, 0.99)
"""Ranks of the fractions that a layer holds of the kinetic energy, where its nodes are."""

N_FRACTIONS: Final = len(_FRACTION_RANKS)
"""Nodes in the logarithm of the fraction of the kinetic energy that a layer holds."""

_LEAST_GAP: Final = 1e-3
_FEWEST_NEAR: Final = 200
_HIGHEST_THRESHOLD: Final = 3.5
_LEAST_SLOPE: Final = 0.01
_PRIOR_SHOWERS: Final = 20.0
_PRIOR_QUANTILES: Final = 64


@dataclass(frozen=True, eq=False)
class LayerTables:
    """The transform of a layer at one kinetic energy.

    Attributes:
        fractions: Logarithms of the fraction of the kinetic energy that the layer holds, rising:
            its nodes.
        thresholds: z_0 of each voxel.
        climbs: How much the logarithm of the share rises between knots, above 0; at the first it
            is that of `LOWEST_SHARE`.
    """

    fractions: Float64[Array, " fraction"]
    thresholds: Float64[Array, "fraction voxel"]
    climbs: Float64[Array, "fraction voxel interval"]


def tabulate_layer(
    voxels: Float32[Array, "event voxel"], weights: Float64[Array, " event"]
) -> LayerTables:
    """Make the tables of a layer at one kinetic energy.

    A shower counts the more, the nearer the fraction of the kinetic energy that it leaves in the
    layer is to that of the node; one beyond the neighbouring nodes does not count, unless there
    are fewer than 200 nearer ones.

    Args:
        voxels: Those of the layer, as fractions of the kinetic energy.
        weights: How much each shower counts.

    Returns:
        The tables. Empty layers do not count; those of a layer that is always empty are of no
        showers.
    """
    fraction = voxels.sum(axis=1, dtype=np.float64)
    there = (fraction > 0) & (weights > 0)
    shares = voxels[there] / fraction[there, None].astype(np.float32)
    weights = weights[there]
    nodes, near = _fraction_nodes(np.log(fraction[there]), weights)
    tables = [_tabulate(shares[of_node > 0], (weights * of_node)[of_node > 0]) for of_node in near]
    thresholds, climbs = zip(*tables, strict=True)
    return LayerTables(nodes, np.array(thresholds), np.array(climbs))


def _fraction_nodes(
    logarithm: Float64[Array, " event"], weights: Float64[Array, " event"]
) -> tuple[Float64[Array, " fraction"], Float64[Array, "fraction event"]]:
    """Choose the nodes of a layer, and find how near the showers are to each."""
    if len(logarithm) == 0:
        return np.arange(N_FRACTIONS) - float(N_FRACTIONS), np.zeros((N_FRACTIONS, 0))
    order = np.argsort(logarithm)
    rank = np.empty(len(order))
    rank[order] = np.cumsum(weights[order]) / weights.sum()
    climb = _LEAST_GAP * np.arange(N_FRACTIONS)
    nodes = np.interp(_FRACTION_RANKS, rank[order], logarithm[order])
    nodes = np.maximum.accumulate(nodes - climb) + climb
    near = np.array([np.interp(logarithm, nodes, one) for one in np.eye(N_FRACTIONS)])
    for number in np.flatnonzero(np.count_nonzero(near, axis=1) < _FEWEST_NEAR):
        distance = np.abs(rank - _FRACTION_RANKS[number])
        reach = np.sort(distance)[:_FEWEST_NEAR][-1] * (1.0 + 1e-6)
        near[number] = np.maximum(1.0 - distance / reach, 0.0)
    return nodes, near


def _tabulate(
    shares: Float32[Array, "event voxel"], weights: Float64[Array, " event"]
) -> tuple[Float64[Array, " voxel"], Float64[Array, "voxel interval"]]:
    """Find thresholds and quantiles of the voxels of a layer."""
    # The quantiles of a voxel are those of its shares, together with shares of its whole layer
    # that count as 20 showers times the probability that the voxel is empty: voxels that are
    # rarely hit have a smooth table as well. No voxel gets more than it had in the showers,
    # though: a layer's typical share, at its rim, would be a shower of its own.
    thresholds, climbs = [], []
    prior = _prior(shares)
    total = weights.sum()
    for column in shares.T:
        hit = column > 0
        empty = 1.0 - (weights[hit].sum() + 0.5) / (total + 1.0)
        threshold = float(np.clip(ndtri(empty), LOWEST_SCORE, _HIGHEST_THRESHOLD))
        thresholds.append(threshold)
        largest = np.log(column[hit].max()) if hit.any() else prior[0]
        known = np.concatenate([np.log(column[hit]), np.minimum(prior, largest)])
        of_prior = _PRIOR_SHOWERS * empty / len(prior)
        weight = np.concatenate([weights[hit], np.full(len(prior), of_prior)])
        climbs.append(np.diff(_quantiles(known, weight, threshold)))
    return np.array(thresholds), np.array(climbs)


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
