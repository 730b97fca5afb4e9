r"""All high-level features of voxels compared together.

Distances and neighbours are measured in the space of all features of voxels, log E_kin and, if it
is known, abs(eta), standardised by the mean and the standard deviation of the reference.

`fpd` and `kpd` are measured as in the CaloChallenge, so that they can be set beside published
values: features are log10 E_kin and log10 (E_layer + 1e-8), energies in MeV, and the centres of
energy and widths along eta and phi of the layers that are divided in alpha, each divided by its
largest size in the reference. Authors who add the sparsities have other values.

References:
    C. Krause et al., *CaloChallenge 2022: A Community Challenge for Fast Calorimeter Simulation*
    (2024), https://arxiv.org/abs/2410.21611
"""

from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64
from calovox.samples.features import LAYER_ENERGY, PLANAR
from calovox.scores.collecting import FeatureRows
from calovox.scores.distances.neighbours import measure_neighbours
from calovox.scores.distances.physics import (
    measure_extrapolated,
    measure_frechet,
    measure_kernel,
)
from calovox.scores.distances.two_samples import Measured

__all__ = ["JOINT_METRICS", "compare_jointly", "fewest_rows"]

JOINT_METRICS: Final = ("frechet", "kernel", "precision", "recall", "density", "coverage")
"""Names of the metrics of all features together."""

_ROWS_PER_FEATURE: Final = 10
_LAYER_FLOOR: Final = 1e-8


def fewest_rows(n_features: int) -> int:
    """Return the number of showers that a comparison of so many features of voxels needs."""
    return _ROWS_PER_FEATURE * (n_features + 2)


def compare_jointly(
    reference: FeatureRows,
    simulated: FeatureRows,
    n_features: int,
    chosen: tuple[Bool[Array, " event"], Bool[Array, " other"]],
    rng: np.random.Generator,
    *,
    published: bool,
) -> dict[str, Measured]:
    """Compare all features of voxels.

    Args:
        reference: Features of the reference.
        simulated: Features of the sample.
        n_features: Number of features of voxels, the first ones.
        chosen: Which showers of both, `fewest_rows` or more.
        rng: Chooses folds, blocks and events.
        published: Whether FPD and KPD are measured as well.

    Returns:
        The metrics by name.
    """
    first, second = (
        _joint(rows, n_features)[inside]
        for rows, inside in zip((reference, simulated), chosen, strict=True)
    )
    spread = first.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    first, second = ((rows - first.mean(axis=0)) / scale for rows in (first, second))
    found = {
        "frechet": measure_frechet(first, second, rng),
        "kernel": measure_kernel(first, second, rng),
        **measure_neighbours(first, second, rng),
    }
    if published:
        first, second = (
            _published(rows)[inside]
            for rows, inside in zip((reference, simulated), chosen, strict=True)
        )
        largest = np.abs(first).max(axis=0)
        scale = np.where(largest > 0, largest, 1.0)
        found["fpd"] = measure_extrapolated(first / scale, second / scale, rng)
        found["kpd"] = measure_kernel(first / scale, second / scale, rng)
    return found


def _joint(rows: FeatureRows, n_features: int) -> Float64[Array, "event feature"]:
    conditions = [np.log(rows.energy), *([] if rows.abs_eta is None else [rows.abs_eta])]
    return np.column_stack([rows.features[:, :n_features], *conditions])


def _published(rows: FeatureRows) -> Float64[Array, "event feature"]:
    energies, planar = (
        rows.features[:, [name.startswith(wanted) for name in rows.names]]
        for wanted in (LAYER_ENERGY, PLANAR)
    )
    layers = np.log10(energies * rows.energy[:, None] + _LAYER_FLOOR)
    return np.column_stack([np.log10(rows.energy), layers, planar])
