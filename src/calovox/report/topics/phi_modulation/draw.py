"""Plots of the phi modulation: each draws a result on given axes and returns what it drew."""

from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from calovox.geometry.barrel import BARREL_NAMES
from calovox.phi_modulation import MODULATED_LAYERS, PERIOD, PhiModulation
from calovox.phi_modulation.average_shower import AverageProfile
from calovox.phi_modulation.fit import FitResult
from calovox.report.histograms import BAND_COLOR, Drawn
from calovox.report.style import REFERENCE_COLOR, SIMULATED_COLORS, simulated_marker
from calovox.report.topics.phi_modulation.measure import EnergyTest

__all__ = [
    "plot_average_profile",
    "plot_curves",
    "plot_loss",
    "plot_phase_response",
    "plot_widths",
]

_MILLIRADIAN: Final = 1e3
_PER_CENT: Final = 100.0
_LAYER_COLORS: Final = dict(zip(MODULATED_LAYERS, SIMULATED_COLORS, strict=False))


def plot_average_profile(average: AverageProfile, ax: Axes) -> Drawn:
    """Draw the average shower in EMB2 against phi_hit - phi_cell, one line per bin of T.

    Args:
        average: The average showers.
        ax: Where to draw.

    Returns:
        The lines, and the borders of the periods.
    """
    colors = colormaps["viridis"](np.linspace(0.0, 0.88, len(average.density)))
    edges = average.edges * _MILLIRADIAN
    artists: Drawn = [
        ax.axvline(period * PERIOD * _MILLIRADIAN, color="0.85", linewidth=0.7, zorder=0)
        for period in range(-2, 3)
    ]
    bounds = average.phase_edges * _MILLIRADIAN
    for row, density in enumerate(average.density):
        label = f"{bounds[row]:.1f} to {bounds[row + 1]:.1f}".replace("-", "−")
        artists.append(
            ax.stairs(density / _MILLIRADIAN * _PER_CENT, edges, color=colors[row], label=label)
        )
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0.0, None)
    ax.set_xlabel(r"$\tilde{x} = \phi_\mathrm{hit} - \phi_\mathrm{cell}$ [mrad]")
    ax.set_ylabel(r"EMB2 energy / $E_\mathrm{kin}$ [%/mrad]")
    ax.legend(title="$T$ [mrad]", loc="upper right")
    return artists


def plot_phase_response(fit: FitResult, eta_range: int, ax: Axes) -> Drawn:
    """Draw E_tot(T) over its mean, before and after removal of the learned modulation.

    Args:
        fit: The fit.
        eta_range: Which |eta| range.
        ax: Where to draw.

    Returns:
        Bands of the statistical uncertainty, and lines.
    """
    phases = fit.phases * _MILLIRADIAN
    artists: Drawn = [ax.axhline(0.0, color="0.6", linewidth=0.7)]
    for values, color, label in (
        (fit.response_before[eta_range], SIMULATED_COLORS[2], "as measured"),
        (fit.response_after[eta_range], SIMULATED_COLORS[0], "modulation removed"),
    ):
        relative = (values / values.mean() - 1.0) * _PER_CENT
        error = fit.response_error[eta_range] * _PER_CENT
        artists.append(
            ax.fill_between(
                phases, relative - error, relative + error, color=color, alpha=0.3, linewidth=0
            )
        )
        artists += ax.plot(phases, relative, color=color, label=label)
    ax.set_xlim(0.0, PERIOD * _MILLIRADIAN)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.3 * (high - low))
    ax.set_xlabel("$T$ [mrad]")
    ax.set_ylabel(r"$E_\mathrm{tot}(T)$ / mean − 1 [%]")
    ax.legend(loc="upper center", ncols=2)
    return artists


def plot_curves(
    modulation: PhiModulation, truth: PhiModulation | None, eta_range: int, ax: Axes
) -> Drawn:
    """Draw learned curves with their uncertainties, and the generator's as dashed lines.

    Args:
        modulation: Learned curves.
        truth: Curves of the generator, if known.
        eta_range: Which |eta| range.
        ax: Where to draw.

    Returns:
        Bands and lines.
    """
    phases = modulation.phases * _MILLIRADIAN
    artists: Drawn = []
    for row, layer in enumerate(MODULATED_LAYERS):
        color, curve = _LAYER_COLORS[layer], modulation.values[eta_range, row]
        if modulation.uncertainties is not None:
            error = modulation.uncertainties[eta_range, row]
            band = ax.fill_between(
                phases, curve - error, curve + error, color=color, alpha=0.25, linewidth=0
            )
            artists.append(band)
        artists += ax.plot(phases, curve, color=color, label=BARREL_NAMES[layer])
        if truth is not None:
            true_curve = truth.values[0, row]
            artists += ax.plot(truth.phases * _MILLIRADIAN, true_curve, "--", color=color, lw=1)
    if truth is not None:
        artists += ax.plot([], [], "--", color="0.3", lw=1, label="generator")
    ax.set_xlim(0.0, PERIOD * _MILLIRADIAN)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.25 * (high - low))
    ax.set_xlabel(r"$\tilde{x}$ [mrad]")
    ax.set_ylabel(r"$g(\tilde{x})$")
    ax.legend(loc="upper center", ncols=3, columnspacing=1.0)
    return artists


def plot_loss(fit: FitResult, ax: Axes) -> Drawn:
    """Draw the loss after each step, one line per |eta| range.

    Args:
        fit: The fit.
        ax: Where to draw.

    Returns:
        The lines.
    """
    artists: Drawn = []
    edges = fit.modulation.eta_edges
    for row, loss in enumerate(fit.loss):
        label = f"{edges[row]:g} ≤ |η| < {edges[row + 1]:g}"
        color = SIMULATED_COLORS[row % len(SIMULATED_COLORS)]
        artists += ax.plot(np.arange(1, len(loss) + 1), loss, color=color, label=label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("Step")
    ax.set_ylabel("Loss")
    ax.legend()
    return artists


def plot_widths(test: EnergyTest, ax: Axes) -> Drawn:
    """Draw the iterated width of raw and calibrated energy of each sample.

    Args:
        test: Energies of displaced showers against Geant4.
        ax: Where to draw.

    Returns:
        Geant4's bands, then points with statistical errors.
    """
    artists: Drawn = []
    reference, *others = test.widths
    for place, kind in enumerate(("raw", "calibrated")):
        width = getattr(reference, kind) * _PER_CENT
        error = getattr(reference, f"{kind}_error") * _PER_CENT
        span = [place - 0.4, place + 0.4]
        artists.append(
            ax.fill_between(span, width - error, width + error, color=BAND_COLOR, linewidth=0)
        )
        artists += ax.plot(span, [width, width], color=REFERENCE_COLOR, linewidth=1.3)
        for position, other in enumerate(others):
            x = place + 0.5 * (position + 1) / (len(others) + 1) - 0.25
            artists.append(
                ax.errorbar(
                    x,
                    getattr(other, kind) * _PER_CENT,
                    getattr(other, f"{kind}_error") * _PER_CENT,
                    **simulated_marker(position),
                )
            )
    ax.set_xlim(-0.5, 1.5)
    ax.set_ylim(0.0, None)
    ax.set_xticks([0, 1], [r"$E_\mathrm{raw}$", r"$E_\mathrm{cal}$, corrected in $T$"])
    ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    ax.set_ylabel(r"Iterated width / $E_\mathrm{kin}$ [%]")
    return artists
