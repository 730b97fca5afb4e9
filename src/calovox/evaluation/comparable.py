"""Whether two samples can be compared at all: they must be of the same kind of photons.

A model of some slices of abs(eta) alone is compared where it has showers: if the photons of two
samples differ, both are restricted to the bins of abs(eta), 0.05 wide as the slices of AtlFast3,
in which both have some, and what is left must agree.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import ks_2samp

from calovox.arrays import Array, Int64
from calovox.evaluation.shower_batch import SelectedShowers, ShowerSource

__all__ = ["CommonPhotons", "different_photons", "find_common_photons"]

_SMALLEST_P_VALUE: Final = 1e-4
_ETA_WIDTH: Final = 0.05
_N_ETA_BINS: Final = 200


@dataclass(frozen=True)
class CommonPhotons:
    """Showers of two samples where both have photons.

    Attributes:
        reference: Showers of the one.
        other: Showers of the other.
        ranges: Lowest and highest abs(eta) of each range, rising.
    """

    reference: SelectedShowers
    other: SelectedShowers
    ranges: tuple[tuple[float, float], ...]

    @property
    def samples(self) -> tuple[SelectedShowers, SelectedShowers]:
        """Both samples."""
        return self.reference, self.other

    def __str__(self) -> str:
        return ", ".join(f"{low:g} to {high:g}" for low, high in self.ranges)


def different_photons(reference: ShowerSource, other: ShowerSource) -> str | None:
    """Tell whether energies or pseudorapidities alone tell two samples apart.

    Args:
        reference: A sample.
        other: Another.

    Returns:
        What differs, as the end of a sentence; None if nothing does.
    """
    columns = {
        "energy": (reference.incident_energy(), other.incident_energy()),
        "abs(eta)": (reference.abs_eta(), other.abs_eta()),
    }
    for name, (first, second) in columns.items():
        if first is None or second is None:
            if first is not second:
                return f"expected {name} to be known of both or neither of it and its reference"
            continue
        p_value = float(ks_2samp(first, second, method="asymp").pvalue)
        if p_value < _SMALLEST_P_VALUE:
            return (
                f"expected the distribution of {name} of its reference, got another "
                f"(Kolmogorov-Smirnov p = {p_value:.1g}): simulate the same photons"
            )
    return None


def find_common_photons(reference: ShowerSource, other: ShowerSource) -> CommonPhotons | None:
    """Find the ranges of abs(eta) in which two samples have the same photons.

    Args:
        reference: A sample.
        other: Another, with other photons.

    Returns:
        Showers of both in these ranges; None if their photons differ there as well.
    """
    of_reference, of_other = reference.abs_eta(), other.abs_eta()
    if of_reference is None or of_other is None:
        return None
    edges = np.round(np.arange(_N_ETA_BINS + 1) * _ETA_WIDTH, 10)
    bins = [
        np.searchsorted(edges, abs_eta, side="right") - 1 for abs_eta in (of_reference, of_other)
    ]
    both = np.intersect1d(bins[0], bins[1])
    first, second = (
        SelectedShowers(source, np.isin(found, both))
        for source, found in zip((reference, other), bins, strict=True)
    )
    if len(both) == 0 or different_photons(first, second) is not None:
        return None
    return CommonPhotons(first, second, tuple((edges[a], edges[b + 1]) for a, b in _runs(both)))


def _runs(bins: Int64[Array, " bin"]) -> list[tuple[int, int]]:
    """Give first and last of each run of neighbouring bins."""
    parts = np.split(bins, np.flatnonzero(np.diff(bins) > 1) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]
