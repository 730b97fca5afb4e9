"""Everything the scores need to know of a sample, collected in one pass over its file.

Histograms and sums of all showers, in every bin of energy and abs(eta), and the features of a
bounded number of showers drawn at random. Of every shower, only its energy, its abs(eta) and its
fold are held, 24 bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64
from calovox.samples.batch import ShowerBatch, ShowerSource
from calovox.samples.bins import EventBin
from calovox.samples.features import LAYER_ENERGY, FeatureExtractor, shape_features, shape_names
from calovox.samples.rows import choose_rows, read_batches
from calovox.samples.tracking import Track
from calovox.scores.binned import BinnedSample, FeatureAxes
from calovox.scores.distances.folds import FoldedMoments

__all__ = ["FeatureRows", "SampleStatistics", "collect", "draw_features"]

MOST_ROWS: Final = 20_000
"""Showers whose features are kept."""

N_FOLDS: Final = 20
"""Folds of the sums of layer energies."""


@dataclass(frozen=True)
class FeatureRows:
    """Features of some showers.

    Attributes:
        names: Names of the features, those of voxels first.
        features: The features.
        energy: Incident energies in MeV.
        abs_eta: abs(eta) of the shower centres; None if it is not known.
    """

    names: tuple[str, ...]
    features: Float64[Array, "event feature"]
    energy: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"] | None

    def bins(self, bins: Sequence[EventBin]) -> Bool[Array, "bin event"]:
        """Tell which showers are in which bin."""
        return np.stack([entry.select(self.energy, self.abs_eta) for entry in bins])


@dataclass(frozen=True)
class SampleStatistics:
    """A sample as the scores see it.

    Attributes:
        binned: Histograms of all features.
        layers: Sums of the layer energies, one entry per bin of events.
        rows: Features of some of the showers.
    """

    binned: BinnedSample
    layers: tuple[FoldedMoments, ...]
    rows: FeatureRows


def draw_features(
    source: ShowerSource, extractor: FeatureExtractor, seed: int, track: Track
) -> FeatureRows:
    """Compute the features of some showers of a file.

    Args:
        source: The file.
        extractor: Computes features of its voxels.
        seed: Chooses the showers.
        track: Shows the progress.

    Returns:
        The features of at most `MOST_ROWS` showers.
    """
    collected = _RowCollector(source, seed)
    title = f"Reading {source.path.name}"
    for batch, features, names in _features(source, extractor, title, track):
        collected.add(batch, features, names)
    return collected.result()


def collect(
    source: ShowerSource,
    extractor: FeatureExtractor,
    names: Sequence[str],
    axes: FeatureAxes,
    bins: Sequence[EventBin],
    *,
    seed: int,
    track: Track,
) -> SampleStatistics:
    """Collect what the scores need.

    Args:
        source: The file.
        extractor: Computes features of its voxels.
        names: Which of the features are wanted.
        axes: Bins of these features, from the reference.
        bins: Bins of events.
        seed: Chooses showers and folds.
        track: Shows the progress.

    Returns:
        The statistics of the sample.
    """
    binned = BinnedSample(axes)
    columns = [place for place, name in enumerate(names) if name.startswith(LAYER_ENERGY)]
    layers = tuple(FoldedMoments.empty(N_FOLDS, len(columns)) for _ in bins)
    folds = np.random.default_rng((seed, 1)).integers(0, N_FOLDS, len(source), dtype=np.int64)
    collected = _RowCollector(source, seed)
    title = f"Scoring {source.path.name}"
    for batch, all_features, found in _features(source, extractor, title, track):
        features = all_features[:, [found.index(name) for name in names]]
        chosen = np.stack([entry.select(batch.incident_energy, batch.abs_eta) for entry in bins])
        binned.fill(features, chosen)
        of_batch = folds[collected.start : collected.start + len(batch)]
        for moments, inside in zip(layers, chosen, strict=True):
            moments.add(features[inside][:, columns], of_batch[inside])
        collected.add(batch, features, tuple(names))
    return SampleStatistics(binned, layers, collected.result())


class _RowCollector:
    """Keeps features of showers that are chosen beforehand."""

    def __init__(self, source: ShowerSource, seed: int) -> None:
        self._rows = choose_rows(len(source), MOST_ROWS, np.random.default_rng((seed, 0)))
        self._energy = source.incident_energy()[self._rows]
        abs_eta = source.abs_eta()
        self._abs_eta = None if abs_eta is None else abs_eta[self._rows]
        self._parts: list[Float64[Array, "event feature"]] = []
        self._names: tuple[str, ...] = ()
        self.start = 0

    def add(
        self, batch: ShowerBatch, features: Float64[Array, "event feature"], names: tuple[str, ...]
    ) -> None:
        low, high = np.searchsorted(self._rows, (self.start, self.start + len(batch)))
        self._parts.append(features[self._rows[low:high] - self.start])
        self._names = names
        self.start += len(batch)

    def result(self) -> FeatureRows:
        features = np.concatenate(self._parts)
        return FeatureRows(self._names, features, self._energy, self._abs_eta)


def _features(
    source: ShowerSource, extractor: FeatureExtractor, title: str, track: Track
) -> Iterator[tuple[ShowerBatch, Float64[Array, "event feature"], tuple[str, ...]]]:
    for batch in read_batches(source, title, track):
        features, names = extractor(batch.fraction), extractor.names
        if batch.shapes is not None:
            of_cells = shape_features(batch.shapes, batch.incident_energy)
            features = np.concatenate([features, of_cells], axis=1)
            names = (*names, *shape_names(batch.shapes))
        yield batch, features, names
