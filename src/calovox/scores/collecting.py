"""Everything the scores need to know of a sample, collected while its showers are read once.

Histograms and sums of all showers, in every bin of energy and abs(eta), and the features of a
bounded number of showers drawn at random. Of every shower, only its energy, its abs(eta) and its
fold are held, 24 bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Bool, Float64
from calovox.samples.batch import SelectedShowers, ShowerBatch
from calovox.samples.bins import EventBin
from calovox.samples.features import LAYER_ENERGY, FeatureExtractor, shape_features, shape_names
from calovox.samples.reading import choose_rows
from calovox.scores.binned import BinnedSample, FeatureAxes
from calovox.scores.distances.folds import FoldedMoments

__all__ = ["FeatureCollector", "FeatureRows", "SampleStatistics", "StatisticsCollector"]

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


class FeatureCollector:
    """Keeps the features of showers that are chosen beforehand.

    Args:
        showers: The showers that they are chosen from.
        extractor: Computes features of their voxels.
        seed: Chooses at most `MOST_ROWS` showers.
    """

    def __init__(self, showers: SelectedShowers, extractor: FeatureExtractor, seed: int) -> None:
        self.showers, self._extractor, self._start = showers, extractor, 0
        self._rows = choose_rows(len(showers), MOST_ROWS, np.random.default_rng((seed, 0)))
        self._parts: list[Float64[Array, "event feature"]] = []
        self._names: tuple[str, ...] = ()

    def add(self, batch: ShowerBatch) -> None:
        """Take the next showers."""
        self.keep(*compute_features(batch, self._extractor))

    def keep(self, features: Float64[Array, "event feature"], names: tuple[str, ...]) -> None:
        """Keep the chosen ones of the next features."""
        low, high = np.searchsorted(self._rows, (self._start, self._start + len(features)))
        self._parts.append(features[self._rows[low:high] - self._start])
        self._names = names
        self._start += len(features)

    def result(self) -> FeatureRows:
        """Return the features of the chosen showers."""
        abs_eta = self.showers.abs_eta()
        return FeatureRows(
            self._names,
            np.concatenate(self._parts),
            self.showers.incident_energy()[self._rows],
            None if abs_eta is None else abs_eta[self._rows],
        )


class StatisticsCollector:
    """Collects what the scores need of a sample.

    Args:
        showers: The sample.
        extractor: Computes features of its voxels.
        names: Which of the features are wanted.
        axes: Bins of these features, from the reference.
        bins: Bins of events.
        seed: Chooses showers and folds.
    """

    def __init__(
        self,
        showers: SelectedShowers,
        extractor: FeatureExtractor,
        names: Sequence[str],
        axes: FeatureAxes,
        bins: Sequence[EventBin],
        *,
        seed: int,
    ) -> None:
        self.showers, self._extractor, self._start = showers, extractor, 0
        self._names, self._bins, self._binned = tuple(names), bins, BinnedSample(axes)
        self._columns = [k for k, name in enumerate(names) if name.startswith(LAYER_ENERGY)]
        self._layers = tuple(FoldedMoments.empty(N_FOLDS, len(self._columns)) for _ in bins)
        rng = np.random.default_rng((seed, 1))
        self._folds = rng.integers(0, N_FOLDS, len(showers), dtype=np.int64)
        self._chosen = FeatureCollector(showers, extractor, seed)

    def add(self, batch: ShowerBatch) -> None:
        """Take the next showers."""
        all_features, found = compute_features(batch, self._extractor)
        features = all_features[:, [found.index(name) for name in self._names]]
        inside = [entry.select(batch.incident_energy, batch.abs_eta) for entry in self._bins]
        self._binned.fill(features, np.stack(inside))
        folds = self._folds[self._start : self._start + len(batch)]
        for moments, chosen in zip(self._layers, inside, strict=True):
            moments.add(features[chosen][:, self._columns], folds[chosen])
        self._chosen.keep(features, self._names)
        self._start += len(batch)

    def result(self) -> SampleStatistics:
        """Return the statistics of the sample."""
        return SampleStatistics(self._binned, self._layers, self._chosen.result())


def compute_features(
    batch: ShowerBatch, extractor: FeatureExtractor
) -> tuple[Float64[Array, "event feature"], tuple[str, ...]]:
    """Compute all features of showers, and name them: of voxels, then of cells if there are any.

    Args:
        batch: The showers.
        extractor: Computes features of their voxels.
    """
    features, names = extractor(batch.fraction), extractor.names
    if batch.shapes is None:
        return features, names
    of_cells = shape_features(batch.shapes, batch.incident_energy)
    return np.concatenate([features, of_cells], axis=1), (*names, *shape_names(batch.shapes))
