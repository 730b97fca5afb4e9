"""The shares of the layers in the energy of a shower."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calovox.arrays import Array, Float64
from calovox.geometry.barrel import BARREL_NUMBERS
from calovox.samples.regions import Region
from calovox.samples.sample import Sample

__all__ = ["EXPECTED_FRACTIONS", "LayerFractions", "layer_fractions"]

_FRACTIONS: Final = (
    (0.003, 0.04),
    (0.1, 0.3),
    (0.65, 0.85),
    (0.0, 0.04),
    (0.0, 0.005),
)
EXPECTED_FRACTIONS: Final = dict(zip(BARREL_NUMBERS, _FRACTIONS, strict=True))
"""Range of the mean share of each layer for 65 GeV at 0.2 < |eta| < 0.25."""


@dataclass(frozen=True)
class LayerFractions:
    """Mean share of each layer in the energy of all layers.

    Attributes:
        label: Name of the sample.
        numbers: Numbers of the layers.
        n_events: Number of events.
        mean: Mean share, by rising number of the layer.
        error: Its statistical error.
    """

    label: str
    numbers: tuple[int, ...]
    n_events: int
    mean: Float64[Array, " layer"]
    error: Float64[Array, " layer"]

    @property
    def as_expected(self) -> tuple[bool, ...]:
        """Whether each mean is in `EXPECTED_FRACTIONS`, a statement on the central region only.

        Of layers that are not those of the barrel, nothing is expected.
        """
        if self.numbers != BARREL_NUMBERS:
            return ()
        ranges = (EXPECTED_FRACTIONS[layer] for layer in self.numbers)
        return tuple(
            bool(low <= mean <= high) for mean, (low, high) in zip(self.mean, ranges, strict=True)
        )


def layer_fractions(sample: Sample, region: Region) -> LayerFractions:
    """Average the shares of the layers over the events of a region.

    Args:
        sample: The events.
        region: Which of them.

    Returns:
        Means and their errors; NaN for under two events with energy in a cell.
    """
    chosen = region.select(sample.energy, sample.eta_center)
    energy = sample.shapes.layer_energy[chosen & (sample.shapes.layer_energy.sum(axis=1) > 0)]
    numbers = sample.shapes.numbers
    shares = energy / energy.sum(axis=1, keepdims=True)
    n_events = len(shares)
    if n_events < 2:
        nothing = np.full(len(numbers), np.nan)
        return LayerFractions(sample.label, numbers, n_events, nothing, nothing)
    error = shares.std(axis=0, ddof=1) / n_events**0.5
    return LayerFractions(sample.label, numbers, n_events, shares.mean(axis=0), error)
