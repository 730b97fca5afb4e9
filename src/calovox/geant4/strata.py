r"""Weights of showers that agree with the known probabilities of first interactions.

Weights of `calovox.geant4.start` are right on average. Among some hundred showers, however, chance
decides how many heavy ones there are. How likely a photon first interacts in a class of radii,
from one start radius to the next, is known: with s_j the probability to reach radius j, it is

$$P_j = s_j - s_{j + 1}.$$

In each cell of photons that are alike in energy and in abs(eta), the weights of each class are
therefore scaled to the sum of the P_j of the cell's photons.

References:
    D. Holt, T. M. F. Smith, *Post stratification*, Journal of the Royal Statistical Society A 142
    (1979) 33
    J. L. Bentley, *Multidimensional binary search trees used for associative searching*,
    Communications of the ACM 18 (1975) 509, the cells
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.photons import Photons

__all__ = ["CELL_SHOWERS", "photon_cells", "stratified_weights"]

CELL_SHOWERS: Final = 80
"""Showers of a cell, at least, if there are as many."""


def stratified_weights(
    photons: Photons, radii: Float64[Array, " radius"], survival: Float64[Array, "event radius"]
) -> Float64[Array, " event"]:
    """Scale weights so that those of each class add up to its probability, in each cell.

    The probability of a class without showers in a cell goes to the next one with some, further
    in, or to the innermost with some if there is none.

    Args:
        photons: The photons, with weights and the radii of their first interactions.
        radii: Where the classes meet, in mm, rising.
        survival: How likely each photon reaches each of the radii without an interaction.

    Returns:
        The weights; their sum in each cell is the number of its showers.

    Raises:
        ValueError: If there are no weights, or the first interactions are not known.
    """
    if photons.weight is None or photons.interaction_radius is None:
        raise ValueError(
            "stratified_weights: expected photons with `weight` and `interaction_radius`, got none"
        )
    classes = np.searchsorted(radii, photons.interaction_radius, side="right")
    chances = -np.diff(survival, axis=1, prepend=1.0, append=0.0)
    weights = photons.weight.copy()
    for rows in photon_cells(photons):
        own = classes[rows]
        sums = np.bincount(own, weights=weights[rows], minlength=len(radii) + 1)
        wanted = _of_classes_with_showers(chances[rows].sum(axis=0), sums)
        weights[rows] *= wanted[own] / sums[own]
    return weights


def photon_cells(photons: Photons) -> Iterator[Int64[Array, " shower"]]:
    """Halve the photons at the median of log E or abs(eta), again and again.

    Each time it is the one whose range is wider, in units of its range in all photons.

    Args:
        photons: The photons.

    Yields:
        Rows of the photons of each cell: `CELL_SHOWERS` or more if there are as many, and less
        than twice as many unless all are alike.
    """
    axes = np.stack([np.log(photons.energy), np.abs(photons.eta)], axis=1)
    ranges = np.ptp(axes, axis=0)
    axes /= np.where(ranges > 0, ranges, 1.0)
    waiting = [np.arange(len(photons))]
    while waiting:
        rows = waiting.pop()
        widths = np.ptp(axes[rows], axis=0)
        if len(rows) < 2 * CELL_SHOWERS or not widths.any():
            yield rows
            continue
        # the index decides between equals, so that the order of the photons does not
        order = np.lexsort((photons.index[rows], axes[rows, np.argmax(widths)]))
        waiting += np.array_split(rows[order], 2)


def _of_classes_with_showers(
    chances: Float64[Array, " class"], sums: Float64[Array, " class"]
) -> Float64[Array, " class"]:
    """Give what belongs to classes without showers to the next further in, or the innermost."""
    wanted = np.zeros_like(chances)
    there = np.flatnonzero(sums)
    # an empty class goes to the last one with showers before it, counted from the inside
    heirs = np.maximum(np.searchsorted(there, np.arange(len(chances)), side="right") - 1, 0)
    np.add.at(wanted, there[heirs], chances)
    return wanted
