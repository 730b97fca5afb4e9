"""How the page writes symbols, numbers and states."""

import math
import re
from typing import Final

import numpy as np
from markupsafe import Markup

from calovox.samples.sample import OBSERVABLES
from calovox.units import format_energy
from calovox.voxelization import VoxelGrid

__all__ = [
    "energy_range",
    "feature_symbol",
    "grid_name",
    "html_symbol",
    "short_number",
    "with_error",
]

_LEAST_ERROR: Final = 1e-4
_SYMBOLS: Final = {variable.name: variable.symbol for variable in OBSERVABLES} | {
    "e_tot_over_e_kin": "$E_\\mathrm{tot}/E_\\mathrm{kin}$"
}
_LETTERS: Final = {
    r"\Delta": "Δ",
    r"\omega": "ω",
    r"\eta": "η",
    r"\phi": "φ",
}


def html_symbol(symbol: str) -> Markup:
    r"""Write a symbol of matplotlib's mathtext in HTML.

    Example:
        >>> str(html_symbol(r"$\omega_{\eta 1}$"))
        'ω<sub>η1</sub>'
    """
    text = re.sub(r"\\mathrm\{(\w+)\}", r"{\1}", symbol.strip("$"))
    for command, letter in _LETTERS.items():
        text = re.sub(re.escape(command) + r"\s*", letter, text)
    for mark, tag in (("_", "sub"), (r"\^", "sup")):
        text = re.sub(mark + r"(?:\{([^}]*)\}|(\w))", rf"<{tag}>\1\2</{tag}>", text)
    return Markup(re.sub(r"[{} ]", "", text))


def feature_symbol(name: str) -> Markup | str:
    """Write the symbol of a feature, or its name if it has none."""
    return html_symbol(_SYMBOLS[name]) if name in _SYMBOLS else name


def with_error(value: float, error: float) -> str:
    """Write a number and its uncertainty, to two digits of the uncertainty.

    Example:
        >>> with_error(0.05613, 0.00428), with_error(19.97, 1.55), with_error(4407711.0, 3979791.0)
        ('0.0561 ± 0.0043', '20.0 ± 1.6', '4.4e6 ± 4.0e6')
    """
    if not np.isfinite(value):
        return "–"
    if not error > _LEAST_ERROR * abs(value):
        return _plain(f"{value:.4g}")
    power = math.floor(math.log10(error))
    if power >= 4:
        scale = 10.0**power
        return _plain(f"{value / scale:.1f}e{power} ± {error / scale:.1f}e{power}")
    decimals = max(0, 1 - power)
    return _plain(f"{value:.{decimals}f} ± {error:.{decimals}f}")


def short_number(value: float) -> str:
    """Write a number to three digits.

    Example:
        >>> short_number(0.00614), short_number(154.93), short_number(4407711.0)
        ('0.00614', '155', '4.41e6')
    """
    if not np.isfinite(value):
        return "–"
    if abs(value) >= 1e5:
        power = math.floor(math.log10(abs(value)))
        return _plain(f"{value / 10.0**power:.2f}e{power}")
    if 0 < abs(value) < 1e-4:
        return _plain(f"{value:.0e}".replace("e-0", "e-"))
    return _plain(f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}")


def energy_range(low: float, high: float) -> str:
    """Write a range of energies, or one energy."""
    if low == high:
        return format_energy(low)
    return f"{format_energy(low)} to {format_energy(high)}"


def grid_name(grid: VoxelGrid) -> str:
    """Name a grid: `optimal` or `regular` if it is one of these, whatever its file calls it."""
    for name, known in (("optimal", VoxelGrid.optimal()), ("regular", VoxelGrid.regular())):
        if grid == known:
            return name
    return grid.name


def _plain(text: str) -> str:
    return text.replace("-", "−")
