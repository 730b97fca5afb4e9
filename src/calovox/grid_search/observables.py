r"""What the search looks at: observables of the cells of one layer.

They are those of the referee (`samples.observables.cells`) that a detector without roles has, and
some that see how energy is shared between neighbouring cells, which is what wide voxels spoil:

- energy of the window over that of the photon;
- the number of cells above 1, 10, 100 and 1000 MeV;
- shares of the hottest cell and of the hottest five;
- barycentre along eta and phi less the shower centre, and second moments, in cells;
- the larger and the smaller of the hottest cell's neighbours along eta and phi, over it;
- roughness along eta and phi: sum of the differences of neighbouring cells over that of energies.
"""

from typing import Final

import numpy as np

from calovox.arrays import Array, Float, Float64
from calovox.kernels import kernel

__all__ = ["NAMES", "layer_observables"]

COUNTED_ABOVE: Final = (1.0, 10.0, 100.0, 1000.0)
_N_HOTTEST: Final = 5

NAMES: Final = (
    "energy",
    *(f"cells above {limit:g} MeV" for limit in COUNTED_ABOVE),
    "share of the hottest cell",
    "share of the hottest five cells",
    "barycentre along eta",
    "barycentre along phi",
    "second moment along eta",
    "second moment along phi",
    "larger neighbour along eta",
    "smaller neighbour along eta",
    "larger neighbour along phi",
    "smaller neighbour along phi",
    "roughness along eta",
    "roughness along phi",
)
"""Names of the observables."""


def layer_observables(
    energy: Float[Array, "event eta phi"],
    photon_energy: Float64[Array, " event"],
    offset: Float64[Array, "event 2"],
) -> Float64[Array, "event observable"]:
    """Compute the observables.

    Args:
        energy: Energies of the cells of a window in MeV, those below the threshold 0.
        photon_energy: Energies of the photons in MeV.
        offset: Shower centre less the middle of the window along eta and phi, in cells.

    Returns:
        One column per entry of `NAMES`.
    """
    table = np.zeros((len(energy), len(NAMES)))
    counted = np.array(COUNTED_ABOVE)
    _observables_kernel(np.ascontiguousarray(energy), photon_energy, offset, counted, table)
    return table


@kernel()
def _observables_kernel(
    energy: Array, photon_energy: Array, offset: Array, counted: Array, table: Array
) -> None:
    """Fill in the table, shower by shower."""
    top, sums = np.zeros(_N_HOTTEST), np.zeros((3, 2))
    first = 1 + counted.size
    for event in range(energy.shape[0]):
        cells, row = energy[event], table[event]
        top[:], sums[:] = 0.0, 0.0
        total, at_eta, at_phi = _add_up(cells, counted, row, top, sums)
        if total <= 0.0:
            continue
        row[0] = total / photon_energy[event]
        row[first] = top[0] / total
        row[first + 1] = top.sum() / total
        for axis in range(2):
            mean = sums[0, axis] / total
            row[first + 2 + axis] = mean - offset[event, axis]
            row[first + 4 + axis] = np.sqrt(max(sums[1, axis] / total - mean**2, 0.0))
            row[first + 10 + axis] = sums[2, axis] / total
        along_eta = _pair(cells, at_eta - 1, at_phi, at_eta + 1, at_phi)
        along_phi = _pair(cells, at_eta, at_phi - 1, at_eta, at_phi + 1)
        row[first + 6], row[first + 7] = along_eta[0] / top[0], along_eta[1] / top[0]
        row[first + 8], row[first + 9] = along_phi[0] / top[0], along_phi[1] / top[0]


@kernel()
def _add_up(
    cells: Array, counted: Array, row: Array, top: Array, sums: Array
) -> tuple[float, int, int]:
    """Add up the cells of one shower; give their energy, and where the hottest is.

    `sums` has energy times distance, times its square, and differences of neighbours, along eta
    and phi.
    """
    n_eta, n_phi = cells.shape
    total, hottest, at_eta, at_phi = 0.0, -1.0, 0, 0
    for i in range(n_eta):
        for j in range(n_phi):
            value = np.float64(cells[i, j])
            if i > 0:
                sums[2, 0] += abs(value - cells[i - 1, j])
            if j > 0:
                sums[2, 1] += abs(value - cells[i, j - 1])
            if value > hottest:
                hottest, at_eta, at_phi = value, i, j
            if value <= 0.0:
                continue
            total += value
            for k in range(counted.size):
                row[1 + k] += value > counted[k]
            _insert(value, top)
            away = float(i - n_eta // 2), float(j - n_phi // 2)
            for axis in range(2):
                sums[0, axis] += value * away[axis]
                sums[1, axis] += value * away[axis] ** 2
    return total, at_eta, at_phi


@kernel(inline="always")
def _insert(value: float, top: Array) -> None:
    """Put a value in its place among the largest, which fall."""
    place = top.size
    while place > 0 and top[place - 1] < value:
        place -= 1
    if place < top.size:
        for k in range(top.size - 1, place, -1):
            top[k] = top[k - 1]
        top[place] = value


@kernel(inline="always")
def _pair(cells: Array, i: int, j: int, k: int, m: int) -> tuple[float, float]:
    """Give the larger and the smaller energy of two cells; those outside have none."""
    one = cells[i, j] if 0 <= i < cells.shape[0] and 0 <= j < cells.shape[1] else 0.0
    two = cells[k, m] if 0 <= k < cells.shape[0] and 0 <= m < cells.shape[1] else 0.0
    return float(max(one, two)), float(min(one, two))
