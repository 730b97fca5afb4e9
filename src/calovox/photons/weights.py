"""Weights of showers: how many ordinary ones each stands for.

Showers that were generated more often than they occur have weights (`calovox.geant4.start`).
Whoever reads them has to say that it takes weights: a file that has some is refused otherwise,
because counting its showers would give another distribution.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64

__all__ = [
    "complete_weights",
    "describe_weights",
    "draw_by_weight",
    "is_weight",
    "refuse_weights",
]


def is_weight(values: Float64[Array, " event"]) -> Bool[Array, " event"]:
    """Tell which numbers can be weights: those above 0, and finite."""
    return np.asarray((values > 0) & (values < np.inf))


def refuse_weights(path: Path) -> str:
    """Say why a file is refused.

    Args:
        path: A file of showers with weights.

    Returns:
        One sentence.
    """
    return (
        f"{path}: expected showers that count alike, got showers with weights (`event/weight`, "
        "of `calovox geant4 --start-radius`): only `calovox voxelize --no-cells`, `calovox "
        "merge` and the training of models take them"
    )


def describe_weights(weights: Float64[Array, " event"]) -> str:
    """Say in a few words what weights there are, of one shower or more."""
    return f"{weights.min():.3g} to {weights.max():.3g}, {weights.mean():.3g} on average"


def complete_weights(
    columns: Sequence[Float64[Array, " _"] | None], sizes: Sequence[int]
) -> list[Float64[Array, " _"] | None]:
    """Give batches without weights those of ordinary showers, if any batch has weights.

    Args:
        columns: The weights of each batch, or None.
        sizes: Showers of each batch.

    Returns:
        Weights of all batches, or of none.
    """
    if all(column is None for column in columns):
        return list(columns)
    return [
        np.ones(n) if column is None else column for column, n in zip(columns, sizes, strict=True)
    ]


def draw_by_weight(
    weights: Float64[Array, " event"], rng: np.random.Generator
) -> Int64[Array, " drawn"]:
    """Draw showers as often as their weights say, as evenly as whole numbers allow.

    Systematic sampling: with n the sum of the weights, rounded, a shower of weight w is drawn
    n w / (sum of weights) times on average, and never more than one time off.

    Args:
        weights: Weights above 0.
        rng: Where the one random number comes from.

    Returns:
        Numbers of the showers, n of them, rising; those of weight 2 come about twice.

    Raises:
        ValueError: If the weights add up to less than 1.

    References:
        W. G. Madow, *On the theory of systematic sampling, II*, Annals of Mathematical Statistics
        20 (1949) 333

    Example:
        >>> draw_by_weight(np.array([1.0, 2.0, 1.0]), np.random.default_rng(1))
        array([0, 1, 1, 2])
    """
    ends = np.cumsum(weights)
    number = round(ends[-1])
    if number < 1:
        raise ValueError(f"draw_by_weight: expected weights of 1 or more together, got {ends[-1]}")
    points = (np.arange(number) + rng.random()) / number
    # a point may be rounded up to the last end itself
    drawn = np.searchsorted(ends / ends[-1], points, side="right")
    return np.asarray(np.minimum(drawn, len(weights) - 1), dtype=np.int64)
