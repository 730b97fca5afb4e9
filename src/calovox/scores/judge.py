"""A reference, and the scores of samples beside it, bin by bin.

If the sample has the photons of the reference, shower by shower, its showers are put in their
order. Floors and p-values then come from exchanges within photons (`statistics.exchange`), and a
bin of abs(eta) holds the photons that the reference has there. If the photons differ, any showers
of a bin are exchanged. Of many showers, `MOST_TOGETHER` are compared in all high-level features
together.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
from scipy.stats import fisher_exact

from calovox.arrays import Array, Int64
from calovox.samples.batch import SelectedShowers, ShowerSource
from calovox.samples.bins import EventBin, event_bins
from calovox.samples.layout import VoxelLayout
from calovox.samples.observables.voxels import LAYER_ENERGY, TOTAL_ENERGY, voxel_observables
from calovox.scores.collecting import ObservableRows
from calovox.scores.statistics import (
    NEIGHBOUR_METRICS,
    Division,
    NotMeasured,
    Tested,
    compare_scores,
    count_outliers,
    measure_kernel,
    measure_many_features,
    measure_neighbours,
    measure_one_feature,
    normal_scores,
)
from calovox.scores.table import NotScored, Score, Scores

__all__ = [
    "ALL_LAYERS",
    "FEWEST_IN_BIN",
    "HIGH_LEVEL",
    "JOINT_METRICS",
    "SCORES_SEED",
    "Judge",
    "SampleRows",
    "fewest_rows",
]

FEWEST_IN_BIN: Final = 100
"""Showers that reference and sample need in a bin of energy and abs(eta) to be compared there."""

HIGH_LEVEL: Final = "high-level"
"""Name of all high-level features of voxels together."""

ALL_LAYERS: Final = "layer energies"
"""Name of the correlations of all pairs of layer energies."""

JOINT_METRICS: Final = ("frechet", "kernel", *NEIGHBOUR_METRICS)
"""Names of the metrics of all high-level features together."""

MOST_TOGETHER: Final = 10_000
"""Showers of each sample that are compared in all high-level features together."""

SCORES_SEED: Final = 2026
"""Seed of exchanges and of chosen showers."""

_ROWS_PER_FEATURE: Final = 10
_HIGH_LEVEL: Final = (TOTAL_ENERGY, LAYER_ENERGY, "sparsity", "center", "width")

_Found = Iterator[tuple[str, str, Tested]]


def fewest_rows(n_features: int) -> int:
    """Return the number of showers that a comparison of so many features of voxels needs."""
    return _ROWS_PER_FEATURE * (n_features + 2)


@dataclass(frozen=True)
class _Pair:
    """Showers of both samples in one bin of events."""

    reference: ObservableRows
    simulated: ObservableRows
    first: Int64[Array, " event"]
    second: Int64[Array, " other"]
    same_photons: bool
    seed: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        return len(self.first), len(self.second)

    def rng(self, *place: int) -> np.random.Generator:
        return np.random.default_rng((SCORES_SEED, *self.seed, *place))

    def some(self, most: int) -> "_Pair":
        """Choose some of the showers, of the same photons if both have them."""
        first = np.sort(self.rng(0).permutation(self.first)[:most])
        second = np.sort(self.rng(6).permutation(self.second)[:most])
        return replace(self, first=first, second=first if self.same_photons else second)

    def columns(self, names: Sequence[str]) -> tuple[Array, Array]:
        return (
            self.reference.columns(names, self.first),
            self.simulated.columns(names, self.second),
        )

    def conditions(self) -> list[tuple[Array, Array]]:
        """Give the logarithm of the energies, and abs(eta) if it is known, of both samples."""
        sides = (self.reference, self.first), (self.simulated, self.second)
        energies = tuple(np.log(rows.energy[chosen]) for rows, chosen in sides)
        etas = tuple(rows.abs_eta[chosen] for rows, chosen in sides if rows.abs_eta is not None)
        return [energies, etas] if len(etas) == 2 else [energies]


@dataclass(frozen=True)
class SampleRows:
    """What the scores need of a sample, without its file.

    Attributes:
        layout: Where its voxels lie.
        rows: Observables of its showers, in the order of photons.
        counts: Its showers in every bin of energy and abs(eta).
    """

    layout: VoxelLayout
    rows: ObservableRows
    counts: Mapping[EventBin, int]

    @classmethod
    def from_showers(cls, showers: SelectedShowers, rows: ObservableRows) -> "SampleRows":
        """Take what is needed of showers.

        Args:
            showers: The sample.
            rows: Observables of its showers.
        """
        return cls(showers.layout, rows, count_events(showers))


@dataclass(frozen=True)
class Judge:
    """A reference that samples are compared with.

    Attributes:
        reference: The reference.
    """

    reference: SampleRows

    @property
    def bins(self) -> list[tuple[int, EventBin]]:
        """Bins of energy and abs(eta) in which the reference has enough showers."""
        return [
            (place, entry)
            for place, (entry, count) in enumerate(self.reference.counts.items())
            if count >= FEWEST_IN_BIN
        ]

    def score(self, label: str, sample: SampleRows) -> Scores:
        """Score one sample.

        Args:
            label: Its name.
            sample: Its showers.

        Returns:
            Scores, bin by bin, and the bins with too few showers.
        """
        reference, simulated = self.reference.rows, sample.rows
        same = reference.has_photons_of(simulated)
        found: list[Score] = []
        without = list(self._too_few(label, sample))
        for place, entry in self.bins:
            first = np.flatnonzero(entry.select(reference.energy, reference.abs_eta))
            second = first
            if not same:
                second = np.flatnonzero(entry.select(simulated.energy, simulated.abs_eta))
            pair = _Pair(reference, simulated, first, second, same, (place,))
            if min(pair.sizes) < FEWEST_IN_BIN:
                continue
            joint = self._joint(pair, sample.layout)
            if isinstance(joint, str):
                without += _without_joint(label, entry, joint)
                joint = {}
            results = (
                *_features(pair, self._shared_names(simulated, sample.layout)),
                *_correlations(pair, pairs=place == 0),
                *((metric, HIGH_LEVEL, measured) for metric, measured in joint.items()),
                *(self._outliers(pair, sample.layout) if place == 0 else ()),
            )
            found += [_score(label, entry, pair.sizes, *numbers) for numbers in results]
        return Scores(tuple(found), tuple(without))

    def _too_few(self, label: str, sample: SampleRows) -> Iterator[NotScored]:
        """List the bins that have showers, but not enough of them."""
        for entry, n_simulated in sample.counts.items():
            sizes = self.reference.counts.get(entry, 0), n_simulated
            if min(sizes) < FEWEST_IN_BIN and max(sizes) > 0:
                reason = (
                    f"{sizes[0]} showers of the reference and {sizes[1]} of the sample, "
                    f"{FEWEST_IN_BIN} of each are needed"
                )
                yield NotScored(label, "*", entry.energy_name, entry.eta_name, reason)

    def _shared_names(self, sample: ObservableRows, layout: VoxelLayout) -> list[str]:
        """List the observables that do not depend on what differs between the files."""
        shared = [name for name in self.reference.rows.names if name in sample.names]
        if layout == self.reference.layout:
            return shared
        of_voxels = {observable.name for observable in voxel_observables(self.reference.layout)}
        return [
            name
            for name in shared
            if name not in of_voxels or name.startswith((TOTAL_ENERGY, LAYER_ENERGY))
        ]

    def _joint(self, pair: _Pair, layout: VoxelLayout) -> dict[str, Tested] | str:
        """Compare all high-level features of voxels together, or say why that cannot be."""
        if layout != self.reference.layout:
            return "its voxels are not the reference's"
        names = [
            observable.name
            for observable in voxel_observables(self.reference.layout)
            if observable.name.startswith(_HIGH_LEVEL) and not observable.name.endswith("_all")
        ]
        sizes, needed = pair.sizes, fewest_rows(len(names))
        if min(sizes) < needed:
            return (
                f"features of {sizes[0]} showers of the reference and {sizes[1]} of the sample, "
                f"{needed} of each are needed"
            )
        some = pair.some(MOST_TOGETHER)
        first, second = (
            np.column_stack([columns, *conditions])
            for columns, *conditions in zip(some.columns(names), *some.conditions(), strict=True)
        )
        varies = np.ptp(np.concatenate([first, second]), axis=0) > 0
        scores = normal_scores(first[:, varies], second[:, varies])
        same = pair.same_photons
        together = compare_scores(*scores, pair.rng(1), same_photons=same)
        return {
            "frechet": together.frechet,
            "kernel": measure_kernel(*scores, pair.rng(2), same_photons=same),
            **measure_neighbours(*scores, pair.rng(3), same_photons=same),
        }

    def _outliers(self, pair: _Pair, layout: VoxelLayout) -> _Found:
        """Count showers beyond the reference, and measure how far."""
        names = self._shared_names(pair.simulated, layout)
        n, m = pair.sizes
        scale = 1.0 / math.log(n)
        for name in names:
            both = (rows.table([name]) for rows in (pair.reference, pair.simulated))
            (entry,) = count_outliers(*both)
            share, expected = entry.share, entry.expected / m
            # the ends of the reference are random as well: for equal sizes, twice Poisson's
            # variance
            errors = (math.sqrt(max(entry.n_beyond, 1)) / m, math.sqrt(2.0 * entry.expected) / m)
            yield "outliers", name, Tested(share, errors[0], expected, errors[1], entry.p_value)
            if np.isfinite(entry.farthest):
                # an exponential tail: its range is ln(n) decay lengths on average
                tail = min(1.0, 2.0 * m * n ** -(1.0 + entry.farthest))
                p_value = tail if entry.n_beyond else 1.0
                distance = Tested(entry.farthest, 0.0, scale, scale, p_value)
                yield "outlier_distance", name, distance


def count_events(source: ShowerSource) -> dict[EventBin, int]:
    """Count the showers in every bin of energy and abs(eta).

    Args:
        source: A sample.

    Returns:
        The number of showers by bin.
    """
    energy, abs_eta = source.incident_energy(), source.abs_eta()
    return {
        entry: int(np.count_nonzero(entry.select(energy, abs_eta)))
        for entry in event_bins(with_eta=abs_eta is not None)
    }


def _features(pair: _Pair, names: Sequence[str]) -> _Found:
    division = Division.at_random(*pair.sizes, pair.rng(4), same_photons=pair.same_photons)
    for name in names:
        first = pair.reference.column(name, pair.first)
        second = pair.simulated.column(name, pair.second)
        found = measure_one_feature(first, second, pair.rng(4), division=division)
        if isinstance(found, NotMeasured):
            yield "off_mode", name, _off_mode(found, pair.sizes)
            continue
        for metric, measured in found.distances.items():
            yield metric, name, measured


def _off_mode(found: NotMeasured, sizes: tuple[int, int]) -> Tested:
    """Compare the shares of showers that differ from the most frequent value."""
    (n, m), (k, j) = sizes, (found.off_mode_reference, found.off_mode_simulated)
    p_value = float(fisher_exact([[k, n - k], [j, m - j]]).pvalue)
    return Tested(j / m, math.sqrt(max(j, 1)) / m, k / n, math.sqrt(max(k, 1)) / n, p_value)


def _correlations(pair: _Pair, *, pairs: bool) -> _Found:
    layers = [name for name in pair.reference.names if name.startswith(LAYER_ENERGY)]
    if len(layers) < 2:
        return
    found = measure_many_features(
        *pair.columns(layers), pair.rng(5), same_photons=pair.same_photons
    )
    yield "correlation", ALL_LAYERS, found.correlation
    if pairs:
        for (one, other), measured in zip(combinations(layers, 2), found.pairs, strict=True):
            yield "correlation", f"{one}:{other}", measured


def _without_joint(label: str, entry: EventBin, reason: str) -> Iterator[NotScored]:
    for metric in JOINT_METRICS:
        yield NotScored(label, metric, entry.energy_name, entry.eta_name, reason)


def _score(
    label: str,
    entry: EventBin,
    sizes: tuple[int, int],
    metric: str,
    feature: str,
    measured: Tested,
) -> Score:
    return Score(
        *(label, metric, feature, entry.energy_name, entry.eta_name),
        **vars(measured),
        n_reference=sizes[0],
        n_simulated=sizes[1],
    )
