r"""Mean energies of showers as shares of the photon's, and what they say of units.

A photon leaves nearly all of its energy in an electromagnetic calorimeter: the mean of
E_tot / E_kin is a little below 1. Far from that, energies are in other units, or deposits in
active material that nobody has divided by the sampling fraction. Hits that lie in no cell, or far
from their layer, have lengths or angles in other units, or layers with other numbers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from calovox.arrays import Array
from calovox.geometry import CellTable, Detector
from calovox.hits.hits import Hits
from calovox.kernels import kernel

__all__ = ["EnergyShares", "ShareCounter"]

_LOW, _HIGH = 0.3, 1.3
_MOST_OUTSIDE: Final = 0.1
_MARGIN: Final = 0.1
_MOST_SHOWN: Final = 12


@dataclass(frozen=True)
class EnergyShares:
    """Mean shares of the kinetic energy of photons.

    Attributes:
        n_events: Showers.
        layers: Mean energy of each layer over the kinetic energy, by its number.
        outside_cells: Share of the hits that lie in no cell; None if nobody looked.
        outside_layers: Share of the hits that are more than a tenth of the radius away from their
            layer; None if nobody looked.
    """

    n_events: int
    layers: Mapping[int, float]
    outside_cells: float | None = None
    outside_layers: float | None = None

    @property
    def total(self) -> float:
        """Mean of E_tot / E_kin."""
        return sum(self.layers.values())

    def __str__(self) -> str:
        if self.n_events == 0:
            return "no showers"
        text = f"{self.total:.3g} ({self._by_layer()})"
        if self.outside_cells is not None:
            text += f", {100.0 * self.outside_cells:.3g} % of the hits in no cell"
        if self.outside_layers:
            text += f", {100.0 * self.outside_layers:.3g} % not at their layer"
        return text

    def _by_layer(self) -> str:
        if len(self.layers) <= _MOST_SHOWN:
            shares = ", ".join(f"{number}: {share:.2g}" for number, share in self.layers.items())
            return f"by layer {shares}"
        number, share = max(self.layers.items(), key=lambda item: item[1])
        return f"{len(self.layers)} layers, most in layer {number}: {share:.2g}"

    def warnings(self) -> list[str]:
        """Say what is unlikely, and the likely cause.

        Returns:
            One sentence each.
        """
        if self.n_events == 0:
            return []
        found = []
        if not _LOW <= self.total <= _HIGH:
            found.append(
                f"the mean of E_tot/E_kin is {self.total:.3g}, expected {_LOW:g} to {_HIGH:g}: "
                f"{_likely_cause(self.total)}"
            )
        if self.outside_layers is not None and self.outside_layers > _MOST_OUTSIDE:
            found.append(
                f"{100.0 * self.outside_layers:.3g} % of the hits are not at the radius of their "
                "layer: are lengths in cm, or do layers have other numbers?"
            )
        if self.outside_cells is not None and self.outside_cells > _MOST_OUTSIDE:
            found.append(
                f"{100.0 * self.outside_cells:.3g} % of the hits are in no cell: are angles in "
                "degrees, or photons outside of the detector?"
            )
        return found


class _Limits(NamedTuple):
    """Where hits of each layer are expected: by the number of the layer, and by bins in eta."""

    low: Array  # mm, along z for planes
    high: Array
    starts: Array  # first bin of each layer, and the end
    bins_per_eta: Array
    is_plane: Array


@dataclass
class ShareCounter:
    """Adds up shares, batch by batch.

    Attributes:
        detector: Where its layers are.
        cells: The cells to look into; None to look into none.
    """

    detector: Detector
    cells: CellTable | None = None
    _n_events: int = 0
    _weight: float = 0.0
    _n_hits: int = 0
    _n_outside: int = 0
    _n_away: int = 0
    _sums: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._limits = _limits_of(self.detector)

    def add(self, hits: Hits) -> None:
        """Count a batch.

        Args:
            hits: Any number of events, in layers of the detector.
        """
        given = hits.photons.weight
        weights = np.ones(len(hits)) if given is None else given
        self._n_events += len(hits)
        self._weight += float(weights.sum())
        self._n_hits += hits.n_hits
        sums = np.zeros(256)
        self._n_away += _count_kernel(
            (hits.layer, hits.eta, hits.r, hits.energy),
            hits.event_offsets,
            weights / hits.photons.energy,
            self._limits,
            sums,
        )
        for number in self.detector.numbers:
            self._sums[number] = self._sums.get(number, 0.0) + float(sums[number])
        if self.cells is not None:
            found = self.cells.lookup().find(hits.layer, hits.eta, hits.phi)
            self._n_outside += int((found < 0).sum())

    def to_arrays(self) -> dict[str, Array]:
        """Give what was counted as arrays, for a file.

        Returns:
            Arrays by name.
        """
        counts = [self._n_events, self._n_hits, self._n_outside, self._n_away]
        sums = [self._sums.get(number, 0.0) for number in self.detector.numbers]
        return {"counts": np.array(counts), "sums": np.array([self._weight, *sums])}

    def add_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Count what another counter of the same detector has counted.

        Args:
            arrays: What its `to_arrays` gave.
        """
        n_events, n_hits, n_outside, n_away = arrays["counts"].tolist()
        weight, *sums = arrays["sums"].tolist()
        self._n_events += n_events
        self._n_hits += n_hits
        self._n_outside += n_outside
        self._n_away += n_away
        self._weight += weight
        for number, energy in zip(self.detector.numbers, sums, strict=True):
            self._sums[number] = self._sums.get(number, 0.0) + energy

    def shares(self) -> EnergyShares:
        """Give the shares of all that was counted."""
        events, hits = self._weight or 1.0, max(1, self._n_hits)
        return EnergyShares(
            self._n_events,
            {number: energy / events for number, energy in self._sums.items()},
            None if self.cells is None else self._n_outside / hits,
            self._n_away / hits,
        )


