"""The reference with its floors, and the scores of samples beside them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.samples.batch import SelectedShowers, ShowerSource
from calovox.samples.bins import EventBin, event_bins
from calovox.samples.features import LAYER_ENERGY, TOTAL_ENERGY, FeatureExtractor
from calovox.samples.reading import Collector, feed
from calovox.scores.binned import FeatureAxes
from calovox.scores.collecting import (
    FeatureCollector,
    SampleStatistics,
    StatisticsCollector,
)
from calovox.scores.distances.correlations import ALL_LAYERS, compare_correlations
from calovox.scores.distances.joint import JOINT_METRICS, compare_jointly, fewest_rows
from calovox.scores.distances.two_samples import Measured, ReferenceFloor, compare_feature
from calovox.scores.table import NotScored, Score, Scores
from calovox.tracking import Track

__all__ = ["FEWEST_IN_BIN", "HIGH_LEVEL", "REFERENCE_SEED", "SAMPLE_SEED", "Judge", "read_judges"]

FEWEST_IN_BIN: Final = 100
"""Showers that reference and sample need in a bin of energy and abs(eta) to be compared there."""

HIGH_LEVEL: Final = "high-level"
"""Name of all high-level features of voxels together."""

REFERENCE_SEED: Final = 2025
"""Seed of folds and chosen showers of the reference."""

SAMPLE_SEED: Final = 2026
"""Seed of folds and chosen showers of a sample, and of what compares it with the reference."""

_Found = Iterator[tuple[str, str, Measured]]


@dataclass(frozen=True)
class Judge:
    """A reference that samples are compared with.

    Attributes:
        extractor: Computes features of the reference's voxels.
        bins: Bins of energy and abs(eta) in which the reference has enough showers.
        names: Names of its features.
        axes: Bins of the features.
        reference: Statistics of the reference.
        counts: Showers of the reference in every bin of energy and abs(eta).
        floors: Halves of the reference, by bin of events and feature.
        say: Called with one line before longer steps.
    """

    extractor: FeatureExtractor
    bins: tuple[EventBin, ...]
    names: tuple[str, ...]
    axes: FeatureAxes
    reference: SampleStatistics
    counts: Mapping[EventBin, int]
    floors: Mapping[tuple[int, int], ReferenceFloor]
    say: Callable[[str], None]

    @classmethod
    def from_statistics(
        cls,
        showers: SelectedShowers,
        axes: FeatureAxes,
        statistics: SampleStatistics,
        say: Callable[[str], None],
    ) -> "Judge":
        """Divide a reference into halves.

        Args:
            showers: The reference.
            axes: Bins of its features.
            statistics: What was collected of it.
            say: Called with one line before longer steps.
        """
        say("Comparing halves of the reference")
        counts = count_events(showers)
        bins, names = _large_bins(counts), statistics.rows.names
        floors = {
            (place, column): ReferenceFloor.from_sample(
                statistics.binned, place, column, np.random.default_rng((place, column))
            )
            for place in range(len(bins))
            for column in range(len(names))
        }
        extractor = FeatureExtractor(showers.layout)
        return cls(extractor, bins, names, axes, statistics, counts, floors, say)

    def collector(self, showers: SelectedShowers) -> StatisticsCollector:
        """Collect what is compared of a sample.

        Args:
            showers: The sample.
        """
        names = self._shared_names(showers)
        axes = self.axes.select([self.names.index(name) for name in names])
        extractor = FeatureExtractor(showers.layout)
        return StatisticsCollector(showers, extractor, names, axes, self.bins, seed=SAMPLE_SEED)

    def score(self, label: str, showers: SelectedShowers, sample: SampleStatistics) -> Scores:
        """Score one sample.

        Args:
            label: Its name.
            showers: Its showers.
            sample: What the `collector` found.

        Returns:
            Scores, bin by bin, and the bins with too few showers.
        """
        same, names = self._same_voxels(showers), sample.rows.names
        self.say(f"Comparing {label} with the reference")
        rows: list[Score] = []
        without = list(self._too_few(label, showers))
        for place, entry in enumerate(self.bins):
            sizes = self.reference.binned.n_events(place), sample.binned.n_events(place)
            if sizes[1] < FEWEST_IN_BIN:
                continue
            joint = self._joint(sample, place) if same else "its voxels are not the reference's"
            if isinstance(joint, str):
                without += _without_joint(label, entry, joint)
                joint = {}
            found = (
                *self._features(sample, place, names),
                *self._correlations(sample, place, names),
                *((metric, HIGH_LEVEL, measured) for metric, measured in joint.items()),
            )
            rows += [_score(label, *numbers, entry, sizes) for numbers in found]
        return Scores(tuple(rows), tuple(without))

    def _too_few(self, label: str, showers: SelectedShowers) -> Iterator[NotScored]:
        """List the bins that have showers, but not enough of them."""
        for entry, n_simulated in count_events(showers).items():
            sizes = self.counts.get(entry, 0), n_simulated
            if min(sizes) < FEWEST_IN_BIN and max(sizes) > 0:
                reason = (
                    f"{sizes[0]} showers of the reference and {sizes[1]} of the sample, "
                    f"{FEWEST_IN_BIN} of each are needed"
                )
                yield NotScored(label, "*", entry.energy_name, entry.eta_name, reason)

    def _same_voxels(self, showers: SelectedShowers) -> bool:
        return showers.layout == self.extractor.layout

    def _shared_names(self, showers: SelectedShowers) -> list[str]:
        """List the features that do not depend on what differs between the files."""
        n_voxel_features = len(self.extractor.names)
        of_voxels, of_cells = self.names[:n_voxel_features], self.names[n_voxel_features:]
        if not self._same_voxels(showers):
            of_voxels = tuple(
                name for name in of_voxels if name.startswith((TOTAL_ENERGY, LAYER_ENERGY))
            )
        return [*of_voxels, *(of_cells if showers.has_shapes else ())]

    def _features(self, sample: SampleStatistics, place: int, names: Sequence[str]) -> _Found:
        for position, name in enumerate(names):
            column = self.names.index(name)
            measured = compare_feature(
                self.reference.binned,
                sample.binned,
                place,
                (column, position),
                self.floors[place, column],
            )
            for metric, entry in measured.items():
                yield metric, name, entry

    def _correlations(self, sample: SampleStatistics, place: int, names: Sequence[str]) -> _Found:
        layers = tuple(name for name in names if name.startswith(LAYER_ENERGY))
        if len(layers) < 2:
            return
        rng = np.random.default_rng((SAMPLE_SEED, place, 0))
        both = self.reference.layers[place], sample.layers[place]
        for feature, measured in compare_correlations(*both, layers, rng).items():
            if place == 0 or feature == ALL_LAYERS:
                yield "correlation", feature, measured

    def _joint(self, sample: SampleStatistics, place: int) -> dict[str, Measured] | str:
        """Compare all high-level features of voxels together, or say why that cannot be."""
        n_features = len(self.extractor.names)
        entry, both = self.bins[place], (self.reference.rows, sample.rows)
        first, second = (entry.select(rows.energy, rows.abs_eta) for rows in both)
        sizes = int(np.count_nonzero(first)), int(np.count_nonzero(second))
        needed = fewest_rows(n_features)
        if min(sizes) < needed:
            return (
                f"features of {sizes[0]} showers of the reference and {sizes[1]} of the sample, "
                f"{needed} of each are needed"
            )
        rng = np.random.default_rng((SAMPLE_SEED, sizes[0], 1))
        return compare_jointly(*both, n_features, (first, second), rng, published=place == 0)


def read_judges(
    references: Sequence[SelectedShowers],
    others: Sequence[Collector],
    track: Track,
    say: Callable[[str], None],
) -> list[Judge]:
    """Read showers twice: to choose the borders of histograms, and to fill them.

    Args:
        references: Showers of one source that samples are compared with.
        others: Who else needs showers of this source.
        track: Shows the progress over showers.
        say: Called with one line before longer steps.

    Returns:
        A judge for each of the references.
    """
    source = references[0].source
    extractor = FeatureExtractor(source.layout)
    drawn = [FeatureCollector(showers, extractor, REFERENCE_SEED) for showers in references]
    feed(source, drawn, f"Reading {source.path.name}", track)
    axes, filled = [], []
    for showers, collector in zip(references, drawn, strict=True):
        rows, bins = collector.result(), _large_bins(count_events(showers))
        axes.append(FeatureAxes.from_reference(rows.features, rows.bins(bins)))
        filled.append(
            StatisticsCollector(
                showers, extractor, rows.names, axes[-1], bins, seed=REFERENCE_SEED
            )
        )
    feed(source, [*filled, *others], f"Scoring {source.path.name}", track)
    return [
        Judge.from_statistics(showers, borders, collector.result(), say)
        for showers, borders, collector in zip(references, axes, filled, strict=True)
    ]


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


def _large_bins(counts: Mapping[EventBin, int]) -> tuple[EventBin, ...]:
    return tuple(entry for entry, count in counts.items() if count >= FEWEST_IN_BIN)


def _without_joint(label: str, entry: EventBin, reason: str) -> Iterator[NotScored]:
    for metric in JOINT_METRICS:
        yield NotScored(label, metric, entry.energy_name, entry.eta_name, reason)


def _score(
    label: str,
    metric: str,
    feature: str,
    measured: Measured,
    entry: EventBin,
    sizes: tuple[int, int],
) -> Score:
    return Score(
        label,
        metric,
        feature,
        entry.energy_name,
        entry.eta_name,
        **vars(measured),
        n_reference=sizes[0],
        n_simulated=sizes[1],
    )
