"""Shower shapes of simulations against the reference, region by region.

Every simulation is compared with the reference in each `Region` and for each observable: two
histograms with the same bins and their chi2, and, for the events that both have, the shift event
by event.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64, Int64
from calovox.geometry.barrel import BARREL_LAYERS, BARREL_NUMBERS
from calovox.reconstruction import ShapeVariable
from calovox.report.comparison import FEWEST_EVENTS, ObservableResult, compare_histograms
from calovox.report.layers import LayerFractions, layer_fractions
from calovox.report.topic import NotShown
from calovox.samples.comparable import PhotonKeys
from calovox.samples.regions import Region
from calovox.samples.sample import OBSERVABLES, Sample
from calovox.samples.samples import Samples
from calovox.scores.averages import Paired, paired_difference
from calovox.scores.histograms import choose_edges

__all__ = ["RegionResult", "ShapesResult", "compare_region", "match_events", "measure_shapes"]


_ROLES: Final = {"strips": "the strips", "middle": "the middle layer"}


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

    def describe(self, variable: ShapeVariable) -> str:
        """Describe an observable, with the layers of the barrel by their names in it alone."""
        if self.fractions[0].numbers == BARREL_NUMBERS:
            return variable.description
        text = variable.description
        for layer in BARREL_LAYERS:
            text = text.replace(layer.name, _ROLES.get(layer.role, layer.name))
        return text


@dataclass(frozen=True)
class ShapesResult:
    """All regions.

    Attributes:
        regions: Those in which the reference has enough events.
        missing: What cannot be compared, and why.
    """

    regions: tuple[RegionResult, ...]
    missing: tuple[str, ...]


def measure_shapes(samples: Samples) -> ShapesResult | NotShown:
    """Compare all observables in all regions."""
    if not samples.reconstructed:
        given = samples.left_out or ("Shower shapes: no reference with cell energies was given",)
        return NotShown(given)
    reference, *simulated = samples.reconstructed
    found = {region: compare_region(reference, simulated, region) for region in samples.regions}
    return ShapesResult(
        tuple(result for result in found.values() if result is not None),
        (*samples.left_out, *_missing(found)),
    )


def match_events(reference: Sample, simulated: Sample) -> Int64[Array, " event"]:
    """Find each event of the reference in a simulated sample.

    The same event has exactly the same kinetic energy and the same eta of its centre. No two
    showers share that number: two showers of one photon are two events.

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
    samples = (reference, *simulated)
    chosen = [
        np.flatnonzero(region.select(sample.energy, sample.eta_center)) for sample in samples
    ]
    if len(chosen[0]) < FEWEST_EVENTS:
        return None
    partners = [match_events(reference, sample)[chosen[0]] for sample in simulated]
    photons = [
        PhotonKeys(sample.energy, sample.abs_eta())[rows]
        for sample, rows in zip(samples, chosen, strict=True)
    ]
    observables = tuple(
        _compare_observable(samples, chosen, partners, photons, region, column)
        for column in range(len(OBSERVABLES))
    )
    fractions = tuple(layer_fractions(sample, region) for sample in samples)
    return RegionResult(region, len(chosen[0]), observables, fractions)


def _compare_observable(
    samples: Sequence[Sample],
    chosen: Sequence[Int64[Array, " _"]],
    partners: Sequence[Int64[Array, " chosen"]],
    photons: Sequence[PhotonKeys],
    region: Region,
    column: int,
) -> ObservableResult:
    values = [
        _values(sample, rows, region, column) for sample, rows in zip(samples, chosen, strict=True)
    ]
    paired: list[Paired | None] = []
    for sample, rows in zip(samples[1:], partners, strict=True):
        common = rows >= 0
        if np.count_nonzero(common) < 2:
            paired.append(None)
            continue
        moved = _values(sample, rows[common], region, column)
        paired.append(paired_difference(values[0][common], moved))
    named = [(sample.label, place) for place, sample in enumerate(samples[1:])]
    edges = choose_edges(values[0])
    return compare_histograms(OBSERVABLES[column].name, values, edges, named, photons, paired)


def _values(
    sample: Sample, rows: Int64[Array, " chosen"], region: Region, column: int
) -> Float64[Array, " chosen"]:
    values = np.asarray(OBSERVABLES[column].values(sample.shapes)[rows])
    if not OBSERVABLES[column].is_energy:
        return values
    return region.rescale(values, sample.energy[rows])


def _missing(found: Mapping[Region, RegionResult | None]) -> Iterator[str]:
    for region, result in found.items():
        if result is None:
            yield f"{region}: the reference has too few events"
            continue
        for entry in result.observables[0].simulated:
            if entry.histogram.total == 0:
                yield f"{entry.label} at {region}: it has no events there"
