"""How figures look: fonts, colours in a fixed order, sizes; nothing is set outside `style`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import matplotlib

__all__ = ["REFERENCE_COLOR", "SIMULATED_COLORS", "SIMULATED_LINES", "style"]

REFERENCE_COLOR: Final = "black"

SIMULATED_COLORS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours of the simulations (Okabe and Ito: distinct for the colour-blind), in order."""

SIMULATED_LINES: Final = (
    "-",
    (0, (4, 1.2)),
    (0, (1.2, 1)),
    (0, (5, 1, 1.2, 1)),
    (0, (8, 1.5)),
    "-",
)
"""Dashes of the simulations, in order: lines stay distinct in grey print."""

_PARAMETERS: Final[dict[Any, Any]] = {
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": True,
    "axes.formatter.useoffset": False,
    "axes.grid": False,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.titlesize": 10,
    "axes.titley": 1.0,
    "figure.dpi": 160,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "image.cmap": "viridis",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "lines.linewidth": 1.3,
    "mathtext.fontset": "dejavusans",
    "savefig.dpi": 160,
    "svg.hashsalt": "calovox",
    "xtick.direction": "in",
    "xtick.labelsize": 9,
    "xtick.minor.visible": True,
    "xtick.top": True,
    "ytick.direction": "in",
    "ytick.labelsize": 9,
    "ytick.minor.visible": True,
    "ytick.right": True,
}


@contextmanager
def style() -> Iterator[None]:
    """Use the report's style inside a ``with`` block, and leave no trace of it behind.

    Yields:
        Nothing.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_PARAMETERS)
        yield
