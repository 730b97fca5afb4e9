r"""The curve g found from showers alone: the E_tot(T) that it leaves must be flat.

With M[T, l, b] the mean profile of the showers whose centre has the phase T, a curve g corrects
the mean layer energies to E_l(T) = sum_b M[T, l, b] / g[l, b]. The loss is

$$\frac{\mathrm{std}_T \sum_l E_l(T) + w_{layer} \sum_l \mathrm{std}_T E_l(T)}
       {\mathrm{mean}_T \sum_l E_l(T)}
  + w_{noise} \langle (g_{b+1} - 2 g_b + g_{b-1})^2 \rangle
  + w_{symmetry} \langle (g_b - g_{-b})^2 \rangle,$$

minimised with Adam over the free bins of all layers at once; the mean of g over a period is held
at 1. The first term is the note's. It only sees the sum over layers, in which one layer can hide
the modulation of another; the second term asks the same of each layer. The third removes noise
between neighbouring bins. The fourth pulls g towards symmetry about the cell centre, and takes
half of a sine part away: its weight is 0 unless it is asked for. Which curves are symmetric, and
which are not constrained, the showers themselves decide (`calovox.phi_modulation.evidence`).

References:
    ATL-SOFT-PUB-2025-003, section 2.5;
    D. P. Kingma, J. Ba, *Adam*, 2015, https://arxiv.org/abs/1412.6980
"""

import math
from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float64
from calovox.phi_modulation.curve import MODULATED_LAYERS, PhiModulation
from calovox.phi_modulation.evidence import CurveEvidence, weigh_curves
from calovox.phi_modulation.fit_settings import FitSettings
from calovox.phi_modulation.phases import PERIOD
from calovox.phi_modulation.profile import PhaseProfiles

__all__ = [
    "FitResult",
    "FitSettings",
    "fit_phi_modulation",
    "loss_and_gradient",
    "mean_profiles",
    "minimise_loss",
]


@dataclass(frozen=True)
class FitResult:
    """Fitted curves, and how they were reached.

    Attributes:
        modulation: The curves with their uncertainties; 1 where the sample does not constrain.
        loss: Loss after each step.
        phases: Centres of the bins in T, in rad.
        response_before: E_tot(T) / E_kin as measured.
        response_after: E_tot(T) / E_kin after removal of the fitted modulation.
        response_error: Statistical uncertainty of the mean in each bin.
        n_showers: Placed showers used.
        warnings: Which curves the sample does not constrain, and which keep a sine part.
    """

    modulation: PhiModulation
    loss: Float64[Array, "range step"]
    phases: Float64[Array, " phase"]
    response_before: Float64[Array, "range phase"]
    response_after: Float64[Array, "range phase"]
    response_error: Float64[Array, "range phase"]
    n_showers: tuple[int, ...]
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        spread = [
            f"{before.std() / before.mean():.2%} to {after.std() / after.mean():.2%}"
            for before, after in zip(self.response_before, self.response_after, strict=True)
        ]
        n_showers = " + ".join(map(str, self.n_showers))
        return f"{n_showers} showers, std of E_tot(T) from {' and from '.join(spread)}"


def mean_profiles(
    profiles: PhaseProfiles, n_phases: int, weights: Float64[Array, "replica event"]
) -> Float64[Array, "replica phase layer bin"]:
    """Average the profiles of the showers in each bin of T.

    Args:
        profiles: Profiles of single showers.
        n_phases: Bins in T.
        weights: Weight of each shower in each resampling.

    Returns:
        M for each resampling.

    Raises:
        ValueError: If a bin in T has no shower.
    """
    phase_bin = np.minimum(profiles.center_phase / PERIOD * n_phases, n_phases - 1).astype(int)
    flat = profiles.energy.reshape(len(profiles), -1)
    means = np.empty((len(weights), n_phases, flat.shape[1]))
    for phase in range(n_phases):
        inside = phase_bin == phase
        total = weights[:, inside].sum(axis=1)
        if np.any(total == 0):
            raise ValueError(
                f"phi modulation: no shower has its centre in bin {phase} of {n_phases} of the "
                f"period; use more showers or place them more often"
            )
        means[:, phase] = weights[:, inside] @ flat[inside] / total[:, None]
    return means.reshape(len(weights), n_phases, *profiles.energy.shape[1:])


