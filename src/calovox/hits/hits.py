"""Hits of many events as flat arrays, with the offsets of the events.

A hit is an energy, at the electromagnetic scale, at a point of a calorimeter layer. Reference
(Geant4) and simulated showers are both `Hits`; every later stage treats them alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calovox.arrays import Array, Float, Int64, UInt8
from calovox.geometry.layers import NO_LAYER
from calovox.photons import Photons, concatenate_photons

__all__ = ["Hits", "concatenate_hits"]


@dataclass(frozen=True)
class Hits:
    """Hits of a batch of events.

    Attributes:
        layer: Number of the detector's layer that each hit is in.
        eta: Pseudorapidity of each hit, seen from the detector origin.
        phi: Azimuth of each hit in rad, [-pi, pi).
        r: Distance of each hit from the beam axis in mm.
        energy: Energy of each hit in MeV; may be negative (note, section 2.2).
        event_offsets: Hits of event i are the rows ``event_offsets[i]:event_offsets[i + 1]``.
        photons: The photon that caused each event.
    """

    layer: UInt8[Array, " hit"]
    eta: Float[Array, " hit"]
    phi: Float[Array, " hit"]
    r: Float[Array, " hit"]
    energy: Float[Array, " hit"]
    event_offsets: Int64[Array, " offset"]
    photons: Photons

    def __post_init__(self) -> None:
        n_hits = len(self.energy)
        for name in ("layer", "eta", "phi", "r"):
            if len(getattr(self, name)) != n_hits:
                raise ValueError(
                    f"Hits: expected {n_hits} values of `{name}`, got {len(getattr(self, name))}"
                )
        offsets = self.event_offsets
        if len(offsets) != len(self.photons) + 1:
            raise ValueError(
                f"Hits: `event_offsets` must have one entry more than there are photons "
                f"({len(self.photons)}), got {len(offsets)}"
            )
        if offsets[0] != 0 or offsets[-1] != n_hits or (offsets[1:] < offsets[:-1]).any():
            raise ValueError(f"Hits: `event_offsets` must rise from 0 to {n_hits}")
        if self.layer.max(initial=0) == NO_LAYER:
            raise ValueError(f"Hits: expected numbers of layers, got {NO_LAYER}, that of no layer")

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.photons)

    def __getitem__(self, events: slice) -> "Hits":
        """Return consecutive events, without a copy of their hits."""
        start, stop, step = events.indices(len(self))
        if step != 1:
            raise IndexError(f"Hits: expected a slice of step 1, got {step}")
        stop = max(start, stop)
        offsets = self.event_offsets[start : stop + 1]
        rows = slice(int(offsets[0]), int(offsets[-1]))
        return Hits(
            layer=self.layer[rows],
            eta=self.eta[rows],
            phi=self.phi[rows],
            r=self.r[rows],
            energy=self.energy[rows],
            event_offsets=offsets - offsets[0],
            photons=self.photons[start:stop],
        )

    def __repr__(self) -> str:
        return f"Hits({len(self)} events, {len(self.energy)} hits)"

    @property
    def n_hits(self) -> int:
        """Number of hits of all events."""
        return len(self.energy)


def concatenate_hits(parts: Sequence[Hits]) -> Hits:
    """Join batches of events, in order.

    Args:
        parts: At least one batch.

    Returns:
        All events as one batch.
    """
    sizes = np.concatenate([np.diff(part.event_offsets) for part in parts])
    return Hits(
        layer=np.concatenate([part.layer for part in parts]),
        eta=np.concatenate([part.eta for part in parts]),
        phi=np.concatenate([part.phi for part in parts]),
        r=np.concatenate([part.r for part in parts]),
        energy=np.concatenate([part.energy for part in parts]),
        event_offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        photons=concatenate_photons([part.photons for part in parts]),
    )
