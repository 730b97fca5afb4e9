r"""Units: every energy in the library is in MeV, every length in mm, every angle in rad.

Text that a user types (``65GeV``, ``0.5mm``) is converted here and nowhere else.
"""

import math
import re
from typing import Literal

__all__ = ["GEV", "MEV", "TEV", "format_energy", "parse_quantity"]

MEV = 1.0
GEV = 1e3
TEV = 1e6

_FACTORS: dict[str, dict[str, float]] = {
    "energy": {"keV": 1e-3, "MeV": MEV, "GeV": GEV, "TeV": TEV},
    "length": {"um": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1e3},
    "angle": {"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180.0},
    "time": {"s": 1.0, "min": 60.0, "h": 3600.0},
}
_QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z]*)\s*")


def parse_quantity(text: str, kind: Literal["energy", "length", "angle", "time"]) -> float:
    """Convert a number with a unit into MeV, mm, rad or s.

    Args:
        text: The number and its unit, for example ``65GeV`` or ``0.5 mm``.
        kind: What the number measures.

    Returns:
        The value in MeV, mm, rad or s.

    Raises:
        ValueError: If the text is no finite number with a unit of that kind.

    Example:
        >>> parse_quantity("65GeV", "energy")
        65000.0
    """
    match = _QUANTITY.fullmatch(text)
    factors = _FACTORS[kind]
    if match is None or match[2] not in factors:
        units = ", ".join(factors)
        raise ValueError(f"expected {kind} with one of the units {units}, got '{text}'")
    value = float(match[1]) * factors[match[2]]
    if not math.isfinite(value):
        raise ValueError(f"expected a finite {kind}, got '{text}'")
    return value


def format_energy(energy: float) -> str:
    """Write an energy with the unit that keeps the number short.

    Args:
        energy: Energy in MeV.

    Returns:
        Text such as ``65 GeV``.

    Example:
        >>> format_energy(524288.0)
        '524 GeV'
    """
    for unit, factor in (("TeV", TEV), ("GeV", GEV)):
        if abs(energy) >= factor:
            return f"{energy / factor:.3g} {unit}"
    return f"{energy:.3g} MeV"
