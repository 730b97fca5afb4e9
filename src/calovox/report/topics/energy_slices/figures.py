"""Figures of E_tot / E_kin in slices of kinetic energy (note, Figures C.1 and C.2)."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calovox.report.histogram_pages import (
    HistogramPanel,
    histogram_page,
    legend_size,
    simulations_of,
)
from calovox.report.histograms import BAND_COLOR
from calovox.report.style import drawn_name, simulated_marker
from calovox.report.topics.energy_slices.draw import (
    plot_slice_chi2,
    plot_slice_means,
    plot_slice_widths,
)
from calovox.report.topics.energy_slices.measure import EnergySlice, SlicesResult
from calovox.samples.sample import REFERENCE_LABEL
from calovox.units import format_energy

__all__ = ["slices_figure", "slices_summary_figure"]


def slices_figure(result: SlicesResult) -> Figure:
    """Draw E_tot / E_kin in each slice of one range of |eta_center|, with ratio panels.

    Args:
        result: One slice or more.

    Returns:
        The page.
    """
    panels = [
        HistogramPanel(
            entry.observable,
            r"$E_\mathrm{tot}\,/\,E_\mathrm{kin}$",
            _energy(entry),
            f"{entry.observable.reference.total} showers",
        )
        for entry in result.slices
    ]
    means = {
        entry.place: f"{drawn_name(entry.label)} (mean {average.mean:.2f} ± {average.error:.2f})"
        for entry, average in zip(
            result.slices[0].observable.simulated, result.averages, strict=True
        )
    }
    title = (
        f"{result.eta_range} – sum of all voxels over the kinetic energy, "
        "$\\chi^2$/ndf and its mean over the slices"
    )
    return histogram_page(panels, title, means)


def slices_summary_figure(results: Sequence[SlicesResult]) -> Figure:
    """Draw chi2, means and widths of all slices against the kinetic energy.

    Args:
        results: Ranges of |eta_center| with one slice or more, of the same simulations.

    Returns:
        One column of three panels per range.
    """
    figure = Figure(figsize=(0.8 + 5.1 * len(results), 7.0))
    axes = figure.subplots(3, len(results), sharex="col", sharey="row", squeeze=False)
    left = 0.95 / figure.get_figwidth()
    figure.subplots_adjust(left=left, right=0.98, bottom=0.075, top=0.89, wspace=0.05, hspace=0.07)
    for column, result in zip(axes.T, results, strict=True):
        plots = (plot_slice_chi2, plot_slice_means, plot_slice_widths)
        for ax, plot in zip(column, plots, strict=True):
            plot(result, ax)
            ax.label_outer()
        column[0].set_title(str(result.eta_range))
    simulations = simulations_of(results[0].slices[0].observable)
    labels = [f"{REFERENCE_LABEL}, 68 %", "the note's mean $\\chi^2$/ndf", *simulations.values()]
    figure.legend(
        [
            Patch(facecolor=BAND_COLOR),
            Line2D([], [], color="0.45", linestyle=":"),
            *(Line2D([], [], **simulated_marker(place)) for place in simulations),
        ],
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.995),
        ncols=len(labels),
        fontsize=legend_size(labels),
    )
    figure.align_ylabels(axes)
    return figure


def _energy(entry: EnergySlice) -> str:
    sign = "=" if entry.single_energy else "≈"
    return (
        rf"$E_\mathrm{{kin}}$ {sign} {format_energy(entry.energy)} ($2^{{{entry.exponent}}}$ MeV)"
    )
