r"""Histograms of many features in many bins of events, filled batch by batch.

Borders come from the reference alone. The bulk of a feature (`robust_range`) is cut into
`N_BULK` fine bins, and half as many continue on either side; what lies beyond is counted, and its
distance from the outermost border added up, so that the Wasserstein distance knows of it. Memory
depends on the number of features and bins only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.scores.histograms import robust_range

__all__ = ["N_BULK", "BinnedSample", "FeatureAxes", "coarse_groups"]

N_BULK: Final = 160
"""Fine bins between the robust ends of a feature."""

_MARGIN: Final = N_BULK // 2
_N_FINE: Final = N_BULK + 2 * _MARGIN
_COARSE: Final = (10, 16, 20, 32, 40)
"""Numbers of coarse bins in the bulk; each divides `N_BULK`."""

_EVENTS_PER_BIN: Final = 25
_LEAST_WIDTH: Final = 1e-5


@dataclass(frozen=True)
class FeatureAxes:
    """Fine bins of every feature in every bin of events.

    Attributes:
        low: Lower border of the first fine bin.
        width: Width of the fine bins.
    """

    low: Float64[Array, "bin feature"]
    width: Float64[Array, "bin feature"]

    @classmethod
    def from_reference(
        cls, features: Float64[Array, "event feature"], bins: Bool[Array, "bin event"]
    ) -> "FeatureAxes":
        """Choose the fine bins.

        Args:
            features: Showers of the reference, some thousand suffice.
            bins: Which of them are in which bin of events.

        Returns:
            The fine bins; those of a bin without events hold everything.
        """
        low = np.zeros((len(bins), features.shape[1]))
        width = np.ones_like(low)
        for place, chosen in enumerate(bins):
            if not np.any(chosen):
                continue
            for column, values in enumerate(features[chosen].T):
                start, stop = _bulk(values)
                width[place, column] = (stop - start) / N_BULK
                low[place, column] = start - _MARGIN * width[place, column]
        return cls(low, width)

    def select(self, columns: Sequence[int]) -> "FeatureAxes":
        """Return the bins of some of the features."""
        return FeatureAxes(self.low[:, columns], self.width[:, columns])


@dataclass(frozen=True)
class BinnedSample:
    """Histograms of a sample; lengths are in units of the fine bins, from the first border.

    Attributes:
        axes: The fine bins.
        counts: Events below the first border, in the fine bins, and above the last.
        below: Sum of the distances of events below the first border from it.
        above: Sum of the distances of events above the last border from it.
        total: Sum of the feature.
        squares: Sum of its squares.
    """

    axes: FeatureAxes
    counts: Int64[Array, "bin feature all_fine"] = field(init=False)
    below: Float64[Array, "bin feature"] = field(init=False)
    above: Float64[Array, "bin feature"] = field(init=False)
    total: Float64[Array, "bin feature"] = field(init=False)
    squares: Float64[Array, "bin feature"] = field(init=False)

    def __post_init__(self) -> None:
        shape = self.axes.low.shape
        object.__setattr__(self, "counts", np.zeros((*shape, _N_FINE + 2), dtype=np.int64))
        for name in ("below", "above", "total", "squares"):
            object.__setattr__(self, name, np.zeros(shape))

    def fill(
        self, features: Float64[Array, "event feature"], bins: Bool[Array, "bin event"]
    ) -> None:
        """Add events.

        Args:
            features: Their features, all finite.
            bins: Which of them are in which bin of events.
        """
        columns = np.arange(features.shape[1]) * (_N_FINE + 2)
        for place, chosen in enumerate(bins):
            if not np.any(chosen):
                continue
            x = (features[chosen] - self.axes.low[place]) / self.axes.width[place]
            position = np.clip(np.floor(x) + 1, 0, _N_FINE + 1).astype(np.int64) + columns
            added = np.bincount(position.reshape(-1), minlength=self.counts[place].size)
            self.counts[place] += added.reshape(self.counts[place].shape)
            self.below[place] += np.maximum(-x, 0.0).sum(axis=0)
            self.above[place] += np.maximum(x - _N_FINE, 0.0).sum(axis=0)
            self.total[place] += x.sum(axis=0)
            self.squares[place] += (x**2).sum(axis=0)

    def n_events(self, place: int) -> int:
        """Return the number of events in a bin of events."""
        return int(self.counts[place, 0].sum())

    def spread(self, place: int, column: int) -> float:
        """Return the standard deviation of a feature in fine bins; 1 if all values agree."""
        n_events = max(self.n_events(place), 1)
        mean = self.total[place, column] / n_events
        variance = self.squares[place, column] / n_events - mean**2
        return float(np.sqrt(variance)) if variance > 1e-9 else 1.0


def coarse_groups(n_events: int) -> Int64[Array, " group"]:
    """Choose coarse bins: what lies below the bulk, equal parts of the bulk, what lies above.

    Args:
        n_events: Events of the reference, 25 for each part of the bulk if there are enough.

    Returns:
        First of the fine bins of each coarse one, underflow included.

    Example:
        >>> coarse_groups(300)[:3], len(coarse_groups(300)), len(coarse_groups(100_000))
        (array([ 0, 81, 97]), 12, 42)
    """
    n_parts = max([n for n in _COARSE if n * _EVENTS_PER_BIN <= n_events], default=_COARSE[0])
    parts = 1 + _MARGIN + np.arange(n_parts + 1) * (N_BULK // n_parts)
    return np.concatenate([[0], parts]).astype(np.int64)


def _bulk(values: Float64[Array, " event"]) -> tuple[float, float]:
    """Find where nearly all values are, with some width even if they agree."""
    start, stop = robust_range(values)
    if stop - start <= _LEAST_WIDTH * max(abs(start), abs(stop)):
        start, stop = float(values.min()), float(values.max())
    if stop - start <= _LEAST_WIDTH * max(abs(start), abs(stop)):
        margin = 0.5 * max(abs(start), 1.0)
        start, stop = start - margin, stop + margin
    return start, stop
