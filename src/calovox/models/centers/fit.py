"""The fit of the centres of showers: a few rounds of least squares, then quantiles of the rest."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from scipy.stats import norm

from calovox.arrays import Array, Float64
from calovox.models.centers.model import CenterModel, hats, pulls, scale_terms
from calovox.models.centers.showers import CenterShowers

__all__ = ["fit_centers"]

_ENERGY_KNOTS: Final = np.array([8.0, 9.0, 10.0, 11.0, 12.0, 14.0, 16.0, 18.0, 20.0])
_ETA_KNOTS: Final = np.array([0.0, 0.4, 0.7, 0.8, 0.9, 1.1, 1.35])
_BIAS_KNOTS: Final = np.array(
    [0.0, 0.02, 0.1, 0.2, 0.4, 0.6, 0.74, 0.785, 0.8, 0.81, 0.84, 0.9, 1.1, 1.35]
)
_QUANTILE_KNOTS: Final = np.array([8.0, 9.0, 11.0, 14.0, 17.0])
_LEVELS: Final = np.linspace(-2.8, 2.8, 29)
_FEWEST: Final = 500
_ROUNDS: Final = 5
_SMALLEST: Final = 1e-3  # mm: logarithms of smaller distances would count too much
_SOFT: Final = 1e-4
_FURTHEST: Final = 4.0
_NEAR: Final = 0.5
_LOG_OF_NORMAL: Final = 0.635  # the logarithm of a normal number's size is -0.635 on average


def fit_centers(
    showers: CenterShowers,
    offsets: Float64[Array, "event axis"],
    *,
    provenance: dict[str, Any] | None = None,
) -> CenterModel:
    """Fit the centres of showers.

    Args:
        showers: Showers with known photons, of all energies and |eta| that are wanted.
        offsets: Centre less impact along eta and phi in mm.
        provenance: Where the showers come from.

    Returns:
        The model.

    Raises:
        ValueError: If there are too few showers.
    """
    if len(showers) < _FEWEST:
        raise ValueError(
            f"centres of showers: expected {_FEWEST} showers or more, got {len(showers)}"
        )
    model = _unfitted(provenance or {})
    for _ in range(_ROUNDS):
        model = _fit_scale(model, showers, offsets)
        model = _fit_mean(model, showers, offsets)
    return _fit_quantiles(model, showers, offsets)


def _unfitted(provenance: dict[str, Any]) -> CenterModel:
    octaves = len(_QUANTILE_KNOTS)
    return CenterModel(
        energy_knots=_ENERGY_KNOTS,
        scale_energy=np.zeros(len(_ENERGY_KNOTS)),
        eta_knots=_ETA_KNOTS,
        scale_eta=np.zeros(len(_ETA_KNOTS)),
        scale_total=np.zeros(2),
        scale_presampler=np.zeros(2),
        bias_knots=_BIAS_KNOTS,
        bias=np.zeros(len(_BIAS_KNOTS)),
        pull=np.zeros((2, len(_ENERGY_KNOTS))),
        quantile_knots=_QUANTILE_KNOTS,
        levels=_LEVELS,
        quantiles=np.tile(_LEVELS, (2, octaves, 1)),
        provenance=provenance,
    )


def _fit_scale(
    model: CenterModel, showers: CenterShowers, offsets: Float64[Array, "event axis"]
) -> CenterModel:
    """Regress the logarithm of the distance from the mean; its height is left to q."""
    residuals = offsets - model.mean(showers, model.scale(showers))
    distance = np.log(np.maximum(np.abs(residuals), _SMALLEST)).mean(axis=1)
    parts = [
        hats(showers.log_energy, _ENERGY_KNOTS),
        hats(showers.abs_eta, _ETA_KNOTS)[:, 1:],  # s_eta is 0 at the first knot
        scale_terms(showers),
    ]
    n_energy, n_eta = len(_ENERGY_KNOTS), len(_ETA_KNOTS)
    numbers = _solve(np.concatenate(parts, axis=1), distance + _LOG_OF_NORMAL)
    return replace(
        model,
        scale_energy=numbers[:n_energy],
        scale_eta=np.concatenate([[0.0], numbers[n_energy : n_energy + n_eta - 1]]),
        scale_total=numbers[-4:-2],
        scale_presampler=numbers[-2:],
    )


def _fit_mean(
    model: CenterModel, showers: CenterShowers, offsets: Float64[Array, "event axis"]
) -> CenterModel:
    """Fit b, along eta, and a, along both axes; showers far in the tails pull no further."""
    scale = model.scale(showers)
    mean = model.mean(showers, scale) / scale[:, None]
    wanted = mean + np.clip(offsets / scale[:, None] - mean, -_FURTHEST, _FURTHEST)
    energy = hats(showers.log_energy, _ENERGY_KNOTS)
    place = hats(showers.abs_eta, _BIAS_KNOTS) / scale[:, None]
    moments = pulls(showers, scale)
    rows = [
        np.concatenate(
            [place * (axis == 0), *(energy * moments[:, [layer], axis] for layer in range(2))],
            axis=1,
        )
        for axis in range(2)
    ]
    numbers = _solve(np.concatenate(rows), wanted.T.ravel())
    n_places = len(_BIAS_KNOTS)
    return replace(model, bias=numbers[:n_places], pull=numbers[n_places:].reshape(2, -1))


def _fit_quantiles(
    model: CenterModel, showers: CenterShowers, offsets: Float64[Array, "event axis"]
) -> CenterModel:
    """Take quantiles of what is left; those along phi are symmetric, as the detector is."""
    scale = model.scale(showers)
    rest = (offsets - model.mean(showers, scale)) / scale[:, None]
    weights = hats(showers.log_energy, _QUANTILE_KNOTS)
    quantiles = np.empty_like(model.quantiles)
    for octave in range(len(_QUANTILE_KNOTS)):
        number = max(int((weights[:, octave] > _NEAR).sum()), _FEWEST // 2)
        distance = np.abs(showers.log_energy - _QUANTILE_KNOTS[octave])
        along_eta, along_phi = rest[np.argsort(distance, kind="stable")[:number]].T
        levels = norm.cdf(_LEVELS)
        quantiles[0, octave] = np.quantile(along_eta, levels)
        quantiles[1, octave] = np.quantile(np.concatenate([along_phi, -along_phi]), levels)
    return replace(model, quantiles=quantiles)


def _solve(
    matrix: Float64[Array, "row number"], wanted: Float64[Array, " row"]
) -> Float64[Array, " number"]:
    """Solve least squares; a knot that no shower is near gets 0."""
    square = matrix.T @ matrix
    square += np.diag(np.maximum(_SOFT * np.diag(square), _SOFT))
    return np.asarray(np.linalg.solve(square, matrix.T @ wanted))
