"""Figures of samples of the CaloChallenge."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.projections.polar import PolarAxes

from calovox.arrays import Array, Float64
from calovox.report.histogram_pages import HistogramPanel, histogram_page, simulations_of
from calovox.report.style import drawn_name
from calovox.report.topic import NamedFigure
from calovox.report.topics.challenge.measure import ChallengeResult, ratio_title
from calovox.samples.layout import VoxelLayout

__all__ = ["average_figure", "challenge_figures", "plot_average"]

_PANELS: Final = 12
_MOST_LAYERS: Final = 5
_DECADES: Final = 6
_SHOWN_SHARE: Final = 0.995
_SMOOTH: Final = 72


def challenge_figures(result: ChallengeResult) -> Iterator[NamedFigure]:
    """List the figures: energy ratios, average showers, then all features, page by page."""
    ratios = [
        HistogramPanel(
            entry.observable,
            r"$E_\mathrm{tot} / E_\mathrm{inc}$",
            f"{result.particle}, {ratio_title(entry)}",
            "",
        )
        for entry in result.ratios
    ]
    yield from _pages("challenge-ratios", ratios, "Energy of all voxels over the incident energy")
    yield "challenge-averages", partial(average_figure, result)
    features = [
        HistogramPanel(found, entry.label, "", "", log=entry.name.startswith("sparsity"))
        for entry, found in zip(result.described, result.features, strict=True)
    ]
    yield from _pages("challenge-features", features, "High-level features, all energies")


def average_figure(result: ChallengeResult) -> Figure:
    """Draw the mean energy density of some layers, one row per sample."""
    layout, n_layers = result.layout, len(result.layout.layers)
    places = np.unique(np.linspace(0, n_layers - 1, min(n_layers, _MOST_LAYERS)).astype(int))
    n_rows, n_columns = len(result.averages), len(places)
    height = 2.05 * n_rows + 0.9
    figure = Figure(figsize=(11.4, height))
    densities = {label: average / _areas(layout) for label, average in result.averages.items()}
    top = max(float(density.max()) for density in densities.values()) or 1.0
    norm = LogNorm(vmin=top * 10.0**-_DECADES, vmax=top)
    first = next(iter(result.averages.values()))
    for row, (label, density) in enumerate(densities.items()):
        for column, place in enumerate(places):
            ax = figure.add_subplot(
                n_rows, n_columns, row * n_columns + column + 1, projection="polar"
            )
            assert isinstance(ax, PolarAxes)
            (mesh,) = plot_average(layout, density, int(place), ax, norm=norm)
            radius = _shown_radius(layout, first, int(place))
            ax.set_rmax(radius)
            if row == 0:
                title = f"layer {layout.layers[place]}, to {radius:g} mm"
                ax.set_title(title, fontsize=10)
            if column == 0:
                ax.text(
                    *(-0.12, 0.5, drawn_name(label)),
                    transform=ax.transAxes,
                    rotation=90,
                    ha="right",
                    va="center",
                )
    figure.subplots_adjust(
        left=0.05, right=0.88, bottom=0.03, top=1.0 - 0.75 / height, wspace=0.12, hspace=0.12
    )
    bar = figure.add_axes((0.915, 0.12, 0.016, 0.7))
    figure.colorbar(mesh, cax=bar, label="Mean energy density [MeV/mm²]")  # type: ignore[arg-type]
    title = f"Average {result.particle} shower, out to the radius that holds nearly all energy"
    figure.text(0.47, 1.0 - 0.22 / height, title, ha="center", va="center", fontsize=12)
    return figure


def plot_average(
    layout: VoxelLayout,
    density: Float64[Array, " voxel"],
    place: int,
    ax: PolarAxes,
    *,
    norm: LogNorm,
) -> list[Artist]:
    """Draw the mean energy density of one layer in r and alpha."""
    part = layout.layer_slice(place)
    r_edges, n_alpha = _edges(layout, place)
    values = density[part].reshape(n_alpha, -1)
    # polar meshes are straight between their points: several per voxel make it round
    fine = -(-_SMOOTH // n_alpha)
    alpha = np.linspace(-np.pi, np.pi, n_alpha * fine + 1)
    shown = np.ma.masked_less_equal(np.repeat(values, fine, axis=0).T, 0.0)
    mesh = ax.pcolormesh(
        alpha,
        r_edges,
        shown,
        norm=norm,
        cmap=matplotlib.colormaps["viridis"].with_extremes(bad="0.86"),
        rasterized=True,
    )
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    return [mesh]


def _pages(name: str, panels: list[HistogramPanel], title: str) -> Iterator[NamedFigure]:
    n_pages = -(-len(panels) // _PANELS)
    for page in range(n_pages):
        part = panels[page * _PANELS : (page + 1) * _PANELS]
        number = f", page {page + 1} of {n_pages}" if n_pages > 1 else ""
        suffix = f"-{page + 1}" if n_pages > 1 else ""
        simulations = simulations_of(part[0].result)
        yield f"{name}{suffix}", partial(histogram_page, part, f"{title}{number}", simulations)


def _edges(layout: VoxelLayout, place: int) -> tuple[Float64[Array, " edge"], int]:
    """Find the radial borders of a layer from the middles of its voxels, and count its angles."""
    part = layout.layer_slice(place)
    middles = np.unique(layout.r[part])
    edges = [0.0]
    # middles alone are known: each edge mirrors the one before about the middle between
    for middle in middles.tolist():
        edges.append(2.0 * middle - edges[-1])
    return np.array(edges), len(np.unique(layout.alpha[part]))


def _areas(layout: VoxelLayout) -> Float64[Array, " voxel"]:
    """Compute the area of each voxel in mm^2; radii rise first, then angles."""
    areas = []
    for place in range(len(layout.layers)):
        edges, n_alpha = _edges(layout, place)
        areas.append(np.tile(np.pi * np.diff(edges**2) / n_alpha, n_alpha))
    return np.concatenate(areas)


def _shown_radius(layout: VoxelLayout, average: Float64[Array, " voxel"], place: int) -> float:
    """Find the radius that holds nearly all energy of a layer."""
    part = layout.layer_slice(place)
    edges, n_alpha = _edges(layout, place)
    inside = np.cumsum(average[part].reshape(n_alpha, -1).sum(axis=0))
    if inside[-1] <= 0:
        return float(edges[-1])
    return float(edges[1 + int(np.searchsorted(inside, _SHOWN_SHARE * inside[-1]))])
