r"""The built-in ideal ATLAS barrel: every detector number of the readout.

Cells tile a regular grid in eta and phi in each layer, symmetric around eta = 0. Layers are
separated by cylinders whose radii are constant inside bins of abs(eta); mean radius and thickness
of a layer follow from its two cylinders. Beyond the last cell of a layer, radius and thickness
keep their last value, while no cell is there: EMB3 ends at abs(eta) = 1.35, TileBar0 at 1.0, and
EMB1 begins only at 0.003125, one strip away from the joint of the two half barrels.

Numbers are those of the layout ATLAS-R3S-2021-03-02-00 (``CaloCells.root``, distributed with
FastCaloSim, Apache-2.0, https://github.com/fcs-proj/FastCaloSim), with the half barrels moved
back from where they stand; `calovox.geometry.alignment` puts them there again. docs/detector.md
lists what differs from the real cells.

Identifiers of cells are those of `calovox.geometry.regular`.
"""

import math
from functools import cache
from pathlib import Path

import numpy as np

from calovox.arrays import Array, Float, Float64, UInt8
from calovox.geometry.cells import CellTable
from calovox.geometry.detector import Detector
from calovox.geometry.layers import NO_LAYER, Layer, Position
from calovox.geometry.regular import LayerGrid, regular_cells
from calovox.kernels import kernel

__all__ = [
    "ABSORBER_PERIOD",
    "BARREL_GRIDS",
    "BARREL_LAYERS",
    "BARREL_NAMES",
    "BARREL_NUMBERS",
    "atlas_barrel",
    "barrel_cells",
    "layer_boundaries",
    "layer_kernel",
    "layer_of_deposit",
    "layer_radius",
    "layer_thickness",
    "read_barrel",
]


BARREL_GRIDS = {
    0: LayerGrid(cells_per_eta=40, n_phi=64, first=0, last=61),
    1: LayerGrid(cells_per_eta=320, n_phi=64, first=1, last=448),
    2: LayerGrid(cells_per_eta=40, n_phi=256, first=0, last=56),
    3: LayerGrid(cells_per_eta=20, n_phi=256, first=0, last=27),
    12: LayerGrid(cells_per_eta=10, n_phi=64, first=0, last=10),
}
"""Cells of each layer."""

ABSORBER_PERIOD = 2.0 * math.pi / 1024.0
"""Distance of two absorbers of the electromagnetic barrel in phi, in rad."""

_PRESAMPLER = (1413.3, 1500.0)
_ACCORDION = (1500.0, 1960.0)
_TILE = (2300.0, 2600.0)

# Deposits are taken from slightly further out than the cells of the real detector reach: the
# simulated presampler may begin at 1400 mm, the accordion ends at 1970 mm.
_PRESAMPLER_INNER = 1400.0
_ACCORDION_OUTER = 1970.0

# Radius in mm between EMB1 and EMB2, and between EMB2 and EMB3, in bins of abs(eta) of 0.025.
_BINS_PER_ETA = 40
# fmt: off
_EMB1_EMB2 = np.array([
    1587.0, 1587.0, 1587.0, 1587.0, 1587.0, 1587.0, 1587.0, 1587.0,  # 0.0
    1587.0, 1587.0, 1587.0, 1586.3, 1585.4, 1584.4, 1583.4, 1582.3,  # 0.2
    1581.1, 1580.0, 1578.7, 1577.5, 1576.1, 1574.8, 1573.4, 1572.0,  # 0.4
    1571.7, 1571.7, 1571.7, 1571.7, 1571.7, 1571.7, 1571.7, 1571.7,  # 0.6
    1549.2, 1549.2, 1549.2, 1549.2, 1549.2, 1549.2, 1549.2, 1549.2,  # 0.8: thinner absorbers
    1549.2, 1549.2, 1549.2, 1549.2, 1549.2, 1548.0, 1546.1, 1544.3,  # 1.0
    1542.4, 1540.6, 1538.8, 1537.0, 1535.3, 1533.6, 1533.2, 1533.2,  # 1.2
])
_EMB2_EMB3 = np.array([
    1928.3, 1928.3, 1928.4, 1928.4, 1928.6, 1928.7, 1928.8, 1929.0,  # 0.0
    1929.2, 1929.5, 1929.7, 1930.0, 1930.3, 1930.6, 1930.9, 1931.3,  # 0.2
    1930.3, 1927.7, 1927.7, 1908.1, 1908.1, 1905.2, 1899.7, 1894.1,  # 0.4
    1893.2, 1893.2, 1873.3, 1870.6, 1864.5, 1858.7, 1858.7, 1838.7,  # 0.6
    1930.6, 1927.7, 1908.1, 1906.6, 1898.5, 1893.2, 1893.2, 1873.3,  # 0.8: thinner absorbers
    1866.7, 1858.8, 1858.7, 1838.7, 1835.5, 1827.9, 1823.8, 1823.8,  # 1.0
    1803.5, 1798.1, 1790.9, 1788.9, 1788.9, 1788.9, 1788.9, 1788.9,  # 1.2
])
# fmt: on


