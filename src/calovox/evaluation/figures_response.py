"""Figures of E_tot / E_kin and of the layers against |eta| (note, Figure 12)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from calovox.evaluation.averages import Profile
from calovox.evaluation.comparison import Response
from calovox.evaluation.figures import add_colorbar
from calovox.evaluation.plots_summaries import (
    plot_layer_fractions,
    plot_profile_differences,
    plot_profiles,
    plot_response,
)
from calovox.units import format_energy

__all__ = ["fractions_figure", "response_figure", "response_profiles_figure"]

_ETA_LABEL = r"$|\eta_\mathrm{center}|$"


def response_figure(responses: Sequence[Response]) -> Figure:
    """Draw the events in |eta| and E_tot / E_kin, one panel per sample.

    Args:
        responses: The reference, then simulations.

    Returns:
        Panels with common axes and a common scale of colours.
    """
    n_columns = min(len(responses), 2)
    n_rows = -(-len(responses) // n_columns)
    height = 0.75 + 3.1 * n_rows
    figure = Figure(figsize=(5.5 * n_columns + 1.0, height))
    axes = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
    figure.subplots_adjust(
        *(0.085, 0.48 / height, 0.89, 1.0 - 0.27 / height), wspace=0.05, hspace=0.15
    )
    most = max(int(response.counts.max()) for response in responses)
    for place, response in enumerate(responses):
        ax = axes.flat[place]
        image, *_ = plot_response(response, ax, most=most)
        ax.set_title(_title(response), pad=4)
        ax.set_xlim(_covered_range(responses[0].profile))
        ax.xaxis.set_tick_params(labelbottom=place + n_columns >= len(responses))
        if place + n_columns >= len(responses):
            ax.set_xlabel(_ETA_LABEL)
        if place % n_columns == 0:
            ax.set_ylabel(r"$E_\mathrm{tot}\,/\,E_\mathrm{kin}$")
    for ax in axes.flat[len(responses) :]:
        ax.set_visible(False)
    low, high = map(format_energy, responses[0].energies)
    axes[0, 0].legend(loc="lower left", title=f"{low} to {high}", alignment="left")
    bar = add_colorbar(figure, image, axes[0, -1], "Events per bin")
    bar.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    bar.yaxis.set_major_formatter("{x:g}")
    bar.yaxis.set_minor_formatter(NullFormatter())
    return figure


def response_profiles_figure(responses: Sequence[Response]) -> Figure:
    """Draw mean and relative width of E_tot / E_kin against |eta|, all with statistical errors.

    Args:
        responses: The reference, then simulations.

    Returns:
        Means, their differences from the reference if there are simulations, and widths.
    """
    profiles = {response.label: response.profile for response in responses}
    ratios = (1.7, 1.0, 1.0) if len(responses) > 1 else (1.7, 1.0)
    figure = Figure(figsize=(9.6, 2.6 * sum(ratios)))
    axes = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.065, top=0.965, hspace=0.06)
    means = plot_profiles(list(profiles.values()), axes[0])
    axes[0].set_ylabel(r"Mean of $E_\mathrm{tot}\,/\,E_\mathrm{kin}$")
    axes[0].set_ylim(_mean_range(list(profiles.values())))
    axes[0].legend(means, list(profiles), ncols=min(len(profiles), 3), loc="lower left")
    if len(responses) > 1:
        plot_profile_differences(list(profiles.values()), axes[1])
        axes[1].set_ylabel(f"Mean − {responses[0].label} [%]")
    plot_profiles(list(profiles.values()), axes[-1], statistic="rms")
    axes[-1].set_ylabel("RMS / mean")
    axes[-1].set_ylim(bottom=0.0)
    axes[-1].set_xlabel(_ETA_LABEL)
    axes[-1].set_xlim(_covered_range(responses[0].profile))
    low, high = map(format_energy, responses[0].energies)
    axes[0].set_title(f"photons of {low} to {high}")
    figure.align_ylabels(axes)
    return figure


def fractions_figure(response: Response) -> Figure:
    """Draw the mean share of each layer against |eta|.

    Args:
        response: The result of the reference.

    Returns:
        One panel.
    """
    figure = Figure(figsize=(9.0, 4.4))
    ax = figure.subplots()
    figure.subplots_adjust(left=0.1, right=0.98, bottom=0.12, top=0.97)
    plot_layer_fractions(response, ax)
    ax.set_xlim(_covered_range(response.profile))
    ax.set_xlabel(_ETA_LABEL)
    ax.legend(ncols=5, loc="upper center", columnspacing=1.0, handletextpad=0.2)
    return figure


def _title(response: Response) -> str:
    outside = f", {response.n_outside} outside" if response.n_outside else ""
    return f"{response.label}: {response.n_events} photons{outside}"


def _covered_range(profile: Profile) -> tuple[float, float]:
    bins = np.flatnonzero(profile.count)
    if bins.size == 0:
        return float(profile.edges[0]), float(profile.edges[-1])
    low, high = float(profile.edges[bins[0]]), float(profile.edges[bins[-1] + 1])
    margin = max(0.02, 0.05 * (high - low))
    return max(low - margin, float(profile.edges[0])), min(high + margin, profile.edges[-1])


def _mean_range(profiles: Sequence[Profile]) -> tuple[float, float]:
    means = np.concatenate([profile.mean[np.isfinite(profile.mean)] for profile in profiles])
    if means.size == 0:
        return 0.0, 1.0
    low, high = float(means.min()), float(means.max())
    margin = 0.3 * (high - low) + 5e-3
    return low - margin, high + margin
