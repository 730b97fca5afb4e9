"""Pages of the report's figures: rows of histograms with ratio panels, legends, scales of colours.

A page has inches from top to bottom: title, legend, rows of panels. Its height grows with the
number of rows, so that panels keep their size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calovox.report.comparison import ObservableResult, with_events
from calovox.report.histograms import BAND_COLOR, plot_distribution, plot_ratio
from calovox.report.style import REFERENCE_COLOR, drawn_name, simulated_line, simulated_marker
from calovox.samples.files import REFERENCE_LABEL

__all__ = [
    "HistogramPanel",
    "add_colorbar",
    "add_legend",
    "histogram_page",
    "legend_size",
    "simulations_of",
]

_N_COLUMNS: Final = 3
_ROW_HEIGHT: Final = 4.05
_HEAD: Final = 0.95
_FOOT: Final = 0.5
_LEGEND_ROW: Final = 0.22
_LONGEST_ROW: Final = 105
_LONGEST_MARKER_ROW: Final = 150


@dataclass(frozen=True)
class HistogramPanel:
    """One histogram of a page.

    Attributes:
        result: What is drawn.
        label: Of the horizontal axis, with unit.
        left: Title above the left end.
        right: Title above the right end.
        scale: Factor from the observable's unit to that of the axis.
        log: Whether the axis of the counts is logarithmic.
    """

    result: ObservableResult
    label: str
    left: str
    right: str
    scale: float = 1.0
    log: bool = False


def histogram_page(
    panels: Sequence[HistogramPanel],
    title: str,
    simulations: Mapping[int, str],
    *,
    n_columns: int = _N_COLUMNS,
) -> Figure:
    """Draw histograms, each with a ratio panel, in rows of three unless told otherwise."""
    n_rows = -(-len(panels) // n_columns)
    head = _HEAD + _LEGEND_ROW * (_legend_rows(simulations) - 1)
    height = head + _FOOT + _ROW_HEIGHT * n_rows
    figure = Figure(figsize=(11.4, height))
    outer = figure.add_gridspec(n_rows, n_columns, left=0.062, right=0.988, wspace=0.22)
    outer.update(bottom=_FOOT / height, top=1.0 - head / height, hspace=0.27)
    for place, panel in enumerate(panels):
        inner = outer[place // n_columns, place % n_columns].subgridspec(
            2, 1, height_ratios=(2.3, 1), hspace=0.05
        )
        main, ratio = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        _draw_panel(panel, main, ratio)
        if place % n_columns == 0:
            main.set_ylabel("Events")
            ratio.set_ylabel(f"Sim. / {REFERENCE_LABEL}", fontsize=9.5, loc="center")
    figure.text(0.5, 1.0 - 0.2 / height, title, ha="center", va="center", fontsize=12)
    add_legend(figure, simulations, top=1.0 - 0.32 / height)
    return figure


def add_legend(figure: Figure, simulations: Mapping[int, str], *, top: float) -> None:
    """Add a legend above all panels of a page: the reference, then simulations."""
    reference: Any = (Patch(facecolor=BAND_COLOR), Line2D([], [], color=REFERENCE_COLOR))
    lines = [Line2D([], [], **_line_with_marker(place)) for place in simulations]
    labels = [f"{REFERENCE_LABEL}, with Poisson band", *simulations.values()]
    figure.legend(
        [reference, *lines],
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, top),
        ncols=-(-len(labels) // _legend_rows(simulations)),
        fontsize=10.5,
        columnspacing=1.6,
        handlelength=2.8,
    )


def add_colorbar(
    figure: Figure, mesh: Artist | Container | ScalarMappable, ax: Axes, label: str
) -> Axes:
    """Add a scale of colours right of a panel."""
    box = ax.get_position()
    bar_axes = figure.add_axes((box.x1 + 0.018, box.y0, 0.018, box.height))
    figure.colorbar(mesh, cax=bar_axes, label=label)  # type: ignore[arg-type]
    return bar_axes


def legend_size(labels: Sequence[str]) -> float:
    """Choose the size of the letters of a legend in one row."""
    return 9.5 * min(1.0, _LONGEST_MARKER_ROW / sum(len(label) + 7 for label in labels))


def simulations_of(result: ObservableResult) -> dict[int, str]:
    """Collect the names of the simulations with events, as matplotlib draws them, by places."""
    return {entry.place: drawn_name(entry.label) for entry in with_events(result)}


def _draw_panel(panel: HistogramPanel, main: Axes, ratio: Axes) -> None:
    plot_distribution(panel.result, main, scale=panel.scale, log=panel.log)
    plot_ratio(panel.result, ratio, scale=panel.scale)
    main.set_title(panel.left, loc="left", pad=4)
    main.set_title(panel.right, loc="right", pad=4, fontsize=9.5)
    main.tick_params(labelbottom=False)
    ratio.set_xlabel(panel.label, labelpad=1)


def _line_with_marker(place: int) -> dict[str, Any]:
    return {**simulated_marker(place), **simulated_line(place), "markersize": 3.5}


def _legend_rows(simulations: Mapping[int, str]) -> int:
    length = sum(len(label) + 8 for label in simulations.values()) + 28
    return -(-length // _LONGEST_ROW)