def _between(inner: float | Array, outer: float | Array) -> Position:
    near, far = (np.broadcast_to(part, _EMB1_EMB2.shape).copy() for part in (inner, outer))
    return Position("cylinder", near, far, bins_per_eta=float(_BINS_PER_ETA))


# cells of EMB3 are twice as wide as those of EMB2
_EMB3_INNER = np.repeat(_EMB2_EMB3.reshape(-1, 2).mean(axis=1), 2)

BARREL_LAYERS = (
    Layer(0, "PreSamplerB", "presampler", _between(*_PRESAMPLER)),
    Layer(1, "EMB1", "strips", _between(_ACCORDION[0], _EMB1_EMB2)),
    Layer(2, "EMB2", "middle", _between(_EMB1_EMB2, _EMB2_EMB3)),
    Layer(3, "EMB3", "back", _between(_EMB3_INNER, _ACCORDION[1])),
    Layer(12, "TileBar0", "tile", _between(*_TILE)),
)
"""The layers, with the numbers of the keys of the note's dataset (section 2.1)."""

BARREL_NUMBERS = tuple(layer.number for layer in BARREL_LAYERS)

BARREL_NAMES = {layer.number: layer.name for layer in BARREL_LAYERS}

# The accordion is complete up to the end of EMB3.
_ETA_RANGE = (0.0, BARREL_GRIDS[3].last / BARREL_GRIDS[3].cells_per_eta)


@cache
def atlas_barrel() -> Detector:
    """Give the built-in barrel.

    Returns:
        The ideal barrel; the same object at every call.

    Example:
        >>> atlas_barrel()
        Detector('barrel', 5 layers, 108800 cells, 0 <= |eta| <= 1.35)
    """
    return Detector(barrel_cells(), _ETA_RANGE)


def read_barrel(path: str | Path) -> Detector:
    """Give the barrel with the cells of ``CaloCells.root``, as they stand in the real detector.

    Args:
        path: The file.

    Returns:
        The barrel with these cells.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: As in `CellTable.from_root`.
    """
    return Detector(CellTable.from_root(path, BARREL_LAYERS), _ETA_RANGE)


def _layer(number: int) -> Layer:
    for layer in BARREL_LAYERS:
        if layer.number == number:
            return layer
    raise ValueError(f"layer: expected one of {BARREL_NUMBERS}, got {number}")


def _eta_bins(eta: Float[Array, "..."] | float) -> Array:
    bins = np.floor(np.abs(np.asarray(eta, dtype=np.float64)) * _BINS_PER_ETA)
    return np.asarray(np.fmin(bins, len(_EMB1_EMB2) - 1), dtype=np.int64)


