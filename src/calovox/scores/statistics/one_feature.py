r"""Distances of two samples in one feature, from the values themselves.

With F and G the cumulative distributions of the reference (n showers) and of the simulation (m),
and p and q their shares of bins that hold equal parts of both samples together,

$$W_1 = \frac{1}{\sigma} \int |F - G| \, dx, \quad D = \max_x |F - G|, \quad
S = \frac{1}{2} \sum_i \frac{(p_i - q_i)^2}{p_i + q_i}, \quad
\frac{\chi^2}{ndf} = \frac{n m}{k - 1} \sum_i \frac{(p_i - q_i)^2}{n p_i + m q_i}$$

with k bins. Sigma is the standard deviation of the reference, winsorised at 0.1 % on
either side; the integral is not, so that W_1 sees the tails. Of many showers, the values are
grouped into `_MOST_CELLS` cells of equal content before all else.

**A feature that is nearly constant** has a distance only if `FEWEST_OFF_MODE` showers of both
samples together differ from the most frequent value by more than rounding; otherwise how many
differ is all there is to say.

**Uncertainties** are those of the linearised distances (the delta method), with the sign of F - G
and the place of its maximum kept fixed: for W_1 from each shower's own part in the integral, as
far out as it lies. Floors and p-values are by exchange (`exchange`).

References:
    A. W. van der Vaart, *Asymptotic Statistics*, Cambridge (1998), chapters 3 and 19
    C. Villani, *Optimal Transport*, Springer (2009)
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.scores.statistics.exchange import Exchange, Tested

__all__ = ["FEWEST_OFF_MODE", "METRICS", "NotMeasured", "OneFeature", "measure_one_feature"]

METRICS: Final = ("wasserstein", "ks", "separation", "chi2_ndf")
"""Names of the distances; all but the last are 0 for equal samples."""

FEWEST_OFF_MODE: Final = 25
"""Showers of both samples together that must differ from the most frequent value."""

_MOST_CELLS: Final = 4096
_SHOWERS_PER_BIN: Final = 50
_BINS: Final = (4, 40)
_WINSORISED: Final = 0.001
_ROUNDING: Final = 1e-6


@dataclass(frozen=True)
class NotMeasured:
    """A feature without distances, and why.

    Attributes:
        reason: One sentence.
        off_mode_reference: Showers of the reference that differ from the most frequent value.
        off_mode_simulated: Showers of the simulation that do.
    """

    reason: str
    off_mode_reference: int
    off_mode_simulated: int


@dataclass(frozen=True)
class OneFeature:
    """Distances in one feature.

    Attributes:
        distances: The distances by name.
        off_mode_reference: Showers of the reference that differ from the most frequent value.
        off_mode_simulated: Showers of the simulation that do.
    """

    distances: dict[str, Tested]
    off_mode_reference: int
    off_mode_simulated: int


@dataclass(frozen=True)
class _Cells:
    """Values of both samples, grouped."""

    place: Int64[Array, " event"]
    value: Float64[Array, " cell"]
    bins: Int64[Array, " bin"]
    spread: float

    def distances(self, is_reference: Bool[Array, " event"]) -> Float64[Array, " metric"]:
        """Compute all distances in the order of `METRICS`."""
        n, m = np.count_nonzero(is_reference), np.count_nonzero(~is_reference)
        f, g = self._shares(is_reference)
        size = np.abs(np.cumsum(f - g))[:-1]
        p, q = np.add.reduceat(f, self.bins), np.add.reduceat(g, self.bins)
        separation = 0.5 * float(np.sum((p - q) ** 2 / (p + q)))
        ndf = len(self.bins) - 1
        chi2 = n * m * float(np.sum((p - q) ** 2 / (n * p + m * q)))
        reduced = chi2 / ndf if ndf else np.nan
        wasserstein = float(size @ np.diff(self.value)) / self.spread
        return np.array([wasserstein, size.max(initial=0.0), separation, reduced])

    def uncertainties(self, is_reference: Bool[Array, " event"]) -> Float64[Array, " metric"]:
        """Estimate the uncertainties of all distances in the order of `METRICS`."""
        n, m = np.count_nonzero(is_reference), np.count_nonzero(~is_reference)
        f, g = self._shares(is_reference)
        difference = np.cumsum(f - g)[:-1]
        part = np.concatenate([[0.0], np.cumsum(np.sign(difference) * np.diff(self.value))])
        wasserstein = np.sqrt(_variance(f, part) / n + _variance(g, part) / m) / self.spread
        at = int(np.argmax(np.abs(difference))) if len(difference) else 0
        below = f[: at + 1].sum(), g[: at + 1].sum()
        ks = np.sqrt(sum(s * (1.0 - s) / size for s, size in zip(below, (n, m), strict=True)))
        separation, noise = self._separation_error(f, g, (n, m))
        ndf = max(len(self.bins) - 1, 1)
        reduced = 2.0 * n * m / (n + m) * np.hypot(separation, noise) / ndf
        return np.array([wasserstein, ks, np.hypot(separation, noise), reduced])

    def _shares(
        self, is_reference: Bool[Array, " event"]
    ) -> tuple[Float64[Array, " cell"], Float64[Array, " cell"]]:
        samples = [
            np.bincount(self.place[s], minlength=len(self.value))
            for s in (is_reference, ~is_reference)
        ]
        return samples[0] / samples[0].sum(), samples[1] / samples[1].sum()

    def _separation_error(
        self, f: Float64[Array, " cell"], g: Float64[Array, " cell"], sizes: tuple[int, int]
    ) -> tuple[float, float]:
        """Give the linear part of the error, and that which is left without a difference."""
        p, q = np.add.reduceat(f, self.bins), np.add.reduceat(g, self.bins)
        total = (p + q) ** 2
        slopes = 0.5 * (p - q) * (p + 3.0 * q) / total, 0.5 * (q - p) * (q + 3.0 * p) / total
        variance = _variance(p, slopes[0]) / sizes[0] + _variance(q, slopes[1]) / sizes[1]
        per_bin = 0.25 * (1.0 / sizes[0] + 1.0 / sizes[1])
        return float(np.sqrt(variance)), float(per_bin * np.sqrt(2.0 * (len(p) - 1)))


def measure_one_feature(
    reference: Float64[Array, " event"],
    simulated: Float64[Array, " other"],
    rng: np.random.Generator,
    *,
    same_photons: bool = False,
    replicas: tuple[Float64[Array, " one"], Float64[Array, " two"]] | None = None,
) -> OneFeature | NotMeasured:
    """Measure how far two samples are apart in one feature.

    Args:
        reference: The feature of the reference, two showers or more, all finite.
        simulated: That of the simulation, likewise.
        rng: Chooses the exchanges.
        same_photons: Whether shower i of both samples is of the same photon.
        replicas: The feature of two samples of one law, the model's or Geant4's, of the same
            photons and sizes: they give the floor.

    Returns:
        The distances, or why there are none.
    """
    pooled = np.concatenate([reference, simulated])
    off = _differs_from_mode(pooled)
    counts = int(off[: len(reference)].sum()), int(off[len(reference) :].sum())
    if sum(counts) < FEWEST_OFF_MODE:
        reason = (
            f"{sum(counts)} showers of both samples differ from the most frequent value, "
            f"{FEWEST_OFF_MODE} are needed"
        )
        return NotMeasured(reason, *counts)
    spread = _spread(reference) or _spread(pooled) or float(pooled.std())
    cells = _group(pooled, spread)
    exchange = Exchange(len(reference), len(simulated), same_photons)
    draws = np.array([cells.distances(units) for units in exchange.draws(rng)])
    values, errors = cells.distances(exchange.measured), cells.uncertainties(exchange.measured)
    floors, source = draws.mean(axis=0), exchange.source
    if replicas is not None:
        floors, source = _replica_floors(replicas, spread), "replicas"
    as_bad = np.count_nonzero(draws >= values - 1e-9 * np.abs(values), axis=0)
    p_values = (1 + as_bad) / (len(draws) + 1)
    columns = values, errors, floors, draws.std(axis=0, ddof=1), p_values
    distances = {
        metric: Tested(*map(float, row), floor_source=source)
        for metric, row in zip(METRICS, np.transpose(columns), strict=True)
        if np.isfinite(row).all()
    }
    return OneFeature(distances, *counts)


def _replica_floors(
    replicas: tuple[Float64[Array, " one"], Float64[Array, " two"]], spread: float
) -> Float64[Array, " metric"]:
    pooled = np.concatenate(replicas)
    return _group(pooled, spread).distances(np.arange(len(pooled)) < len(replicas[0]))


def _differs_from_mode(values: Float64[Array, " event"]) -> Bool[Array, " event"]:
    """Tell which values differ from the most frequent one by more than rounding."""
    scale = np.abs(values).max(initial=0.0)
    rounded = np.round(values / scale / _ROUNDING) if scale > 0 else np.zeros_like(values)
    found, count = np.unique(rounded, return_counts=True)
    mode = found[np.argmax(count)]
    return np.asarray(np.abs(rounded - mode) > 1.0)


def _spread(values: Float64[Array, " event"]) -> float:
    """Compute the winsorised standard deviation; 0 if it is rounding."""
    ends = np.quantile(values, (_WINSORISED, 1.0 - _WINSORISED))
    spread = float(np.clip(values, *ends).std())
    return spread if spread > _ROUNDING * float(np.abs(values).max(initial=0.0)) else 0.0


def _group(pooled: Float64[Array, " event"], spread: float) -> _Cells:
    """Group values into cells, and cells into bins, by both samples together."""
    value, place, count = np.unique(pooled, return_inverse=True, return_counts=True)
    if len(value) > _MOST_CELLS:
        cell = (np.cumsum(count) - count) * _MOST_CELLS // len(pooled)
        _, cell = np.unique(cell, return_inverse=True)
        content = np.bincount(cell, weights=count)
        value = np.bincount(cell, weights=count * value) / content
        place, count = cell[place], content
    n_bins = int(np.clip(len(pooled) // (2 * _SHOWERS_PER_BIN), *_BINS))
    below = (np.cumsum(count) - count) / len(pooled)
    bins = np.unique(np.searchsorted(below, np.arange(n_bins) / n_bins - 1e-12))
    return _Cells(place, value, bins[bins < len(value)].astype(np.int64), spread)


def _variance(share: Float64[Array, " cell"], value: Float64[Array, " cell"]) -> float:
    mean = float(share @ value)
    return max(float(share @ value**2) - mean**2, 0.0)