def fit_phi_modulation(
    profiles: PhaseProfiles, settings: FitSettings | None = None, *, seed: int = 0
) -> FitResult:
    """Fit one curve per |eta| range and layer.

    Args:
        profiles: Profiles of showers, for example from `hits_to_profiles`.
        settings: Weights and steps.
        seed: Seed of the bootstrap.

    Returns:
        Curves, uncertainties, loss history and E_tot(T) before and after.

    Raises:
        ValueError: If no shower is left in a range, or a bin in T has none.
    """
    settings = settings or FitSettings()
    ranges = zip(settings.eta_edges[:-1], settings.eta_edges[1:], strict=True)
    fits = [_fit_range(profiles, low, high, settings, seed) for low, high in ranges]
    n_phases = settings.n_phases
    return FitResult(
        modulation=PhiModulation(
            values=np.stack([fit.curves for fit in fits]),
            eta_edges=np.asarray(settings.eta_edges),
            uncertainties=np.stack([fit.uncertainties for fit in fits]),
        ),
        loss=np.stack([fit.loss for fit in fits]),
        phases=(np.arange(n_phases) + 0.5) * PERIOD / n_phases,
        response_before=np.stack([fit.before for fit in fits]),
        response_after=np.stack([fit.after for fit in fits]),
        response_error=np.stack([fit.error for fit in fits]),
        n_showers=tuple(fit.n_showers for fit in fits),
        warnings=tuple(warning for fit in fits for warning in fit.warnings),
    )


@dataclass(frozen=True)
class _RangeFit:
    """The fit of one |eta| range."""

    curves: Array
    uncertainties: Array
    loss: Array
    before: Array
    after: Array
    error: Array
    n_showers: int
    warnings: tuple[str, ...]


def _fit_range(
    profiles: PhaseProfiles, low: float, high: float, settings: FitSettings, seed: int
) -> _RangeFit:
    inside = (profiles.abs_eta >= low) & (profiles.abs_eta < high)
    chosen = profiles[inside & (profiles.kinetic_energy >= settings.min_energy)]
    where = f"{low:g} <= |eta| < {high:g}"
    if len(chosen) == 0:
        raise ValueError(
            f"phi modulation: no shower with E_kin >= {settings.min_energy / 1e3:g} GeV in "
            f"{where} ({int(inside.sum())} below); generate some or lower the energy limit"
        )
    weights = _bootstrap_weights(chosen.shower, settings.n_bootstrap, seed)
    means = mean_profiles(chosen, settings.n_phases, weights)
    # the first fit is that to all showers, the others are to bootstrap samples of them
    fits, loss = minimise_loss(means, settings)
    evidence = weigh_curves(fits)
    before = means.sum(axis=(2, 3))
    return _RangeFit(
        curves=evidence.curves,
        uncertainties=evidence.uncertainties,
        loss=loss,
        before=before[0],
        after=(means[0] / evidence.curves).sum(axis=(1, 2)),
        error=(before[1:] / before[1:].mean(axis=1, keepdims=True)).std(axis=0, ddof=1),
        n_showers=len(chosen),
        warnings=_find_warnings(evidence, chosen, settings, where),
    )


def _bootstrap_weights(
    shower: Array, n_bootstrap: int, seed: int
) -> Float64[Array, "replica event"]:
    """Give weights: 1 for all, then those of Bayesian bootstraps of whole Geant4 events."""
    # every event gets an exponential weight, which its replays share, so that no bin in T is ever
    # empty (D. B. Rubin, The Bayesian bootstrap, 1981, https://doi.org/10.1214/aos/1176345338)
    _, member = np.unique(shower, return_inverse=True)
    draws = np.random.default_rng(seed).exponential(size=(n_bootstrap, member.max() + 1))
    return np.concatenate([np.ones((1, len(shower))), draws[:, member]])


