"""Figures of E_tot / E_kin in slices of kinetic energy (note, Figures C.1 and C.2)."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calovox.evaluation.energy_slices import EnergySlice, SlicesResult
from calovox.evaluation.figures import add_legend
from calovox.evaluation.plots_energy_slices import (
    plot_slice_chi2,
    plot_slice_means,
    plot_slice_widths,
)
from calovox.evaluation.plots_histograms import (
    BAND_COLOR,
    plot_distribution,
    plot_ratio,
    simulated_marker,
)
from calovox.evaluation.samples import REFERENCE_LABEL
from calovox.units import format_energy

__all__ = ["slices_figure", "slices_summary_figure"]

_N_COLUMNS = 3


def slices_figure(result: SlicesResult) -> Figure:
    """Draw E_tot / E_kin in each slice of one range of |eta_center|, with ratio panels.

    Args:
        result: One slice or more.

    Returns:
        The page.
    """
    n_rows = -(-len(result.slices) // _N_COLUMNS)
    height = 3.7 * n_rows + 1.0
    figure = Figure(figsize=(11.0, height))
    outer = figure.add_gridspec(
        n_rows, _N_COLUMNS, left=0.065, right=0.985, wspace=0.24, hspace=0.3
    )
    outer.update(bottom=0.55 / height, top=1.0 - 0.9 / height)
    for place, entry in enumerate(result.slices):
        inner = outer[place // _N_COLUMNS, place % _N_COLUMNS].subgridspec(
            2, 1, height_ratios=(3, 1), hspace=0.04
        )
        main, ratio = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        plot_distribution(entry.observable, main)
        plot_ratio(entry.observable, ratio)
        main.set_title(_energy(entry), loc="left", pad=4)
        main.set_title(f"{entry.observable.reference.total} showers", loc="right", pad=4)
        main.tick_params(labelbottom=False)
        ratio.set_xlabel(r"$E_\mathrm{tot}\,/\,E_\mathrm{kin}$", labelpad=2)
        if place % _N_COLUMNS == 0:
            main.set_ylabel("Events")
            ratio.set_ylabel(f"Sim. / {REFERENCE_LABEL}", fontsize=9)
    means = {
        place: f"{label} (mean {average.mean:.2f} ± {average.error:.2f})"
        for (place, label), average in zip(
            _simulations(result).items(), result.averages, strict=True
        )
    }
    add_legend(figure, means, top=1.0 - 0.28 / height)
    figure.text(
        *(0.5, 1.0 - 0.22 / height),
        f"{result.eta_range} – sum of all voxels over the kinetic energy, "
        "$\\chi^2$/ndf and its mean over the slices",
        ha="center",
        fontsize=11,
    )
    return figure


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
    simulations = _simulations(results[0])
    figure.legend(
        [
            Patch(facecolor=BAND_COLOR),
            Line2D([], [], color="0.45", linestyle=":"),
            *(Line2D([], [], **simulated_marker(place)) for place in simulations),
        ],
        [f"{REFERENCE_LABEL}, 68 %", "the note's mean $\\chi^2$/ndf", *simulations.values()],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.995),
        ncols=2 + len(simulations),
    )
    figure.align_ylabels(axes)
    return figure


def _energy(entry: EnergySlice) -> str:
    sign = "=" if entry.single_energy else "≈"
    return (
        rf"$E_\mathrm{{kin}}$ {sign} {format_energy(entry.energy)} ($2^{{{entry.exponent}}}$ MeV)"
    )


def _simulations(result: SlicesResult) -> dict[int, str]:
    return {entry.place: entry.label for entry in result.slices[0].observable.simulated}
