"""The reference with its floors, and the scores of samples beside them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64
from calovox.evaluation.binned import FeatureAxes
from calovox.evaluation.collecting import FeatureRows, SampleStatistics, collect, draw_features
from calovox.evaluation.correlations import ALL_LAYERS, compare_correlations
from calovox.evaluation.event_bins import EventBin, event_bins
from calovox.evaluation.features import LAYER_ENERGY, TOTAL_ENERGY, FeatureExtractor
from calovox.evaluation.neighbours import measure_neighbours
from calovox.evaluation.physics_distances import measure_frechet, measure_kernel
from calovox.evaluation.rows import Track
from calovox.evaluation.scores import Score
from calovox.evaluation.sources import ShowerSource
from calovox.evaluation.two_samples import Measured, ReferenceFloor, compare_feature

__all__ = ["FEWEST_IN_BIN", "HIGH_LEVEL", "Judge"]

FEWEST_IN_BIN: Final = 100
"""Showers that reference and sample need in a bin of energy and abs(eta) to be compared there."""

HIGH_LEVEL: Final = "high-level"
"""Name of all high-level features of voxels together."""

_ROWS_PER_FEATURE: Final = 10
_REFERENCE_SEED: Final = 2025
_SAMPLE_SEED: Final = 2026

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
        floors: Halves of the reference, by bin of events and feature.
        track: Shows the progress over showers.
        say: Called with one line before longer steps.
    """

    extractor: FeatureExtractor
    bins: tuple[EventBin, ...]
    names: tuple[str, ...]
    axes: FeatureAxes
    reference: SampleStatistics
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
        energy, abs_eta = source.incident_energy(), source.abs_eta()
        bins = tuple(
            entry
            for entry in event_bins(with_eta=abs_eta is not None)
            if np.count_nonzero(entry.select(energy, abs_eta)) >= FEWEST_IN_BIN
        )
        rows = draw_features(source, extractor, _REFERENCE_SEED, track)
        axes = FeatureAxes.from_reference(rows.features, rows.bins(bins))
        statistics = collect(
            source, extractor, rows.names, axes, bins, seed=_REFERENCE_SEED, track=track
        )
        say("Comparing halves of the reference")
        floors = {
            (place, column): ReferenceFloor.from_sample(
                statistics.binned, place, column, np.random.default_rng((place, column))
            )
            for place in range(len(bins))
            for column in range(len(rows.names))
        }
        return cls(extractor, bins, rows.names, axes, statistics, floors, track, say)

    def score(self, label: str, source: ShowerSource) -> Iterator[Score]:
        """Score one sample.

        Args:
            label: Its name.
            source: Its showers.

        Yields:
            Scores, bin by bin.
        """
        same = source.layout == self.extractor.layout
        extractor = self.extractor if same else FeatureExtractor(source.layout)
        names = self._shared_names(source, same_voxels=same)
        columns = [self.names.index(name) for name in names]
        statistics = collect(
            source,
            extractor,
            names,
            self.axes.select(columns),
            self.bins,
            seed=_SAMPLE_SEED,
            track=self.track,
        )
        self.say(f"Comparing {label} with the reference")
        inside = self.reference.rows.bins(self.bins), statistics.rows.bins(self.bins)
        for place, entry in enumerate(self.bins):
            n_events = statistics.binned.n_events(place)
            if n_events < FEWEST_IN_BIN:
                continue
            found = [
                *self._features(statistics, place, names, columns),
                *self._correlations(statistics, place, names),
            ]
            if same:
                found += self._distances(statistics.rows, *(rows[place] for rows in inside))
            sizes = self.reference.binned.n_events(place), n_events
            for metric, feature, measured in found:
                yield _score(label, metric, feature, entry, measured, sizes)

    def _shared_names(self, source: ShowerSource, *, same_voxels: bool) -> list[str]:
        """List the features that do not depend on what differs between the files."""
        n_voxel_features = len(self.extractor.names)
        of_voxels, of_cells = self.names[:n_voxel_features], self.names[n_voxel_features:]
        if not same_voxels:
            of_voxels = tuple(
                name for name in of_voxels if name.startswith((TOTAL_ENERGY, LAYER_ENERGY))
            )
        return [*of_voxels, *(of_cells if source.has_shapes else ())]

    def _features(
        self, sample: SampleStatistics, place: int, names: list[str], columns: list[int]
    ) -> _Found:
        for position, (name, column) in enumerate(zip(names, columns, strict=True)):
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
        rng = np.random.default_rng((_SAMPLE_SEED, place, 0))
        both = self.reference.layers[place], sample.layers[place]
        for feature, measured in compare_correlations(*both, layers, rng).items():
            if place == 0 or feature == ALL_LAYERS:
                yield "correlation", feature, measured

    def _distances(
        self,
        sample: FeatureRows,
        in_reference: Bool[Array, " event"],
        in_sample: Bool[Array, " other"],
    ) -> _Found:
        """Compare all high-level features of voxels together, energy and abs(eta) among them."""
        n_features = len(self.extractor.names)
        first = _joint(self.reference.rows, n_features)[in_reference]
        second = _joint(sample, n_features)[in_sample]
        if min(len(first), len(second)) < _ROWS_PER_FEATURE * first.shape[1]:
            return
        spread = first.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        rng = np.random.default_rng((_SAMPLE_SEED, len(first), 1))
        first, second = ((rows - first.mean(axis=0)) / scale for rows in (first, second))
        yield "frechet", HIGH_LEVEL, measure_frechet(first, second, rng)
        yield "kernel", HIGH_LEVEL, measure_kernel(first, second, rng)
        for metric, measured in measure_neighbours(first, second, rng).items():
            yield metric, HIGH_LEVEL, measured


def _joint(rows: FeatureRows, n_features: int) -> Float64[Array, "event feature"]:
    conditions = [np.log(rows.energy), *([] if rows.abs_eta is None else [rows.abs_eta])]
    return np.column_stack([rows.features[:, :n_features], *conditions])


def _score(
    label: str,
    metric: str,
    feature: str,
    entry: EventBin,
    measured: Measured,
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