def layer_radius(layer: int, eta: Float[Array, "..."] | float) -> Float64[Array, "..."]:
    """Give the mean radius of a layer.

    Args:
        layer: Layer number.
        eta: Pseudorapidity; NaN gives NaN.

    Returns:
        Distance of the middle of the layer from the beam axis in mm.

    Raises:
        ValueError: If there is no such layer.

    Example:
        >>> layer_radius(2, np.array([0.79, -0.81]))
        array([1705.2, 1739.9])
    """
    return _layer(layer).position.radius(eta)


def layer_thickness(layer: int, eta: Float[Array, "..."] | float) -> Float64[Array, "..."]:
    """Give the thickness of a layer along the radius.

    Args:
        layer: Layer number.
        eta: Pseudorapidity; NaN gives NaN.

    Returns:
        Thickness in mm.

    Raises:
        ValueError: If there is no such layer.

    Example:
        >>> layer_thickness(2, np.array([0.79, -0.81]))
        array([267. , 381.4])
    """
    return _layer(layer).position.thickness(eta)


def layer_boundaries(eta: Float[Array, " point"]) -> Float64[Array, "point 4"]:
    """Give the radii that divide the accordion, as used by `layer_of_deposit`.

    Args:
        eta: Pseudorapidity.

    Returns:
        Inner radius of EMB1, EMB1 to EMB2, EMB2 to EMB3, outer radius of EMB3, in mm.
    """
    bins = _eta_bins(eta)
    inner, outer = np.full(len(bins), _ACCORDION[0]), np.full(len(bins), _ACCORDION_OUTER)
    return np.stack([inner, _EMB1_EMB2[bins], _EMB2_EMB3[bins], outer], axis=1)


@kernel(forceinline=True)
def _eta_bin_kernel(eta: float) -> int:
    # compared before it becomes an integer, which a large eta would overflow
    scaled = abs(eta) * _BINS_PER_ETA
    return int(scaled) if scaled < len(_EMB1_EMB2) else len(_EMB1_EMB2) - 1


@kernel()
def layer_kernel(r: float, eta: float) -> int:
    """Give the layer of one deposit, inside a compiled kernel; see `layer_of_deposit`."""
    if r < _ACCORDION[0]:
        return 0 if r >= _PRESAMPLER_INNER else NO_LAYER
    if r < _ACCORDION_OUTER:
        place = _eta_bin_kernel(eta)
        if r < _EMB1_EMB2[place]:
            return 1
        return 2 if r < _EMB2_EMB3[place] else 3
    return 12 if _TILE[0] <= r < _TILE[1] else NO_LAYER


@kernel()
def _layers_kernel(r: Array, eta: Array, layers: Array) -> None:
    for deposit in range(layers.size):
        layers[deposit] = layer_kernel(r[deposit], eta[deposit])


def layer_of_deposit(
    r: Float[Array, " deposit"], eta: Float[Array, " deposit"]
) -> UInt8[Array, " deposit"]:
    """Assign deposits to layers by radius and eta.

    The accordion, 1500 to 1970 mm, is divided without gaps along `layer_boundaries`; 1400 to
    1500 mm belongs to the presampler and 2300 to 2600 mm to the first Tile layer. The eta range of
    the cells plays no part: a deposit in a layer may lie outside all its cells.

    Args:
        r: Distance from the beam axis in mm.
        eta: Pseudorapidity.

    Returns:
        Layer numbers, `NO_LAYER` for deposits elsewhere.

    Example:
        >>> r = np.array([1450.0, 1560.0, 1560.0, 2000.0])
        >>> layer_of_deposit(r, np.array([0.0, 0.7, 0.9, 0.0]))
        array([  0,   1,   2, 255], dtype=uint8)
    """
    layers = np.empty(len(r), dtype=np.uint8)
    _layers_kernel(r, eta, layers)
    return layers


@cache
def barrel_cells() -> CellTable:
    """Give the cells of the built-in barrel.

    Returns:
        108 800 cells; the same object at every call.

    Example:
        >>> barrel_cells().grid_shape(2)
        (112, 256)
    """
    return regular_cells(BARREL_LAYERS, tuple(BARREL_GRIDS.values()), "barrel")
