r"""Distances of two samples in one feature, from the values themselves.

With F and G the cumulative distributions of the reference (n showers) and of the simulation (m),
and p and q their shares of bins that hold equal parts of both samples together,

$$W_1 = \frac{1}{\sigma} \int |F - G| \, dx, \quad D = \max_x |F - G|, \quad
S = \frac{1}{2} \sum_i \frac{(p_i - q_i)^2}{p_i + q_i}, \quad
\frac{\chi^2}{ndf} = \frac{n m}{k - 1} \sum_i \frac{(p_i - q_i)^2}{n p_i + m q_i}$$

with k bins. Sigma is the standard deviation of the reference, winsorised at 0.1 % on
either side; the integral is not, so that W_1 sees the tails. More than `_MOST_VALUES`
values are grouped into `_CELLS` cells of equal content before all else; the outermost showers
have cells of their own.

**A feature that is nearly constant** has a distance only if `FEWEST_OFF_MODE` showers of both
samples together differ from the most frequent value by more than rounding; otherwise how many
differ is all there is to say.

**Uncertainties** are those of the linearised distances (the delta method), with the sign of F - G
and the place of its maximum kept fixed: for W_1 from each shower's own part in the integral, as
far out as it lies. Floors and p-values are by exchange (`exchange`). Where hardly an exchange
gives as large a chi2, its p-value is that of a scaled chi2 distribution with the mean and the
width that the exchanges have.

References:
    A. W. van der Vaart, *Asymptotic Statistics*, Cambridge (1998), chapters 3 and 19
    C. Villani, *Optimal Transport*, Springer (2009)
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float32, Float64, Int64
from calovox.scores.statistics.exchange import (
    Division,
    Tested,
    beside_draws,
    with_gamma_tail,
)

__all__ = ["FEWEST_OFF_MODE", "METRICS", "NotMeasured", "OneFeature", "measure_one_feature"]

METRICS: Final = ("wasserstein", "ks", "separation", "chi2_ndf")
"""Names of the distances; all but the last are 0 for equal samples."""

FEWEST_OFF_MODE: Final = 25
"""Showers of both samples together that must differ from the most frequent value."""

# many showers: the cost of an exchange is the number of cells, not that of showers
_MOST_VALUES: Final = 768
_CELLS: Final = 320
_SINGLE: Final = 32
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
    """Values of both samples, grouped into cells, and these into bins."""

    counts: Float32[Array, "unit cell"]  # showers of each unit
    value: Float64[Array, " cell"]  # the mean
    bins: Int64[Array, " bin"]  # first cell of each
    spread: float  # unit of the Wasserstein distance

    def distances(self, is_reference: Bool[Array, "draw unit"]) -> Float64[Array, "draw metric"]:
        """Compute all distances in the order of `METRICS`."""
        first, total, n, m = self._in_reference(is_reference)
        # first / n - (total - first) / m, with one pass less over the largest array
        difference = first * (1.0 / n + 1.0 / m) - total / m
        size = np.abs(np.cumsum(difference, axis=1)[:, :-1])
        in_bins = np.add.reduceat(first, self.bins, axis=1)
        p, q = in_bins / n, (np.add.reduceat(total, self.bins) - in_bins) / m
        square = (p - q) ** 2
        separation = 0.5 * (square / (p + q)).sum(axis=1)
        ndf = len(self.bins) - 1
        chi2 = (n * m * square / (n * p + m * q)).sum(axis=1)
        reduced = chi2 / ndf if ndf else np.full(len(chi2), np.nan)
        wasserstein = size @ np.diff(self.value) / self.spread
        return np.stack([wasserstein, size.max(axis=1, initial=0.0), separation, reduced], axis=1)

    def uncertainties(self, is_reference: Bool[Array, " unit"]) -> Float64[Array, " metric"]:
        """Estimate the uncertainties of all distances in the order of `METRICS`."""
        first, total, *sizes = self._in_reference(is_reference[None])
        n, m = (float(size[0, 0]) for size in sizes)
        f, g = first[0] / n, (total - first[0]) / m
        below_f, below_g = np.cumsum(f), np.cumsum(g)
        difference = (below_f - below_g)[:-1]
        # W_1 is the difference of the means of this over both samples
        part = np.concatenate([[0.0], np.cumsum(np.sign(difference) * np.diff(self.value))])
        wasserstein = np.sqrt(_variance(f, part) / n + _variance(g, part) / m) / self.spread
        # F and G at the maximum are binomial shares
        at = int(np.argmax(np.abs(difference))) if len(difference) else 0
        both = below_f[at], below_g[at]
        variance = sum(s * (1.0 - s) / size for s, size in zip(both, (n, m), strict=True))
        ks = np.sqrt(max(variance, 0.0))
        p, q = (np.add.reduceat(share, self.bins) for share in (f, g))
        separation = _separation_error(p, q, n, m)
        ndf = max(len(self.bins) - 1, 1)
        # chi2 is 2 n m / (n + m) S where p and q are nearly equal
        reduced = 2.0 * n * m / (n + m) * separation / ndf
        return np.array([wasserstein, ks, separation, reduced])

    def _in_reference(self, is_reference: Bool[Array, "draw unit"]) -> tuple[Array, ...]:
        """Count the showers of the reference in the cells, all showers there, and both sizes."""
        # float32 holds counts exactly
        first = (is_reference.astype(np.float32) @ self.counts).astype(np.float64)
        total = self.counts.sum(axis=0, dtype=np.float64)
        n = first.sum(axis=1, keepdims=True)
        return first, total, n, total.sum() - n


def measure_one_feature(
    reference: Float64[Array, " event"],
    simulated: Float64[Array, " other"],
    rng: np.random.Generator,
    *,
    same_photons: bool = False,
    division: Division | None = None,
) -> OneFeature | NotMeasured:
    """Measure how far two samples are apart in one feature.

    Args:
        reference: The feature of the reference, two showers or more, all finite.
        simulated: That of the simulation, likewise.
        rng: Chooses the exchanges.
        same_photons: Whether shower i of both samples is of the same photon.
        division: How showers change sides, to be shared by many features; made if not given.

    Returns:
        The distances, or why there are none.
    """
    pooled = np.concatenate([reference, simulated])
    order = np.argsort(pooled)
    rising = pooled[order]
    of_reference = order < len(reference)
    off = _differs_from_mode(rising)
    counts = int(off[of_reference].sum()), int(off[~of_reference].sum())
    if sum(counts) < FEWEST_OFF_MODE:
        return NotMeasured(_too_few_off_mode(sum(counts)), *counts)
    spread = _spread(rising[of_reference]) or _spread(rising) or float(rising.std())
    if division is None:
        sizes = len(reference), len(simulated)
        division = Division.at_random(*sizes, rng, same_photons=same_photons)
    measured = division.exchange.measured
    cells = _group(rising, division.units[order], spread)
    values = cells.distances(np.concatenate([measured[None], division.draws]))
    found = beside_draws(
        values[0],
        cells.uncertainties(measured),
        values[1:],
        division.exchange.source,
    )
    distances = {
        metric: with_gamma_tail(entry) if metric == "chi2_ndf" else entry
        for metric, entry in zip(METRICS, found, strict=True)
        if np.isfinite(entry.value)
    }
    return OneFeature(distances, *counts)


def _too_few_off_mode(n_showers: int) -> str:
    return (
        f"{n_showers} showers of both samples differ from the most frequent value, "
        f"{FEWEST_OFF_MODE} are needed"
    )


def _differs_from_mode(rising: Float64[Array, " event"]) -> Bool[Array, " event"]:
    """Tell which values differ from the most frequent one by more than rounding."""
    scale = max(abs(float(rising[0])), abs(float(rising[-1])))
    if scale == 0.0:
        return np.zeros(len(rising), dtype=bool)
    rounded = np.round(rising / (scale * _ROUNDING))
    starts = np.flatnonzero(np.append(True, np.diff(rounded) > 0))
    mode = rounded[starts[np.argmax(np.diff(starts, append=len(rising)))]]
    return np.asarray(np.abs(rounded - mode) > 1.0)


def _spread(rising: Float64[Array, " event"]) -> float:
    """Compute the winsorised standard deviation; 0 if it is rounding."""
    place = _WINSORISED * (len(rising) - 1)
    ends = np.interp([place, len(rising) - 1 - place], np.arange(len(rising)), rising)
    spread = float(np.clip(rising, *ends).std())
    return spread if spread > _ROUNDING * float(np.abs(rising[[0, -1]]).max()) else 0.0


def _group(
    rising: Float64[Array, " event"], units: Int64[Array, " event"], spread: float
) -> _Cells:
    """Group values into cells, and cells into bins, by both samples together."""
    n_events = len(rising)
    last = np.flatnonzero(np.append(np.diff(rising) > 0, True))
    if len(last) > _MOST_VALUES:
        cell = np.searchsorted(_cell_ends(n_events), last)
        last = last[np.append(np.diff(cell) > 0, True)]
    first = np.concatenate([[0], last[:-1] + 1])
    value = np.add.reduceat(rising, first) / (last + 1 - first)
    n_bins = int(np.clip(n_events // (2 * _SHOWERS_PER_BIN), *_BINS))
    starts = np.searchsorted(first, np.arange(n_bins) * n_events / n_bins)
    bins = np.unique(starts[starts < len(first)]).astype(np.int64)
    shape = (int(units.max()) + 1, len(last))
    of_cell = np.repeat(np.arange(len(last)), last + 1 - first)
    counts = np.bincount(units * shape[1] + of_cell, minlength=shape[0] * shape[1])
    return _Cells(counts.reshape(shape).astype(np.float32), value, bins, spread)


def _cell_ends(n_events: int) -> Int64[Array, " cell"]:
    """Give the last places of cells of equal content, with single showers in the tails."""
    tail = np.arange(_SINGLE)
    equal = np.linspace(0, n_events - 1, _CELLS)
    ends = np.concatenate([tail, equal, n_events - 1 - tail])
    return np.unique(ends.astype(np.int64))


def _separation_error(
    p: Float64[Array, " bin"], q: Float64[Array, " bin"], n: float, m: float
) -> float:
    """Estimate the error of the separation: the linear part, and what is left without it."""
    total = (p + q) ** 2
    slopes = 0.5 * (p - q) * (p + 3.0 * q) / total, 0.5 * (q - p) * (q + 3.0 * p) / total
    variance = _variance(p, slopes[0]) / n + _variance(q, slopes[1]) / m
    noise = 0.25 * (1.0 / n + 1.0 / m) * np.sqrt(2.0 * (len(p) - 1))
    return float(np.sqrt(variance + noise**2))


def _variance(share: Float64[Array, " cell"], value: Float64[Array, " cell"]) -> float:
    mean = float(share @ value)
    return max(float(share @ value**2) - mean**2, 0.0)
