r"""The built-in barrel as it stands in the real detector.

The two half barrels of the liquid-argon calorimeter (presampler and accordion) are turned around
the beam axis by half a period of the absorbers, pi / 1024, in opposite directions, and displaced
by some millimetres. The Tile calorimeter stays in place. The ideal barrel of
`calovox.geometry.barrel` leaves both out, which makes it symmetric under eta -> -eta and puts
cell centres at whole periods of the absorbers; with both it reproduces the cells of the layout
ATLAS-R3S-2021-03-02-00 (see there for the source), from which the displacements were fitted.
"""

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from calovox.geometry.barrel import barrel_cells
from calovox.geometry.cells import CellTable

__all__ = ["NEGATIVE_HALF", "POSITIVE_HALF", "HalfBarrel", "aligned_barrel_cells"]


@dataclass(frozen=True)
class HalfBarrel:
    """Where a half barrel stands.

    Attributes:
        x: Displacement along x in mm.
        y: Displacement along y in mm.
        z: Displacement along z in mm.
        rotation: Rotation around z in rad.
    """

    x: float
    y: float
    z: float
    rotation: float


NEGATIVE_HALF = HalfBarrel(x=0.0, y=-2.5, z=2.8, rotation=math.pi / 1024)
"""The half at negative eta."""

POSITIVE_HALF = HalfBarrel(x=-1.3, y=-4.0, z=2.0, rotation=-math.pi / 1024)
"""The half at positive eta."""


@cache
def aligned_barrel_cells() -> CellTable:
    """Give the cells of the built-in barrel with its half barrels turned and displaced.

    Returns:
        The rows of `barrel_cells`, in the same order; the same object at every call.

    Example:
        >>> aligned_barrel_cells()
        CellTable('aligned barrel', 108800 cells)
    """
    table = barrel_cells()
    x, y, z = table.r * np.cos(table.phi), table.r * np.sin(table.phi), table.z.copy()
    tile = [layer.number for layer in table.layers if layer.role == "tile"]
    argon = ~np.isin(table.layer, tile)
    for half, side in ((NEGATIVE_HALF, table.eta < 0), (POSITIVE_HALF, table.eta > 0)):
        rows = side & argon
        turned = table.phi[rows] + half.rotation
        x[rows] = table.r[rows] * np.cos(turned) + half.x
        y[rows] = table.r[rows] * np.sin(turned) + half.y
        z[rows] += half.z
    r = np.hypot(x, y)
    return replace(
        table, eta=np.arcsinh(z / r), phi=np.arctan2(y, x), r=r, z=z, name="aligned barrel"
    )
