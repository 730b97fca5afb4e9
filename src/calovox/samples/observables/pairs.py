"""Showers of two samples that can be compared: photon by photon, where both have the same.

Showers with the same index and energy are of the same photon. The barycentres of the simulated
cells are then compared with the photon's direction in the reference. That is the true one: models
start from the shower centre of the reference instead.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calovox.arrays import Array, Int64
from calovox.photons.same_photons import PhotonNumbers
from calovox.samples.batch import ShowerSource
from calovox.samples.comparable import different_photons
from calovox.samples.observables.observed import ObservedShowers, photons_to_uniforms

__all__ = ["ObservedPair", "common_rows", "pair_showers"]

_LEAST_COMMON: Final = 0.5


@dataclass(frozen=True)
class ObservedPair:
    """Showers of the reference and of a sample that can be compared.

    Attributes:
        reference: Showers of the reference.
        simulated: Showers of the sample.
        same_photons: Whether shower i of both is of the same photon.
        rows: Where the showers of the reference stand among all that were observed.
    """

    reference: ObservedShowers
    simulated: ObservedShowers
    same_photons: bool
    rows: Int64[Array, " event"]

    @property
    def photon_numbers(self) -> tuple[Int64[Array, " event"], Int64[Array, " other"]]:
        """Number of the photon of each shower of both: the same for the same photon."""
        first, second = np.arange(len(self.reference)), np.arange(len(self.simulated))
        return first, second if self.same_photons else second + len(first)

    def at_most(self, n_showers: int) -> "ObservedPair":
        """Return no more than so many showers of each, chosen by their photons."""
        first, second = (
            np.sort(np.argsort(photons_to_uniforms(part.index), kind="stable")[:n_showers])
            for part in (self.reference, self.simulated)
        )
        return ObservedPair(
            self.reference[first], self.simulated[second], self.same_photons, self.rows[first]
        )

    def inside(self, common: Int64[Array, " common"]) -> Int64[Array, " chosen"]:
        """Find the showers of the sample whose photons are among some of the reference.

        Args:
            common: Rows of the reference.

        Returns:
            Rows of the sample; all of them if its photons are others.
        """
        if not self.same_photons:
            return np.arange(len(self.simulated))
        return np.flatnonzero(np.isin(self.rows, common))


def common_rows(
    reference: ObservedShowers, pairs: Iterable[ObservedPair]
) -> Int64[Array, " common"]:
    """Find the showers of the reference whose photons all samples have.

    Args:
        reference: Showers of the reference.
        pairs: Each sample, paired with the reference; those of other photons do not count.

    Returns:
        Rows of the reference.
    """
    rows = np.arange(len(reference))
    for pair in pairs:
        if pair.same_photons:
            rows = np.intersect1d(rows, pair.rows)
    return rows


def pair_showers(
    reference: ObservedShowers,
    simulated: ObservedShowers,
    sources: tuple[ShowerSource, ShowerSource],
) -> ObservedPair | str:
    """Find showers of two samples that can be compared.

    Args:
        reference: Showers of the reference.
        simulated: Showers of a sample.
        sources: All showers of both.

    Returns:
        Showers of the same photons, if at least half of the smaller sample's are; otherwise all,
        or, if energies or pseudorapidities alone tell the samples apart, what differs.
    """
    rows = _match(reference, simulated)
    if len(rows[0]) >= _LEAST_COMMON * min(len(reference), len(simulated)):
        first, second = reference[rows[0]], simulated[rows[1]]
        second = replace(
            second,
            abs_eta=first.abs_eta,
            photons=second.photons if first.photons is None else first.photons,
        )
        return ObservedPair(first, second, same_photons=True, rows=rows[0])
    difference = different_photons(*sources)
    return difference or ObservedPair(
        reference, simulated, same_photons=False, rows=np.arange(len(reference))
    )


def _match(
    first: ObservedShowers, second: ObservedShowers
) -> tuple[Int64[Array, " common"], Int64[Array, " common"]]:
    """Find the rows of the photons that both samples have, each once."""
    known, photons = (PhotonNumbers(part.index, part.energy) for part in (first, second))
    found = photons.rows_in(known)
    matched = np.flatnonzero(found >= 0)
    rows, place = np.unique(found[matched], return_index=True)
    return rows, matched[place]
