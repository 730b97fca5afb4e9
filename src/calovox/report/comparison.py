"""One observable of a reference and of simulations: what histograms with ratio panels show.

The bins come from the reference. The floor is chi2/ndf of random halves of the reference against
each other. A simulation that uses the voxels of the same events has a chi2/ndf below it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chi2

from calovox.arrays import Array, Float64
from calovox.scores.averages import Paired
from calovox.scores.histograms import (
    Chi2,
    Floor,
    Histogram,
    chi2_of_histograms,
    choose_edges,
    fill_histogram,
    split_floor,
)
from calovox.scores.table import Score

__all__ = [
    "FEWEST_EVENTS",
    "SPLIT_SEED",
    "ObservableResult",
    "SimulatedResult",
    "compare_values",
    "score_chi2",
    "with_events",
]

FEWEST_EVENTS: Final = 50
"""Events of the reference below which nothing is compared."""

SPLIT_SEED: Final = 2025
"""Seed of the random halves."""


@dataclass(frozen=True)
class SimulatedResult:
    """One observable of one simulation in one region.

    Attributes:
        label: Name of the simulation.
        place: Its place in the report, from 0: gives its colour.
        histogram: Its events, in the bins of the reference.
        chi2: Comparison with the reference.
        paired: Event-by-event difference; none where the samples share no events.
    """

    label: str
    place: int
    histogram: Histogram
    chi2: Chi2
    paired: Paired | None


@dataclass(frozen=True)
class ObservableResult:
    """One observable in one region.

    Attributes:
        name: Name of the observable.
        reference: Histogram of the reference.
        floor: Reference against itself.
        simulated: One result per simulation.
    """

    name: str
    reference: Histogram
    floor: Floor
    simulated: tuple[SimulatedResult, ...]


def compare_values(
    name: str,
    values: Sequence[Float64[Array, " _"]],
    simulated: Sequence[tuple[str, int]],
) -> ObservableResult:
    """Compare one observable of any events, in bins chosen from the reference.

    Args:
        name: Name of the observable.
        values: The observable of the reference's events, then of those of each simulation.
        simulated: Name and place in the report of each simulation.

    Returns:
        Histograms, chi2 and floor; nothing event by event.
    """
    edges = _whole_edges(choose_edges(values[0]), values[0])
    reference, *others = (fill_histogram(column, edges) for column in values)
    floor = split_floor(values[0], edges, np.random.default_rng(SPLIT_SEED))
    results = (
        SimulatedResult(label, place, other, chi2_of_histograms(reference, other), None)
        for (label, place), other in zip(simulated, others, strict=True)
    )
    return ObservableResult(name, reference, floor, tuple(results))


def _whole_edges(
    edges: Float64[Array, " edge"], values: Float64[Array, " event"]
) -> Float64[Array, " other"]:
    """Put the edges of bins of counts between whole numbers, the same number of them in each."""
    if np.any(values != np.round(values)) or np.ptp(values) == 0:
        return edges
    step = max(1, round(float(edges[1] - edges[0])))
    low, high = np.floor(edges[0] + 0.5) - 0.5, np.ceil(edges[-1] - 0.5) + 0.5
    n_bins = max(1, int(np.ceil((high - low) / step)))
    return np.asarray(low + step * np.arange(n_bins + 1.0))


def with_events(result: ObservableResult) -> list[SimulatedResult]:
    """Find the simulations that have events."""
    return [entry for entry in result.simulated if entry.histogram.total > 0]


def score_chi2(result: ObservableResult, energy: str, eta: str) -> Iterator[Score]:
    """Give chi2/ndf of each simulation, with the spread of the non-central chi2 distribution."""
    floor = result.floor
    for entry in result.simulated:
        if entry.chi2.ndf > 0:
            excess = max(entry.chi2.value - entry.chi2.ndf, 0.0)
            error = (2.0 * entry.chi2.ndf + 4.0 * excess) ** 0.5 / entry.chi2.ndf
            yield Score(
                *(entry.label, "chi2_ndf", result.name, energy, eta),
                *(entry.chi2.reduced, error),
                *(floor.mean, 0.5 * (floor.high - floor.low)),
                *(result.reference.total, entry.histogram.total),
                p_value=float(chi2.sf(entry.chi2.value, entry.chi2.ndf)),
            )
