r"""Does a model copy the showers it was trained with?

Showers of the training set and held-out showers of the reference come from one distribution. A
simulated shower of a model that has learned this distribution, well or badly, is as likely to be
nearest to the one as to the other; a copy is nearest to its original.

Groups are formed of one held-out shower and R training showers of nearly the same energy and
abs(eta), so that the two sets may have other spectra. Each simulated shower finds its nearest
among all showers of all groups: c_gk find shower k of group g, and C_g the group. If the model
does not copy, which of the R + 1 is the held-out one is arbitrary, and the number S of simulated
showers nearest to a held-out one has, exactly,

$$\langle S \rangle = \sum_g \frac{C_g}{R + 1}, \qquad
\mathrm{var}(S) = \sum_g \left[ \sum_k \frac{c_{gk}^2}{R + 1} - \frac{C_g^2}{(R + 1)^2} \right].$$

A model of which a share f are copies of these training showers has S = (1 - f) <S>. The metric is
f = 1 - S / <S>; its p-value is one-sided, from a normal distribution. It sees only copies of the
training showers in the groups: `Copying.n_training` of them. The floor is f of the other half of
the reference, which has seen no training set.

Showers are compared by the logarithms of their voxels, as the classifier does, and with their
reflections in phi as well, since training may reflect showers.

References:
    C. Meehan, K. Chaudhuri, S. Dasgupta, *A non-parametric test to detect data-copying in
    generative models* (2020), https://arxiv.org/abs/2004.05675
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import norm

from calovox.arrays import Array, Float32, Float64, Int64
from calovox.evaluation.neighbours import nearest
from calovox.evaluation.rows import ShowerRows
from calovox.evaluation.two_samples import Measured

__all__ = ["Copying", "match_training", "measure_copying"]

MOST_PARTNERS: Final = 4
"""Largest R."""

FEWEST_GROUPS: Final = 50
"""Groups that the test needs."""

_ENERGY_FLOOR: Final = 1e-6
_LOG_ENERGY: Final = 0.1
_ABS_ETA: Final = 0.05
_CANDIDATES: Final = 64


@dataclass(frozen=True)
class Copying:
    """Result of the test.

    Attributes:
        measured: The share of copies, its error, floor and p-value.
        n_training: Training showers that were looked at.
        n_reference: Held-out showers in the groups.
        n_simulated: Simulated showers.
    """

    measured: Measured
    n_training: int
    n_reference: int
    n_simulated: int


def match_training(
    held_out: Float64[Array, "event condition"], training: Float64[Array, "other condition"]
) -> Int64[Array, "group member"]:
    """Give each held-out shower training showers with nearly the same conditions.

    Args:
        held_out: Logarithm of the energy, and abs(eta) if it is known, of held-out showers.
        training: The same of training showers.

    Returns:
        Rows of the training showers of each held-out one, none of them twice; -1 throughout a
        group that cannot be filled.

    Raises:
        ValueError: If fewer than `FEWEST_GROUPS` held-out showers find partners.
    """
    scale = np.array([_LOG_ENERGY, _ABS_ETA])[: held_out.shape[1]]
    candidates = min(_CANDIDATES, len(training))
    distances, rows = cKDTree(training / scale).query(held_out / scale, k=[*range(1, candidates + 1)])
    n_partners = int(np.clip(len(training) // len(held_out), 1, MOST_PARTNERS))
    members = np.full((len(held_out), n_partners), -1, dtype=np.int64)
    used = np.zeros(len(training), dtype=bool)
    for group in range(len(held_out)):
        free = rows[group][(distances[group] < 1.0)]
        free = free[~used[free]][:n_partners]
        if len(free) == n_partners:
            members[group] = free
            used[free] = True
    n_groups = np.count_nonzero(members[:, 0] >= 0)
    if n_groups < FEWEST_GROUPS:
        raise ValueError(
            f"training: expected {FEWEST_GROUPS} showers or more with the energies and eta of the "
            f"reference, got {n_groups}: give the training set of these simulations"
        )
    return members


def measure_copying(
    reference: ShowerRows,
    simulated: ShowerRows,
    training: ShowerRows,
    mirror: Int64[Array, " voxel"],
    rng: np.random.Generator,
) -> Copying:
    """Test whether simulated showers are copies of training showers.

    Args:
        reference: Held-out showers of the reference; one half is what copies are compared with,
            the other gives the floor.
        simulated: Simulated showers.
        training: Showers that the model was trained with.
        mirror: For each voxel, its reflection in phi.
        rng: Divides the reference.

    Returns:
        The result.

    Raises:
        ValueError: If training and reference have no energies and eta in common.
    """
    order = rng.permutation(len(reference))
    first, second = (reference[rows] for rows in np.array_split(order, 2))
    members = match_training(first.conditions, training.conditions)
    kept = members[:, 0] >= 0
    first, members = first[np.flatnonzero(kept)], members[kept]
    # group by group: the held-out shower, then its partners
    partners = training.fraction[members.reshape(-1)].reshape(*members.shape, -1)
    pool = np.concatenate([first.fraction[:, None], partners], axis=1)
    n_groups, size, _ = pool.shape
    points = _logarithms(pool.reshape(n_groups * size, -1))
    counts = [
        _count_nearest(_logarithms(showers.fraction), points, mirror).reshape(n_groups, size)
        for showers in (simulated, second)
    ]
    (value, error), (floor, floor_error) = (_share_of_copies(found) for found in counts)
    measured = Measured(value, error, floor, floor_error, float(norm.sf(value / error)))
    return Copying(measured, members.size, n_groups, len(simulated))


def _logarithms(fraction: Float32[Array, "event voxel"]) -> Float32[Array, "event voxel"]:
    return np.log10(fraction + np.float32(_ENERGY_FLOOR))


def _count_nearest(
    showers: Float32[Array, "event voxel"],
    points: Float32[Array, "point voxel"],
    mirror: Int64[Array, " voxel"],
) -> Int64[Array, " point"]:
    """Count how many showers, as they are or reflected, have each point as their nearest."""
    direct, reflected = nearest(showers, points), nearest(showers[:, mirror], points)
    row = np.where(reflected[0] < direct[0], reflected[1], direct[1])
    return np.bincount(row, minlength=len(points))


def _share_of_copies(counts: Int64[Array, "group member"]) -> tuple[float, float]:
    """Compute f and its standard deviation for a model that does not copy."""
    size = counts.shape[1]
    of_group = counts.sum(axis=1)
    expected = of_group.sum() / size
    variance = np.sum((counts**2).sum(axis=1) / size - (of_group / size) ** 2)
    return float(1.0 - counts[:, 0].sum() / expected), float(np.sqrt(variance) / expected)
