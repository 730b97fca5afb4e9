r"""Figures of the referee: the figure of merit, all tests, learning curves, what is seen.

Learning curves are drawn against the number of showers n on an axis of $n^{-1/2}$. The fit that
extrapolates them is a straight line there; infinitely many showers are at the right end.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calovox.report.histogram_pages import HistogramPanel, histogram_page, legend_size
from calovox.report.histograms import BAND_COLOR, Drawn
from calovox.report.style import drawn_name, simulated_line, simulated_marker
from calovox.report.topic import NamedFigure
from calovox.report.topics.referee.measure import JudgedGroup, RefereeTopicResult
from calovox.samples.files import REFERENCE_LABEL
from calovox.scores.referee.judge import TreeTest
from calovox.scores.referee.kinds import FIGURE_OF_MERIT, KINDS, Kind
from calovox.scores.referee.trees import TreeAreas

__all__ = [
    "curves_figure",
    "merit_figure",
    "plot_curve",
    "plot_merit",
    "plot_tests",
    "referee_figures",
    "seen_figure",
    "tests_figure",
]

_AUC: Final = "AUC of boosted trees"
_COLUMNS: Final = 3
_AT_INFINITY: Final = 0.0
_TICKS: Final = (125, 250, 500, 1000, 2000, 5000, 20000)
_HALVES: Final = f"{REFERENCE_LABEL} halves"


def referee_figures(result: RefereeTopicResult) -> Iterator[NamedFigure]:
    """List the figures of all groups of samples."""
    for part in result.parts:
        if tests_of(part, FIGURE_OF_MERIT):
            yield f"referee-{part.name}-cells", partial(merit_figure, part)
        yield f"referee-{part.name}-tests", partial(tests_figure, part)
        if curve_kinds(part):
            yield f"referee-{part.name}-curves", partial(curves_figure, part)
        for kind in seen_kinds(part):
            yield seen_name(part, kind), partial(seen_figure, part, kind)


def seen_name(part: JudgedGroup, kind: Kind) -> str:
    """Name the figure of what is seen in one kind of observables."""
    return f"seen-{part.name}-{kind.replace(', ', '-').replace(' ', '-')}"


def seen_kinds(part: JudgedGroup) -> list[Kind]:
    """List the kinds of observables that there are histograms of."""
    return list(dict.fromkeys(entry.kind for entry in part.histograms))


def curve_kinds(part: JudgedGroup) -> list[Kind]:
    """List the kinds of inputs with learning curves of several points."""
    return [
        kind
        for kind in KINDS
        if any(test.curve and len(test.curve.points) > 1 for test in tests_of(part, kind).values())
    ]


def tests_of(part: JudgedGroup, kind: Kind) -> dict[str, TreeTest]:
    """Find the tests on one kind of inputs by the names of the samples."""
    return {
        verdict.label: test
        for verdict in part.result.samples
        for test in verdict.tests
        if test.inputs == kind
    }


def merit_figure(part: JudgedGroup) -> Figure:
    """Draw the AUC on all cells with noise of every sample: what an analysis of data can see."""
    tests = tests_of(part, FIGURE_OF_MERIT)
    height = 1.7 + 0.36 * len(tests)
    figure = Figure(figsize=(8.4, height))
    ax = figure.subplots()
    figure.subplots_adjust(left=0.27, right=0.97, bottom=0.52 / height, top=1 - 0.75 / height)
    plot_merit(part, ax)
    sizes = sorted({test.areas.n_simulated for test in tests.values()})
    showers = " to ".join(f"{size}" for size in dict.fromkeys((sizes[0], sizes[-1])))
    title = f"All cells with electronic noise – {showers} showers of each class"
    figure.text(0.5, 1 - 0.2 / height, title, ha="center", va="center", fontsize=11)
    grey: dict[str, Any] = {"color": "0.35", "marker": "s", "linestyle": "none", "markersize": 4.5}
    figure.legend(
        [
            Patch(facecolor=BAND_COLOR),
            Line2D([], [], **grey),
            Line2D([], [], **grey, markerfacecolor="white"),
        ],
        [_HALVES, "with these showers", "extrapolated to infinitely many"],
        loc="center",
        bbox_to_anchor=(0.5, 1 - 0.5 / height),
        ncols=3,
    )
    return figure


def plot_merit(part: JudgedGroup, ax: Axes) -> Drawn:
    """Draw one row per sample: AUC, its extrapolation, and the floor as a band."""
    tests = tests_of(part, FIGURE_OF_MERIT)
    artists: Drawn = _plot_floor(part.result.floors.get(FIGURE_OF_MERIT), ax)
    for row, (label, test) in enumerate(tests.items()):
        look = simulated_marker(part.places[label])
        artists.append(
            ax.errorbar(test.areas.mean, row - 0.12, xerr=test.areas.error, **look, linewidth=1.2)
        )
        if test.curve is not None and test.curve.extrapolation is not None:
            limit = test.curve.extrapolation
            open_look: dict[str, Any] = {**look, "markerfacecolor": "white"}
            artists.append(
                ax.errorbar(limit.auc, row + 0.16, xerr=limit.error, **open_look, linewidth=0.9)
            )
    ax.set_yticks(range(len(tests)), [drawn_name(label) for label in tests])
    ax.set_ylim(len(tests) - 0.5, -0.5)
    ax.tick_params(axis="y", which="both", left=False, right=False)
    ax.grid(axis="x", color="0.9", linewidth=0.6, zorder=-1)
    ax.set_xlabel(_AUC)
    return artists


def tests_figure(part: JudgedGroup) -> Figure:
    """Draw the AUC on every kind of inputs of all samples."""
    kinds = [kind for kind in KINDS if tests_of(part, kind)]
    height = 1.6 + 0.5 * len(kinds)
    figure = Figure(figsize=(8.4, height))
    ax = figure.subplots()
    figure.subplots_adjust(left=0.27, right=0.97, bottom=0.52 / height, top=1 - 0.45 / height)
    plot_tests(part, kinds, ax)
    labels = [_HALVES, *(drawn_name(verdict.label) for verdict in part.result.samples)]
    figure.legend(
        [Patch(facecolor=BAND_COLOR), *_markers(part)],
        labels,
        loc="center",
        bbox_to_anchor=(0.5, 1 - 0.22 / height),
        ncols=len(labels),
        fontsize=legend_size(labels) * 0.86,
        columnspacing=1.0,
        handletextpad=0.4,
    )
    return figure


def plot_tests(part: JudgedGroup, kinds: Sequence[Kind], ax: Axes) -> Drawn:
    """Draw one row per kind of inputs, the samples side by side, and the floors."""
    artists: Drawn = [ax.axvline(0.5, color="black", linewidth=0.8)]
    n_samples = len(part.result.samples)
    for row, kind in enumerate(kinds):
        floor = part.result.floors.get(kind)
        if floor is not None:
            width = 2.0 * floor.error
            artists.append(
                ax.barh(row, width, left=floor.mean - floor.error, height=0.8, color=BAND_COLOR)
            )
        tests = tests_of(part, kind)
        for place, verdict in enumerate(part.result.samples):
            if verdict.label in tests:
                areas = tests[verdict.label].areas
                offset = 0.7 * ((place + 0.5) / n_samples - 0.5)
                look = simulated_marker(part.places[verdict.label])
                artists.append(
                    ax.errorbar(areas.mean, row + offset, xerr=areas.error, **look, linewidth=1.0)
                )
    ax.set_yticks(range(len(kinds)), list(kinds))
    ax.set_ylim(len(kinds) - 0.5, -0.5)
    ax.tick_params(axis="y", which="both", left=False, right=False)
    for row in range(1, len(kinds), 2):
        ax.axhspan(row - 0.5, row + 0.5, color="0.96", zorder=-2)
    ax.set_xlim(right=1.005)
    ax.grid(axis="x", color="0.9", linewidth=0.6, zorder=-1)
    ax.set_xlabel(_AUC)
    return artists


def curves_figure(part: JudgedGroup) -> Figure:
    """Draw the learning curves, a panel for each kind of inputs."""
    kinds = curve_kinds(part)
    n_columns = min(len(kinds), _COLUMNS)
    n_rows = -(-len(kinds) // n_columns)
    width, height = (6.4 if n_columns == 1 else 3.9 * n_columns), 0.8 + 3.3 * n_rows
    figure = Figure(figsize=(width, height))
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    figure.subplots_adjust(
        **{"left": 0.75 / width, "right": 1 - 0.2 / width, "wspace": 0.25, "hspace": 0.45},
        **{"bottom": 0.55 / height, "top": 1 - 0.85 / height},
    )
    for place, ax in enumerate(axes.flat):
        if place >= len(kinds):
            ax.set_axis_off()
            continue
        plot_curve(part, kinds[place], ax)
        ax.set_title(kinds[place])
        if place % n_columns == 0:
            ax.set_ylabel(_AUC)
    labels = [drawn_name(verdict.label) for verdict in part.result.samples]
    n_legend = min(len(labels), 3 if n_columns == 1 else 6)
    figure.legend(
        _markers(part),
        labels,
        loc="center",
        bbox_to_anchor=(0.5, 1 - 0.28 / height),
        ncols=n_legend,
        columnspacing=1.0,
        handletextpad=0.4,
    )
    return figure


def plot_curve(part: JudgedGroup, kind: Kind, ax: Axes) -> Drawn:
    """Draw AUC against the number of showers, and the extrapolation to infinitely many."""
    artists: Drawn = [ax.axhline(0.5, color="black", linewidth=0.8)]
    sizes: set[int] = set()
    tests = tests_of(part, kind)
    for number, (label, test) in enumerate(tests.items()):
        if test.curve is None:
            continue
        place = part.places[label]
        look = simulated_marker(place)
        points = test.curve.points
        x = np.array([point.n_showers**-0.5 for point in points])
        auc = [point.auc for point in points]
        errors = [point.error for point in points]
        artists.append(ax.errorbar(x, auc, errors, **look, linewidth=1.0))
        sizes.update(point.n_showers for point in points)
        limit = test.curve.extrapolation
        if limit is not None:
            line: dict[str, Any] = {**simulated_line(place), "linewidth": 0.9}
            slope = _slope(x, np.array(auc), np.array(errors), limit.auc)
            artists += ax.plot([x[0], 0.0], [limit.auc + slope * x[0], limit.auc], **line)
            at = _AT_INFINITY + 0.0007 * (number - 0.5 * (len(tests) - 1))
            open_look: dict[str, Any] = {**look, "markerfacecolor": "white"}
            artists.append(ax.errorbar(at, limit.auc, limit.error, **open_look, linewidth=1.0))
    _number_axis(ax, sizes)
    return artists


def seen_figure(part: JudgedGroup, kind: Kind) -> Figure:
    """Draw the observables that tell most."""
    panels = [
        HistogramPanel(
            entry.result, entry.observable.label, f"({letter})", entry.observable.name, log=True
        )
        for letter, entry in zip(
            "abcdef", (e for e in part.histograms if e.kind == kind), strict=False
        )
    ]
    simulations: Mapping[int, str] = {
        part.places[verdict.label]: drawn_name(verdict.label) for verdict in part.result.samples
    }
    return histogram_page(panels, f"What trees see most in {kind}", simulations)


def _markers(part: JudgedGroup) -> list[Line2D]:
    return [
        Line2D([], [], **simulated_marker(part.places[verdict.label]))
        for verdict in part.result.samples
    ]


def _plot_floor(floor: TreeAreas | None, ax: Axes) -> Drawn:
    artists: Drawn = [ax.axvline(0.5, color="black", linewidth=0.8)]
    if floor is not None:
        ends = floor.mean - floor.error, floor.mean + floor.error
        artists.append(ax.axvspan(*ends, color=BAND_COLOR, zorder=-1))
    return artists


def _slope(x: Any, auc: Any, errors: Any, limit: float) -> float:
    """Fit the slope of the line through the extrapolated AUC."""
    # least squares through a fixed point at x = 0, weighted with the errors
    weight = x / np.maximum(errors, 1e-6)
    return float((weight * (auc - limit) / errors).sum() / (weight * x / errors).sum())


def _number_axis(ax: Axes, sizes: set[int]) -> None:
    """Write numbers of showers on an axis of their inverse roots, infinitely many at the right."""
    smallest = min(sizes)
    far = smallest**-0.5 * 1.12
    shown = [n for n in _TICKS if n**-0.5 < far and n <= 2 * max(sizes)]
    ticks = [n**-0.5 for n in shown]
    ax.set_xticks([*ticks, 0.0], [*(f"{n}" for n in shown), "∞"])
    ax.minorticks_off()
    ax.set_xlim(far, -0.06 * far)
    ax.set_xlabel("Showers of each class")
