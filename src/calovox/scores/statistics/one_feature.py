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
from calovox.scores.statistics.exchange import N_EXCHANGES, Exchange, FloorSource, Tested

__all__ = ["FEWEST_OFF_MODE", "METRICS", "NotMeasured", "OneFeature", "measure_one_feature"]

METRICS: Final = ("wasserstein", "ks", "separation", "chi2_ndf")
"""Names of the distances; all but the last are 0 for equal samples."""

FEWEST_OFF_MODE: Final = 25
"""Showers of both samples together that must differ from the most frequent value."""

_MOST_CELLS: Final = 4096
_NUMBERS_PER_BATCH: Final = 2**22
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
    """Values of both samples, grouped into cells, and these into bins.

    Attributes:
        order: Showers by rising value.
        last: Place in that order of the last shower of each cell.
        value: Mean value of each cell.
        bins: First cell of each bin.
        spread: Unit of the Wasserstein distance.
    """

    order: Int64[Array, " event"]
    last: Int64[Array, " cell"]
    value: Float64[Array, " cell"]
    bins: Int64[Array, " bin"]
    spread: float

    def distances(self, is_reference: Bool[Array, "draw event"]) -> Float64[Array, "draw metric"]:
        """Compute all distances in the order of `METRICS`."""
        below_f, below_g, n, m = self._cumulative(is_reference)
        size = np.abs(below_f - below_g)[:, :-1]
        p, q = self._in_bins(below_f), self._in_bins(below_g)
        square = (p - q) ** 2
        separation = 0.5 * (square / (p + q)).sum(axis=1)
        ndf = len(self.bins) - 1
        chi2 = n * m * (square / (n * p + m * q)).sum(axis=1)
        reduced = chi2 / ndf if ndf else np.full(len(chi2), np.nan)
        wasserstein = size @ np.diff(self.value) / self.spread
        return np.stack([wasserstein, size.max(axis=1, initial=0.0), separation, reduced], axis=1)

    def uncertainties(self, is_reference: Bool[Array, " event"]) -> Float64[Array, " metric"]:
        """Estimate the uncertainties of all distances in the order of `METRICS`."""
        below_f, below_g, n, m = self._cumulative(is_reference[None])
        difference = (below_f - below_g)[0, :-1]
        part = np.concatenate([[0.0], np.cumsum(np.sign(difference) * np.diff(self.value))])
        f, g = (np.diff(below[0], prepend=0.0) for below in (below_f, below_g))
        wasserstein = np.sqrt(_variance(f, part) / n + _variance(g, part) / m) / self.spread
        at = int(np.argmax(np.abs(difference))) if len(difference) else 0
        shares = below_f[0, at], below_g[0, at]
        ks = np.sqrt(sum(s * (1.0 - s) / size for s, size in zip(shares, (n, m), strict=True)))
        p, q = self._in_bins(below_f)[0], self._in_bins(below_g)[0]
        separation = _separation_error(p, q, n, m)
        ndf = max(len(self.bins) - 1, 1)
        reduced = 2.0 * n * m / (n + m) * separation / ndf
        return np.array([wasserstein, ks, separation, reduced])

    def _cumulative(
        self, is_reference: Bool[Array, "draw event"]
    ) -> tuple[Float64[Array, "draw cell"], Float64[Array, "draw cell"], int, int]:
        """Give F and G at the end of each cell, and the sizes of the samples."""
        n = int(np.count_nonzero(is_reference[0]))
        m = len(self.order) - n
        count = np.cumsum(is_reference[:, self.order], axis=1)[:, self.last]
        return count / n, (self.last + 1 - count) / m, n, m

    def _in_bins(self, below: Float64[Array, "draw cell"]) -> Float64[Array, "draw bin"]:
        ends = np.concatenate([self.bins[1:] - 1, [len(self.last) - 1]])
        return np.diff(below[:, ends], axis=1, prepend=0.0)


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
    draws = _draw(cells, exchange, rng)
    values = cells.distances(exchange.measured[None])[0]
    errors = cells.uncertainties(exchange.measured)
    floors = draws.mean(axis=0)
    source: FloorSource = exchange.source
    if replicas is not None:
        floors, source = _replica_floors(replicas, spread), "replicas"
    as_bad = np.count_nonzero(draws >= values - 1e-9 * (1e-3 + np.abs(values)), axis=0)
    p_values = (1 + as_bad) / (len(draws) + 1)
    columns = values, errors, floors, draws.std(axis=0, ddof=1), p_values
    distances = {
        metric: Tested(value, error, floor, scatter, p_value, source)
        for metric, (value, error, floor, scatter, p_value) in zip(
            METRICS, np.transpose(columns).tolist(), strict=True
        )
        if np.isfinite(value)
    }
    return OneFeature(distances, *counts)


def _draw(
    cells: _Cells, exchange: Exchange, rng: np.random.Generator
) -> Float64[Array, "draw metric"]:
    """Measure the distances of all exchanges, some at a time."""
    size = max(1, _NUMBERS_PER_BATCH // len(cells.order))
    parts = [
        cells.distances(exchange.draws(rng, min(size, N_EXCHANGES - start)))
        for start in range(0, N_EXCHANGES, size)
    ]
    return np.concatenate(parts)


def _replica_floors(
    replicas: tuple[Float64[Array, " one"], Float64[Array, " two"]], spread: float
) -> Float64[Array, " metric"]:
    pooled = np.concatenate(replicas)
    of_first = np.arange(len(pooled)) < len(replicas[0])
    return np.asarray(_group(pooled, spread).distances(of_first[None])[0])


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
    order = np.argsort(pooled, kind="stable")
    rising = pooled[order]
    last = np.flatnonzero(np.append(np.diff(rising) > 0, True))
    if len(last) > _MOST_CELLS:
        cell = last * _MOST_CELLS // len(pooled)
        last = last[np.append(np.diff(cell) > 0, True)]
    first = np.concatenate([[0], last[:-1] + 1])
    value = np.add.reduceat(rising, first) / (last + 1 - first)
    n_bins = int(np.clip(len(pooled) // (2 * _SHOWERS_PER_BIN), *_BINS))
    starts = np.searchsorted(first, np.arange(n_bins) * len(pooled) / n_bins)
    bins = np.unique(starts[starts < len(first)]).astype(np.int64)
    return _Cells(order, last, value, bins, spread)


def _separation_error(
    p: Float64[Array, " bin"], q: Float64[Array, " bin"], n: int, m: int
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
