"""Samples of reconstructed showers, and what comes out when they are compared region by region.

Every simulation is compared with the reference in each `Region` and for each observable: two
histograms with the same bins and their chi2, and, for the events that both have, the shift event
by event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.samples.regions import Region
from calovox.samples.sample import OBSERVABLES, Sample
from calovox.scores.averages import Paired, paired_difference
from calovox.scores.histograms import (
    Chi2,
    Floor,
    Histogram,
    chi2_of_histograms,
    choose_edges,
    fill_histogram,
    split_floor,
)

__all__ = [
    "EXPECTED_FRACTIONS",
    "FEWEST_EVENTS",
    "SPLIT_SEED",
    "LayerFractions",
    "ObservableResult",
    "RegionResult",
    "SimulatedResult",
    "compare_region",
    "compare_values",
    "match_events",
]

FEWEST_EVENTS: Final = 50
"""Events of the reference below which a region is left out."""

_FRACTIONS: Final = (
    (0.003, 0.04),
    (0.1, 0.3),
    (0.65, 0.85),
    (0.0, 0.04),
    (0.0, 0.005),
)
EXPECTED_FRACTIONS: Final = dict(zip(BARREL_NUMBERS, _FRACTIONS, strict=True))
"""Range of the mean share of each layer for 65 GeV at 0.2 < |eta| < 0.25."""

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


@dataclass(frozen=True)
class LayerFractions:
    """Mean share of each layer in the energy of all layers.

    Attributes:
        label: Name of the sample.
        n_events: Number of events.
        mean: Mean share, by rising number of the layer.
        error: Its statistical error.
    """

    label: str
    n_events: int
    mean: Float64[Array, " layer"]
    error: Float64[Array, " layer"]

    @property
    def as_expected(self) -> tuple[bool, ...]:
        """Whether each mean is in `EXPECTED_FRACTIONS`, a statement on the central region only."""
        ranges = (EXPECTED_FRACTIONS[layer] for layer in BARREL_NUMBERS)
        return tuple(
            bool(low <= mean <= high) for mean, (low, high) in zip(self.mean, ranges, strict=True)
        )


@dataclass(frozen=True)
class RegionResult:
    """All comparisons in one region.

    Attributes:
        region: The region.
        n_reference: Events of the reference.
        observables: One result per observable.
        fractions: Layer fractions of the reference and of each simulation.
    """

    region: Region
    n_reference: int
    observables: tuple[ObservableResult, ...]
    fractions: tuple[LayerFractions, ...]


def match_events(reference: Sample, simulated: Sample) -> Int64[Array, " event"]:
    """Find each event of the reference in a simulated sample.

    The same event has exactly the same kinetic energy and the same eta of its centre, a number
    that no two showers share. Other showers of the same photons are other events.

    Args:
        reference: A sample.
        simulated: A sample that may hold the same events in any order.

    Returns:
        Position in the simulated sample of each event of the reference, -1 where there is none.
    """
    # complex numbers are sorted by their real, then by their imaginary part
    wanted, keys = (sample.energy + 1j * sample.eta_center for sample in (reference, simulated))
    order = np.argsort(keys, kind="stable")
    place = np.searchsorted(keys, wanted, side="right", sorter=order) - 1
    rows = order[place]  # the place -1, before all, gives one that differs
    return np.where(keys[rows] == wanted, rows, -1).astype(np.int64)


def compare_region(
    reference: Sample, simulated: Sequence[Sample], region: Region
) -> RegionResult | None:
    """Compare all observables in one region.

    Args:
        reference: Geant4.
        simulated: Any number of simulations.
        region: Which events.

    Returns:
        The results; none if the reference has under `FEWEST_EVENTS` there.
    """
    chosen = region.select(reference.energy, reference.eta_center)
    if np.count_nonzero(chosen) < FEWEST_EVENTS:
        return None
    matches = [match_events(reference, sample) for sample in simulated]
    observables = tuple(
        _compare_observable(reference, simulated, matches, region, column)
        for column in range(len(OBSERVABLES))
    )
    fractions = tuple(_layer_fractions(sample, region) for sample in (reference, *simulated))
    return RegionResult(region, int(np.count_nonzero(chosen)), observables, fractions)


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
    edges = choose_edges(values[0])
    reference, *others = (fill_histogram(column, edges) for column in values)
    floor = split_floor(values[0], edges, np.random.default_rng(SPLIT_SEED))
    results = (
        SimulatedResult(label, place, other, chi2_of_histograms(reference, other), None)
        for (label, place), other in zip(simulated, others, strict=True)
    )
    return ObservableResult(name, reference, floor, tuple(results))


def _compare_observable(
    reference: Sample,
    simulated: Sequence[Sample],
    matches: Sequence[Int64[Array, " event"]],
    region: Region,
    column: int,
) -> ObservableResult:
    rows = np.flatnonzero(region.select(reference.energy, reference.eta_center))
    values = _values(reference, rows, region, column)
    edges = choose_edges(values)
    histogram = fill_histogram(values, edges)
    results = []
    for place, (sample, match) in enumerate(zip(simulated, matches, strict=True)):
        chosen = np.flatnonzero(region.select(sample.energy, sample.eta_center))
        other = fill_histogram(_values(sample, chosen, region, column), edges)
        common = match[rows] >= 0
        paired = None
        if np.count_nonzero(common) >= 2:
            moved = _values(sample, match[rows][common], region, column)
            paired = paired_difference(values[common], moved)
        chi2 = chi2_of_histograms(histogram, other)
        results.append(SimulatedResult(sample.label, place, other, chi2, paired))
    floor = split_floor(values, edges, np.random.default_rng(SPLIT_SEED))
    return ObservableResult(OBSERVABLES[column].name, histogram, floor, tuple(results))


def _values(
    sample: Sample, rows: Int64[Array, " chosen"], region: Region, column: int
) -> Float64[Array, " chosen"]:
    values = np.asarray(OBSERVABLES[column].values(sample.shapes)[rows])
    if not OBSERVABLES[column].is_energy:
        return values
    return region.rescale(values, sample.energy[rows])


def _layer_fractions(sample: Sample, region: Region) -> LayerFractions:
    chosen = region.select(sample.energy, sample.eta_center)
    energy = sample.shapes.layer_energy[chosen & (sample.shapes.layer_energy.sum(axis=1) > 0)]
    shares = energy / energy.sum(axis=1, keepdims=True)
    n_events = len(shares)
    if n_events < 2:
        nothing = np.full(len(BARREL_NUMBERS), np.nan)
        return LayerFractions(sample.label, n_events, nothing, nothing)
    error = shares.std(axis=0, ddof=1) / n_events**0.5
    return LayerFractions(sample.label, n_events, shares.mean(axis=0), error)
