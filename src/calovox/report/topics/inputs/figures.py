"""Figures of what the simulation draws from (note, Figures 5 and 7)."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from calovox.report.topics.inputs.draw import (
    plot_interpolation,
    plot_spectrum,
    plot_spectrum_ratio,
)
from calovox.report.topics.inputs.measure import Interpolation, Spectrum

__all__ = ["interpolation_figure", "spectrum_figure"]


def spectrum_figure(result: Spectrum) -> Figure:
    """Draw the energy spectrum with its density and their ratio.

    Args:
        result: Drawn and expected counts.

    Returns:
        Two panels.
    """
    figure = Figure(figsize=(6.4, 4.8))
    main, ratio = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    figure.subplots_adjust(left=0.14, right=0.975, bottom=0.12, top=0.97, hspace=0.05)
    plot_spectrum(result, main)
    plot_spectrum_ratio(result, ratio)
    return figure


def interpolation_figure(results: Sequence[Interpolation]) -> Figure:
    """Draw the two radial interpolations side by side.

    Args:
        results: The step and the linear interpolation.

    Returns:
        Two panels.
    """
    figure = Figure(figsize=(8.4, 3.6))
    axes = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.085, right=0.98, bottom=0.15, top=0.9, wspace=0.1)
    for ax, result in zip(axes, results, strict=True):
        plot_interpolation(result, ax)
        ax.set_title(result.name)
    axes[0].set_ylabel("Probability density")
    return figure
