"""How the page writes symbols, numbers and states."""

import re
from typing import Final

import numpy as np
from markupsafe import Markup

from calovox.evaluation.samples import OBSERVABLES
from calovox.units import format_energy

__all__ = ["energy_range", "feature_symbol", "html_symbol", "number"]

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

    Args:
        symbol: Symbol between dollar signs.

    Returns:
        The same with sub- and superscripts.

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
    """Write the symbol of a feature, or its name if it has none.

    Args:
        name: Name of a feature in the scores.

    Returns:
        HTML, or plain text.
    """
    return html_symbol(_SYMBOLS[name]) if name in _SYMBOLS else name


def number(value: float) -> str:
    """Write a number in three digits; a dash for what is not known.

    Args:
        value: The number.

    Returns:
        Text.

    Example:
        >>> number(0.01234), number(2.0), number(31.7), number(float("nan"))
        ('0.0123', '2.00', '32', '–')
    """
    if not np.isfinite(value):
        return "–"
    if abs(value) >= 10:
        text = f"{value:.0f}"
    elif abs(value) >= 0.095 or value == 0:
        text = f"{value:.2f}"
    else:
        text = f"{value:.3g}"
    return text.replace("-", "−")


def energy_range(low: float, high: float) -> str:
    """Write a range of energies, or one energy.

    Args:
        low: The lowest energy in MeV.
        high: The highest.

    Returns:
        Text with units.
    """
    if low == high:
        return format_energy(low)
    return f"{format_energy(low)} to {format_energy(high)}"
