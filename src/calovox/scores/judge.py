"""The reference with its floors, and the scores of samples beside them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.samples.batch import ShowerSource
from calovox.samples.bins import EventBin, event_bins
from calovox.samples.features import LAYER_ENERGY, TOTAL_ENERGY, FeatureExtractor
from calovox.samples.tracking import Track
from calovox.scores.binned import FeatureAxes
from calovox.scores.collecting import SampleStatistics, collect, draw_features
from calovox.scores.distances.correlations import ALL_LAYERS, compare_correlations
from calovox.scores.distances.joint import JOINT_METRICS, compare_jointly, fewest_rows
from calovox.scores.distances.two_samples import Measured, ReferenceFloor, compare_feature
from calovox.scores.table import NotScored, Score, Scores

__all__ = ["FEWEST_IN_BIN", "HIGH_LEVEL", "REFERENCE_SEED", "SAMPLE_SEED", "Judge"]

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
        track: Shows the progress over showers.
        say: Called with one line before longer steps.
    """

    extractor: FeatureExtractor
    bins: tuple[EventBin, ...]
    names: tuple[str, ...]
    axes: FeatureAxes
    reference: SampleStatistics
    counts: Mapping[EventBin, int]
    floors: Mapping[tuple[int, int], ReferenceFloor]
    track: Track
    say: Callable[[str], None]

    @classmethod
    def from_reference(
        cls, source: ShowerSource, track: Track, say: Callable[[str], None]
    ) -> "Judge":
        """Read the reference twice, and divide it into halves.

        Args:
            source: The reference.
            track: Shows the progress over showers.
            say: Called with one line before longer steps.
        """
        extractor = FeatureExtractor(source.layout)
        counts = count_events(source)
        bins = tuple(entry for entry, count in counts.items() if count >= FEWEST_IN_BIN)
        rows = draw_features(source, extractor, REFERENCE_SEED, track)
        axes = FeatureAxes.from_reference(rows.features, rows.bins(bins))
        statistics = collect(
            source, extractor, rows.names, axes, bins, seed=REFERENCE_SEED, track=track
        )
        say("Comparing halves of the reference")
        floors = {
            (place, column): ReferenceFloor.from_sample(
                statistics.binned, place, column, np.random.default_rng((place, column))
            )
            for place in range(len(bins))
            for column in range(len(rows.names))
        }
        return cls(extractor, bins, rows.names, axes, statistics, counts, floors, track, say)

    def score(self, label: str, source: ShowerSource) -> Scores:
        """Score one sample.

        Args:
            label: Its name.
            source: Its showers.

        Returns:
            Scores, bin by bin, and the bins with too few showers.
        """
        same = source.layout == self.extractor.layout
        extractor = self.extractor if same else FeatureExtractor(source.layout)
        names = self._shared_names(source, same_voxels=same)
        axes = self.axes.select([self.names.index(name) for name in names])
        sample = collect(
            source, extractor, names, axes, self.bins, seed=SAMPLE_SEED, track=self.track
        )
        self.say(f"Comparing {label} with the reference")
        rows: list[Score] = []
        without = list(self._too_few(label, source))
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

    def _too_few(self, label: str, source: ShowerSource) -> Iterator[NotScored]:
        """List the bins that have showers, but not enough of them."""
        for entry, n_simulated in count_events(source).items():
            sizes = self.counts.get(entry, 0), n_simulated
            if min(sizes) < FEWEST_IN_BIN and max(sizes) > 0:
                reason = (
                    f"{sizes[0]} showers of the reference and {sizes[1]} of the sample, "
                    f"{FEWEST_IN_BIN} of each are needed"
                )
                yield NotScored(label, "*", entry.energy_name, entry.eta_name, reason)

    def _shared_names(self, source: ShowerSource, *, same_voxels: bool) -> list[str]:
        """List the features that do not depend on what differs between the files."""
        n_voxel_features = len(self.extractor.names)
        of_voxels, of_cells = self.names[:n_voxel_features], self.names[n_voxel_features:]
        if not same_voxels:
            of_voxels = tuple(
                name for name in of_voxels if name.startswith((TOTAL_ENERGY, LAYER_ENERGY))
            )
        return [*of_voxels, *(of_cells if source.has_shapes else ())]

    def _features(self, sample: SampleStatistics, place: int, names: list[str]) -> _Found:
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

    def _correlations(self, sample: SampleStatistics, place: int, names: list[str]) -> _Found:
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