def minimise_loss(
    means: Float64[Array, "replica phase layer bin"], settings: FitSettings
) -> tuple[Float64[Array, "replica layer bin"], Float64[Array, " step"]]:
    """Minimise the loss of each resampling with Adam, from g = 1.

    Args:
        means: M of each resampling.
        settings: Weights and steps.

    Returns:
        The curves, and the loss of the first resampling after each step.
    """
    curves = np.ones((means.shape[0], *means.shape[2:]))
    profiles = np.ascontiguousarray(means.swapaxes(1, 2))  # products of matrices are fast
    first, second = np.zeros_like(curves), np.zeros_like(curves)
    history = np.empty(settings.steps)
    for step in range(settings.steps):
        loss, gradient = loss_and_gradient(curves, profiles, settings)
        history[step] = loss[0]
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        size = settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * step / settings.steps))
        unbiased = first / (1.0 - 0.9 ** (step + 1))
        scale = np.sqrt(second / (1.0 - 0.999 ** (step + 1))) + 1e-12
        curves = curves - size * unbiased / scale
        curves /= curves.mean(axis=2, keepdims=True)
    return curves, history


def loss_and_gradient(
    curves: Float64[Array, "replica layer bin"],
    profiles: Float64[Array, "replica layer phase bin"],
    settings: FitSettings,
) -> tuple[Float64[Array, " replica"], Float64[Array, "replica layer bin"]]:
    """Evaluate the loss of each resampling and its derivative with respect to g."""
    layer_energy = (profiles @ (1.0 / curves)[..., None])[..., 0].swapaxes(1, 2)
    spread, slope = _spread_and_slope(layer_energy.sum(axis=2, keepdims=True))
    layer_spread, layer_slope = _spread_and_slope(layer_energy)
    per_energy = slope + settings.layer_weight * layer_slope
    slopes = np.ascontiguousarray(per_energy.swapaxes(1, 2))[:, :, None]
    gradient = -(slopes @ profiles)[:, :, 0] / curves**2

    # curves are periodic, hence `roll`; each difference holds three bins, so its gradient too
    bend = np.roll(curves, 1, 2) - 2.0 * curves + np.roll(curves, -1, 2)
    tilt = curves - curves[:, :, ::-1]
    n_bins = curves.shape[2]
    bend_gradient = 2.0 * (np.roll(bend, 1, 2) - 2.0 * bend + np.roll(bend, -1, 2)) / n_bins
    gradient += settings.noise_weight * bend_gradient
    gradient += settings.symmetry_weight * 4.0 * tilt / n_bins
    loss = (
        spread[:, 0]
        + settings.layer_weight * layer_spread.sum(axis=1)
        + settings.noise_weight * (bend**2).mean(axis=2).sum(axis=1)
        + settings.symmetry_weight * (tilt**2).mean(axis=2).sum(axis=1)
    )
    return loss, gradient


def _spread_and_slope(
    energy: Float64[Array, "replica phase curve"],
) -> tuple[Float64[Array, "replica curve"], Float64[Array, "replica phase curve"]]:
    """Evaluate std_T(E) / mean_T(E) and its derivative with respect to each E(T)."""
    n_phases = energy.shape[1]
    level = energy.mean(axis=1, keepdims=True)
    centred = energy / level - 1.0
    spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-20)
    slope = (centred / spread - spread) / (n_phases * level)
    return spread[:, 0], slope


def _find_warnings(
    evidence: CurveEvidence, chosen: PhaseProfiles, settings: FitSettings, where: str
) -> tuple[str, ...]:
    warnings = []
    per_phase = len(chosen) / settings.n_phases
    if per_phase < settings.min_showers:
        warnings.append(
            f"{where}: only {per_phase:.1f} showers per bin of T, at least "
            f"{settings.min_showers} are needed"
        )
    for row, layer in enumerate(MODULATED_LAYERS):
        warnings += [f"{where}, layer {layer}: {note}" for note in evidence.notes(row)]
    return tuple(warnings)
