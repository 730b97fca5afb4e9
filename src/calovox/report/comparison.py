"""One observable of a reference and of simulations: what histograms with ratio panels show.

The bins come from the reference. Two floors stand beside chi2/ndf: that of random halves of the
reference against each other, which is for all samples, and that of exchanged showers, which knows
whether a simulation has the very photons of the reference (`scores.statistics.chi2`). A simulation
that uses the voxels of the same events has a chi2/ndf below both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.samples.comparable import PhotonKeys
from calovox.scores.averages import Paired
from calovox.scores.histograms import (
    Chi2,
    Histogram,
    chi2_of_histograms,
    choose_edges,
    fill_histogram,
)
from calovox.scores.statistics import Floor, Tested, measure_chi2, split_floor
from calovox.scores.table import Score

__all__ = [
    "FEWEST_EVENTS",
    "SPLIT_SEED",
    "ObservableResult",
    "SimulatedResult",
    "compare_histograms",
    "compare_values",
    "score_chi2",
    "with_events",
]

FEWEST_EVENTS: Final = 50
"""Events of the reference below which nothing is compared."""

SPLIT_SEED: Final = 2025
"""Seed of the random halves and of the exchanges."""


@dataclass(frozen=True)
class SimulatedResult:
    """One observable of one simulation in one region.

    Attributes:
        label: Name of the simulation.
        place: Its place in the report, from 0: gives its colour.
        histogram: Its events, in the bins of the reference.
        chi2: Comparison with the reference.
        tested: Chi2/ndf beside that of exchanged showers; none for too few events.
        paired: Event-by-event difference; none where the samples share no events.
    """

    label: str
    place: int
    histogram: Histogram
    chi2: Chi2
    tested: Tested | None
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
    photons: Sequence[PhotonKeys] | None = None,
) -> ObservableResult:
    """Compare one observable of any events, in bins chosen from the reference.

    Args:
        name: Name of the observable.
        values: The observable of the reference's events, then of those of each simulation.
        simulated: Name and place in the report of each simulation.
        photons: The photons of these events, if they are known.

    Returns:
        Histograms, chi2 and floors; nothing event by event.
    """
    edges = _whole_edges(choose_edges(values[0]), values[0])
    return compare_histograms(name, values, edges, simulated, photons)


def compare_histograms(
    name: str,
    values: Sequence[Float64[Array, " _"]],
    edges: Float64[Array, " edge"],
    simulated: Sequence[tuple[str, int]],
    photons: Sequence[PhotonKeys] | None = None,
    paired: Sequence[Paired | None] | None = None,
) -> ObservableResult:
    """Compare one observable of any events in given bins.

    Args:
        name: Name of the observable.
        values: The observable of the reference's events, then of those of each simulation.
        edges: Borders of the bins.
        simulated: Name and place in the report of each simulation.
        photons: The photons of these events, if they are known.
        paired: Event-by-event differences of each simulation, if there are any.

    Returns:
        Histograms, chi2 and floors.
    """
    reference, *others = (fill_histogram(column, edges) for column in values)
    floor = split_floor(values[0], edges, np.random.default_rng(SPLIT_SEED))
    results = []
    for number, ((label, place), other) in enumerate(zip(simulated, others, strict=True)):
        pair = values[0], values[number + 1]
        keys = None if photons is None else (photons[0], photons[number + 1])
        results.append(
            SimulatedResult(
                *(label, place, other, chi2_of_histograms(reference, other)),
                *(_test(pair, keys, edges), None if paired is None else paired[number]),
            )
        )
    return ObservableResult(name, reference, floor, tuple(results))


def _test(
    values: tuple[Float64[Array, " event"], Float64[Array, " other"]],
    photons: tuple[PhotonKeys, PhotonKeys] | None,
    edges: Float64[Array, " edge"],
) -> Tested | None:
    """Put chi2 beside that of exchanged showers, within photons if both samples have the same."""
    same = False
    if photons is not None:
        orders = [keys.order() for keys in photons]
        first, second = (keys[order] for keys, order in zip(photons, orders, strict=True))
        same = first.same_photons(second)
        values = values[0][orders[0]], values[1][orders[1]]
    return measure_chi2(*values, edges, np.random.default_rng(SPLIT_SEED), same_photons=same)


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
    """Give chi2/ndf of each simulation, with the floor and the p-value of exchanged showers."""
    for entry in result.simulated:
        if entry.tested is not None:
            yield Score(
                *(entry.label, "chi2_ndf", result.name, energy, eta),
                **vars(entry.tested),
                n_reference=result.reference.total,
                n_simulated=entry.histogram.total,
            )
