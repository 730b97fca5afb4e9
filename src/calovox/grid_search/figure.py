"""The figure of a search for a grid: what is seen of it against its number of voxels."""

from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from calovox.files.whole import whole_file
from calovox.grid_search.path import GridPath
from calovox.report.histograms import Drawn
from calovox.report.style import REFERENCE_COLOR, SIMULATED_COLORS, drawn_name, style

__all__ = ["plot_auc", "plot_separation", "write_figure"]

_SIZE: Final = (7.2, 7.4)
_MARKERS: Final = ("s", "^", "v", "D", "P", "X")
_TICKS: Final = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_BARS: Final[dict[str, Any]] = {"linestyle": "none", "capsize": 2, "elinewidth": 1}


def write_figure(path: GridPath, file: Path, *, name: str, overwrite: bool = False) -> None:
    """Draw a path, with other grids, into a PNG file.

    Args:
        path: The search.
        file: The file.
        name: Name of the grid that was found.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: If the file exists and may not be replaced.
    """
    with style(), whole_file(file, overwrite=overwrite) as partial:
        figure = Figure(figsize=_SIZE, layout="constrained")
        with_auc = path.steps[0].auc is not None
        axes = figure.subplots(2 if with_auc else 1, 1, sharex=True, squeeze=False)[:, 0]
        if with_auc:
            plot_auc(path, axes[0], name=name)
        plot_separation(path, axes[-1], name=name)
        axes[0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        axes[-1].set_xlabel("Voxels")
        figure.savefig(partial, format="png")


def plot_auc(path: GridPath, ax: Axes, *, name: str) -> Drawn:
    """Draw the AUC of boosted trees on all cells against the number of voxels."""
    drawn: Drawn = []
    if path.floor is not None and path.floor_error is not None:
        low, high = path.floor - path.floor_error, path.floor + path.floor_error
        drawn.append(ax.axhspan(low, high, color="0.85", linewidth=0, label="halves of Geant4"))
    judged = [step for step in path.steps if step.auc is not None]
    drawn += _draw(
        ax,
        [(step.n_voxels, step.auc, step.auc_error) for step in judged],
        label="path, patterns",
        color=SIMULATED_COLORS[0],
        marker="o",
        markersize=4,
    )
    chosen = path.steps[path.chosen]
    drawn += _draw_chosen(ax, (chosen.n_voxels, chosen.auc, chosen.auc_error), name)
    drawn += _draw_others(path, ax, [(g.auc, g.auc_error) for g in path.grids])
    ax.set_ylabel("AUC on all cells, without noise")
    return drawn


def plot_separation(path: GridPath, ax: Axes, *, name: str) -> Drawn:
    """Draw the separation of the cell observables against the number of voxels."""
    steps = path.steps
    n_voxels = [step.n_voxels for step in steps]
    line = ax.plot(n_voxels, [step.separation for step in steps], color=SIMULATED_COLORS[0])
    band = ax.fill_between(
        n_voxels,
        [step.separation - step.error for step in steps],
        [step.separation + step.error for step in steps],
        color=SIMULATED_COLORS[0],
        alpha=0.25,
        linewidth=0,
    )
    chosen = steps[path.chosen]
    drawn: Drawn = [*line, band]
    drawn += _draw_chosen(ax, (chosen.n_voxels, chosen.separation, chosen.error), name)
    drawn += _draw_others(path, ax, [(g.separation, g.error) for g in path.grids])
    ax.axhline(0.0, color="0.6", linewidth=0.8)
    ax.set_yscale("symlog", linthresh=0.5)
    ax.set_ylim(min(0.0, *(step.separation - step.error for step in steps)) - 0.05, None)
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    ax.set_xticks([tick for tick in _TICKS if low <= tick <= high])
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_ylabel(r"Separation $d^2$ of cell observables")
    return drawn


def _draw(ax: Axes, points: list[tuple[Any, Any, Any]], **look: Any) -> Drawn:
    x, y, error = zip(*points, strict=True)
    return [ax.errorbar(x, y, yerr=error, **_BARS, **look)]


def _draw_chosen(ax: Axes, point: tuple[Any, Any, Any], name: str) -> Drawn:
    look = {"marker": "*", "markersize": 13, "color": REFERENCE_COLOR, "zorder": 5}
    return _draw(ax, [point], label=f"{drawn_name(name)}, patterns", **look)


def _draw_others(path: GridPath, ax: Axes, values: list[tuple[Any, Any]]) -> Drawn:
    """Draw other grids, closed with patterns and open with the note's placement."""
    drawn: Drawn = []
    names = list(dict.fromkeys(grid.name for grid in path.grids))
    for grid, (value, error) in zip(path.grids, values, strict=True):
        place = names.index(grid.name)
        color = SIMULATED_COLORS[1 + place % (len(SIMULATED_COLORS) - 1)]
        if value is None:
            continue
        drawn += _draw(
            ax,
            [(grid.n_voxels, value, error)],
            label=f"{drawn_name(grid.name)}, {grid.placement}",
            color=color,
            marker=_MARKERS[place % len(_MARKERS)],
            markerfacecolor=color if grid.placement == "patterns" else "white",
            markersize=6,
        )
    return drawn
