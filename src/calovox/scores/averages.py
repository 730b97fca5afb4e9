"""Averages over events: shifts of the same events in two samples, and profiles in bins.

If simulation and reference have the same photons, `paired_difference` sees shifts far smaller than
a comparison of histograms can.
"""

from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float, Float64, Int64

__all__ = ["Paired", "Profile", "paired_difference", "profile"]


@dataclass(frozen=True)
class Paired:
    """Event-by-event difference, simulated minus reference.

    Attributes:
        n_events: Events found in both samples.
        mean: Mean difference, in the unit of the observable.
        mean_error: Statistical error of the mean difference.
        rms_difference: Standard deviation of the difference.
        rms_observable: Standard deviation of the observable in the reference.
    """

    n_events: int
    mean: float
    mean_error: float
    rms_difference: float
    rms_observable: float

    @property
    def shift(self) -> float:
        """Mean difference in units of the observable's standard deviation."""
        return _ratio(self.mean, self.rms_observable)

    @property
    def shift_error(self) -> float:
        """Statistical error of `shift`."""
        return _ratio(self.mean_error, self.rms_observable)

    @property
    def spread(self) -> float:
        """Standard deviation of the difference over that of the observable."""
        return _ratio(self.rms_difference, self.rms_observable)


@dataclass(frozen=True)
class Profile:
    """Mean and standard deviation of y in bins of x; NaN where a bin has too few events.

    Attributes:
        edges: Borders of the bins in x.
        count: Events in each bin.
        mean: Mean of y.
        mean_error: Statistical error of the mean.
        rms: Standard deviation of y.
        rms_error: Statistical error of the standard deviation, for a normal distribution.
    """

    edges: Float64[Array, " edge"]
    count: Int64[Array, " bin"]
    mean: Float64[Array, " bin"]
    mean_error: Float64[Array, " bin"]
    rms: Float64[Array, " bin"]
    rms_error: Float64[Array, " bin"]

    @property
    def centers(self) -> Float64[Array, " bin"]:
        """Middle of each bin."""
        return np.asarray(0.5 * (self.edges[1:] + self.edges[:-1]))


def paired_difference(
    reference: Float[Array, " event"], simulated: Float[Array, " event"]
) -> Paired:
    """Compare the same events in two samples.

    Args:
        reference: The observable of each event.
        simulated: The observable of the same events, in the same order.

    Returns:
        Mean and spread of the difference.

    Raises:
        ValueError: If there are under two events.
    """
    if len(reference) < 2:
        raise ValueError(f"reference: expected at least two events, got {len(reference)}")
    difference = np.asarray(simulated, dtype=np.float64) - reference
    rms = float(difference.std(ddof=1))
    return Paired(
        n_events=len(difference),
        mean=float(difference.mean()),
        mean_error=rms / len(difference) ** 0.5,
        rms_difference=rms,
        rms_observable=float(np.std(np.asarray(reference, dtype=np.float64), ddof=1)),
    )


def profile(
    x: Float[Array, " event"],
    y: Float[Array, " event"],
    edges: Float64[Array, " edge"],
    *,
    fewest: int = 2,
) -> Profile:
    """Average y in bins of x.

    Args:
        x: Where each event is; events outside the borders are left out.
        y: What is averaged.
        edges: Rising borders of the bins.
        fewest: Events that a bin needs, two or more.

    Returns:
        Mean and standard deviation in each bin, with statistical errors.
    """
    n_bins = len(edges) - 1
    inside = (x >= edges[0]) & (x < edges[-1])
    bins = np.searchsorted(edges, x[inside], side="right") - 1
    count = np.bincount(bins, minlength=n_bins)
    enough = count >= fewest
    number = np.where(enough, count, 1)
    mean = np.bincount(bins, y[inside], minlength=n_bins) / number
    squares = np.bincount(bins, (y[inside] - mean[bins]) ** 2, minlength=n_bins)
    rms = np.sqrt(squares / np.maximum(number - 1, 1))

    def known(values: Float64[Array, " bin"]) -> Float64[Array, " bin"]:
        return np.where(enough, values, np.nan)

    return Profile(
        edges=np.asarray(edges, dtype=np.float64),
        count=count.astype(np.int64),
        mean=known(mean),
        mean_error=known(rms / np.sqrt(number)),
        rms=known(rms),
        rms_error=known(rms / np.sqrt(2.0 * np.maximum(number - 1, 1))),
    )


def _ratio(value: float, scale: float) -> float:
    return value / scale if scale > 0 else float("nan")
