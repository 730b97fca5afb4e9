"""How figures look: mplhep's ATLAS style in sizes for pages of many panels, and fixed colours.

Nothing is set outside `style`. Figures look like those of the field, but carry no experiment's
name.

References:
    A. Novak et al., *mplhep*, https://doi.org/10.5281/zenodo.3766157
    M. Okabe and K. Ito, *Color Universal Design*, https://jfly.uni-koeln.de/color/
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import matplotlib
import mplhep

__all__ = [
    "REFERENCE_COLOR",
    "SIMULATED_COLORS",
    "drawn_name",
    "simulated_line",
    "simulated_marker",
    "style",
]

REFERENCE_COLOR: Final = "black"

SIMULATED_COLORS: Final = (
    "#0072B2",
    "#D55E00",
    "#00875F",
    "#AA3377",
    "#A87C00",
    "#663300",
    "#332288",
)
"""Colours of the simulations in order: after Okabe and Ito, each with a contrast of 3 to white."""

_LINES: Final[tuple[Any, ...]] = (
    "-",
    (0, (4, 1.2)),
    (0, (1.2, 1)),
    (0, (5, 1, 1.2, 1)),
    (0, (8, 1.5)),
    (0, (2.5, 0.8)),
    (0, (5, 1, 1, 1, 1, 1)),
)

_MARKERS: Final = ("s", "D", "^", "v", "<", ">", "p")

_PARAMETERS: Final[dict[Any, Any]] = {
    "axes.autolimit_mode": "data",
    "axes.axisbelow": "line",
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.useoffset": False,
    "axes.labelpad": 3,
    "axes.labelsize": 11,
    "axes.linewidth": 0.8,
    "axes.titlesize": 10,
    "axes.unicode_minus": True,
    "axes.xmargin": 0.04,
    "figure.dpi": 160,
    "font.family": ["TeX Gyre Heros", "DejaVu Sans"],
    "font.size": 10,
    "image.cmap": "viridis",
    "legend.borderpad": 0.4,
    "legend.fontsize": 9.5,
    "legend.handlelength": 1.8,
    "legend.title_fontsize": 9.5,
    "lines.linewidth": 1.2,
    "mathtext.fallback": "stixsans",
    "savefig.dpi": 160,
    "svg.hashsalt": "calovox",
    "xtick.labelsize": 9.5,
    "xtick.major.size": 5,
    "xtick.minor.size": 2.5,
    "ytick.labelsize": 9.5,
    "ytick.major.size": 6,
    "ytick.minor.size": 3,
}


def simulated_line(place: int) -> dict[str, Any]:
    """Choose colour and dashes of a simulation.

    Lines stay distinct in grey print. From the eighth on, colours repeat with other dashes.

    Args:
        place: Its place in the report, from 0.

    Returns:
        Line properties for matplotlib, different for each of the first 49.
    """
    turn, color = divmod(place, len(SIMULATED_COLORS))
    return {"color": SIMULATED_COLORS[color], "linestyle": _LINES[(place + turn) % len(_LINES)]}


def simulated_marker(place: int) -> dict[str, Any]:
    """Choose colour and marker of a simulation; every second turn of the colours has open markers.

    Args:
        place: Its place in the report, from 0.

    Returns:
        Marker properties for matplotlib, different for each of the first 49.
    """
    turn, color = divmod(place, len(SIMULATED_COLORS))
    return {
        "color": SIMULATED_COLORS[color],
        "marker": _MARKERS[(place + turn) % len(_MARKERS)],
        "markerfacecolor": "white" if turn % 2 else SIMULATED_COLORS[color],
        "markersize": 4.5,
        "linestyle": "none",
    }


def drawn_name(name: str) -> str:
    r"""Write a name so that matplotlib draws it as it is, instead of taking $ for a formula.

    Args:
        name: Name of a sample or of a grid.

    Returns:
        Text for matplotlib, also as a part of text with formulas.

    Example:
        >>> drawn_name("$x_{$")
        '\\$x_{\\$'
    """
    return name.replace("$", r"\$")


@contextmanager
def style() -> Iterator[None]:
    """Use the report's style inside a ``with`` block, and leave no trace of it behind.

    Yields:
        Nothing.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({**mplhep.style.ATLAS, **_PARAMETERS})
        yield
