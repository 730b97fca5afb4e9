"""Electronic noise of cells, and the cut that stands for its absence.

Typical noise of the barrel per cell, as one number per layer: a value of the order of the
electronic noise that ATLAS expects at its usual gains, without pile-up. What is much smaller than
it does not matter to whoever analyses data.

References:
    ATLAS Collaboration, *Readiness of the ATLAS liquid argon calorimeter for LHC collisions*,
    Eur. Phys. J. C 70 (2010) 723, https://arxiv.org/abs/0912.2642, section 4.1;
    ATLAS Collaboration, *Readiness of the ATLAS Tile Calorimeter for LHC collisions*,
    Eur. Phys. J. C 70 (2010) 1193, https://arxiv.org/abs/1007.5423
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from calovox.arrays import Array, Int
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.random_streams import Stream, event_keys, event_normals
from calovox.samples.observables.windows import WindowCells

__all__ = ["ELECTRONIC_NOISE", "EMPTY_BELOW", "add_noise", "cut_cells"]

ELECTRONIC_NOISE: Final[Mapping[int, float]] = MappingProxyType(
    dict(zip(BARREL_NUMBERS, (35.0, 12.0, 35.0, 28.0, 20.0), strict=True))
)
"""Standard deviation of a cell's energy in MeV, by layer."""

EMPTY_BELOW: Final = 1.0
"""Energy in MeV below which a cell counts as empty where there is no noise."""


def add_noise(
    cells: WindowCells,
    index: Int[Array, " event"],
    *,
    seed: int,
    noise: Mapping[int, float] = ELECTRONIC_NOISE,
) -> WindowCells:
    """Add electronic noise to every cell of the windows.

    The windows stay where they are without noise. Give samples of the same photons different
    seeds: noise that they share would make them more alike than two measurements are.

    Args:
        cells: Cells without noise.
        index: Index of each event in its run: the key of its random numbers.
        seed: Seed of the noise.
        noise: Standard deviation in MeV by layer.

    Returns:
        The same cells with noise.

    Raises:
        ValueError: If a layer has no noise, or there are other events than indices.
    """
    if len(index) != len(cells):
        raise ValueError(f"index: expected one per event, {len(cells)}, got {len(index)}")
    missing = [window.layer for window in cells.windows if window.layer not in noise]
    if missing:
        raise ValueError(f"noise: expected a value for each layer, got none for {missing}")
    width = np.repeat(
        [noise[window.layer] for window in cells.windows],
        [window.n_cells for window in cells.windows],
    )
    normals = event_normals(event_keys(seed, Stream.NOISE, index), len(width))
    return cells.with_energy(cells.energy + width * normals.astype(np.float64))


def cut_cells(cells: WindowCells, threshold: float = EMPTY_BELOW) -> WindowCells:
    """Empty the cells of little energy.

    Args:
        cells: Cells without noise.
        threshold: Energy in MeV below which a cell counts as empty.

    Returns:
        The same cells, those below the threshold with energy 0.
    """
    return cells.with_energy(np.where(cells.energy >= threshold, cells.energy, 0.0))