def _limits_of(detector: Detector) -> _Limits:
    low, high, starts = [], [], np.zeros(257, dtype=np.int64)
    planes, bins = np.zeros(256, dtype=np.bool_), np.zeros(256)
    sizes = np.zeros(256, dtype=np.int64)
    for layer in sorted(detector.layers, key=lambda layer: layer.number):
        position = layer.position
        half = 0.5 * (position.outer - position.inner)
        low.append((1.0 - _MARGIN) * (position.middle - half))
        high.append((1.0 + _MARGIN) * (position.middle + half))
        sizes[layer.number] = len(half)
        planes[layer.number] = position.surface == "plane"
        bins[layer.number] = position.bins_per_eta
    starts[1:] = np.cumsum(sizes)
    return _Limits(np.concatenate(low), np.concatenate(high), starts, bins, planes)


@kernel()
def _count_kernel(
    hits: tuple[Array, Array, Array, Array],
    offsets: Array,
    weights: Array,
    limits: _Limits,
    sums: Array,
) -> int:
    """Add up the shares of layers, and count hits that are away from their layer."""
    layers, etas, radii, energies = hits
    n_away = 0
    for event in range(len(weights)):
        for hit in range(offsets[event], offsets[event + 1]):
            layer = layers[hit]
            sums[layer] += weights[event] * energies[hit]
            size = abs(np.float64(etas[hit]))
            first, behind = limits.starts[layer], limits.starts[layer + 1]
            if behind == first:
                continue
            place = min(first + int(size * limits.bins_per_eta[layer]), behind - 1)
            slope = math.sinh(max(size, 1e-9)) if limits.is_plane[layer] else 1.0
            n_away += not limits.low[place] <= radii[hit] * slope <= limits.high[place]
    return n_away


def _likely_cause(total: float) -> str:
    if _LOW <= 1e3 * total <= _HIGH:
        return "are the hits in GeV, and the photons in MeV?"
    if _LOW <= 1e-3 * total <= _HIGH:
        return "are the photons in GeV, and the hits in MeV?"
    if 0.0 < total < _LOW:
        return "are these deposits in active material, not divided by the sampling fraction?"
    return "are energies in other units, or of other particles?"
