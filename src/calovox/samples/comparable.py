"""Whether two samples can be compared at all: the spectra of their photons must agree.

A model may cover some slices of abs(eta) or some energies alone. It is compared where it has
showers: if the photons of two samples differ, both are restricted to the bins in which both have
some, and the spectra there must agree. Bins are an octave wide in energy and 0.05 in abs(eta), as
the slices of AtlFast3. Samples in other units are recognised by a large factor between their
energies, or between the shares of the energy that their voxels hold.

If photons of a range alone are wanted, the photon decides, and not the shower's centre, which a
model may put elsewhere. A shower with the index and the energy of a photon of the reference is of
that photon: it is in or out with the shower of the reference, whatever its own file says. Others
are judged by their own photons: by their shower centres if a file does not say more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import ks_2samp

from calovox.arrays import Array, Bool, Float64, Int64
from calovox.photons.photon_range import PhotonRange
from calovox.photons.same_photons import PhotonNumbers
from calovox.samples.batch import SelectedShowers, ShowerSource
from calovox.samples.source import DatasetSource, SourceChain
from calovox.units import format_energy

__all__ = [
    "CommonPhotons",
    "PhotonKeys",
    "check_units",
    "different_photons",
    "find_common_photons",
    "select_photons",
]

_ENERGY_PRECISION: Final = 1e-6
_SMALLEST_P_VALUE: Final = 1e-4
_LARGEST_FACTOR: Final = 20.0
_SHOWERS_FOR_UNITS: Final = 500
_ETA_WIDTH: Final = 0.05
_N_ETA_BINS: Final = 200
_ETA_EDGES: Final = np.round(np.arange(_N_ETA_BINS + 1) * _ETA_WIDTH, 10)


@dataclass(frozen=True)
class PhotonKeys:
    """What the showers of a photon are found by, in samples of the same photons.

    Attributes:
        energy: Incident energies in MeV.
        abs_eta: abs(eta) of the shower centres; None if it is not known.
    """

    energy: Float64[Array, " event"]
    abs_eta: Float64[Array, " event"] | None

    def __getitem__(self, rows: Int64[Array, " chosen"] | Bool[Array, " event"]) -> "PhotonKeys":
        """Choose showers."""
        return PhotonKeys(self.energy[rows], None if self.abs_eta is None else self.abs_eta[rows])

    def order(self) -> Int64[Array, " event"]:
        """Give the rows in the order of their photons: by energy, then by abs(eta)."""
        keys = [self.energy] if self.abs_eta is None else [self.abs_eta, self.energy]
        return np.lexsort(keys)

    def same_photons(self, other: "PhotonKeys") -> bool:
        """Tell whether the energies are those of another sample, shower by shower.

        Args:
            other: Another sample, both in the order of their photons.
        """
        return len(self.energy) == len(other.energy) and np.allclose(
            self.energy, other.energy, rtol=_ENERGY_PRECISION, atol=0.0
        )


@dataclass(frozen=True)
class CommonPhotons:
    """Showers of two samples where both have photons.

    Attributes:
        reference: Showers of the first sample.
        other: Showers of the second.
        eta_ranges: Lowest and highest abs(eta) of each range, rising.
        energy_ranges: The same of energies, MeV.
    """

    reference: SelectedShowers
    other: SelectedShowers
    eta_ranges: tuple[tuple[float, float], ...]
    energy_ranges: tuple[tuple[float, float], ...]

    @property
    def samples(self) -> tuple[SelectedShowers, SelectedShowers]:
        """Both samples."""
        return self.reference, self.other

    def __str__(self) -> str:
        etas = ", ".join(f"{low:g} to {high:g}" for low, high in self.eta_ranges)
        energies = ", ".join(
            f"{format_energy(low)} to {format_energy(high)}" for low, high in self.energy_ranges
        )
        return f"abs(eta) of {etas} and energies of {energies}"


def different_photons(reference: ShowerSource, other: ShowerSource) -> str | None:
    """Say whether two samples differ in the energies or pseudorapidities of their photons.

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


def check_units(label: str, reference: ShowerSource, other: ShowerSource) -> None:
    """Refuse a sample whose energies are in other units than those of its reference.

    Args:
        label: Name of the sample.
        reference: A sample.
        other: Another, of the same kind of photons if the units are right.

    Raises:
        ValueError: If incident energies, or the energies of the voxels, differ by a large factor.
    """
    pairs = {
        "incident energies": tuple(s.incident_energy() for s in (reference, other)),
        "energies of voxels over that of the particle": tuple(
            _shares(source) for source in (reference, other)
        ),
    }
    for what, (expected, found) in pairs.items():
        medians = float(np.median(expected)), float(np.median(found))
        if min(medians) <= 0.0:
            continue
        factor = medians[1] / medians[0]
        if not 1.0 / _LARGEST_FACTOR < factor < _LARGEST_FACTOR:
            raise ValueError(
                f"{label}: expected the {what} of its reference ({reference.path.name}), got "
                f"{factor:.3g} times as much in {other.path.name} (median {medians[1]:.4g}, that "
                f"of the reference {medians[0]:.4g}): give all samples in MeV, of the same "
                "particles"
            )


def _shares(source: ShowerSource) -> Float64[Array, " event"]:
    """Add up the voxels of the first showers, over the incident energies."""
    batch = next(source.batches(_SHOWERS_FOR_UNITS))
    return np.asarray(batch.fraction.sum(axis=1, dtype=np.float64))


def find_common_photons(reference: ShowerSource, other: ShowerSource) -> CommonPhotons | None:
    """Find the ranges of abs(eta) and energy in which two samples have the same photons.

    Args:
        reference: A sample.
        other: Another, with other photons.

    Returns:
        Showers of both in these ranges; None if their photons differ there as well.
    """
    bins = [found for source in (reference, other) if (found := _bins(source)) is not None]
    if len(bins) < 2:
        return None
    both = np.intersect1d(bins[0], bins[1])
    first, second = (
        SelectedShowers(source, np.isin(found, both))
        for source, found in zip((reference, other), bins, strict=True)
    )
    if len(both) == 0 or different_photons(first, second) is not None:
        return None
    octaves, slices = np.divmod(both, _N_ETA_BINS)
    return CommonPhotons(
        first,
        second,
        tuple((float(_ETA_EDGES[a]), float(_ETA_EDGES[b + 1])) for a, b in _runs(slices)),
        tuple((2.0**a, 2.0 ** (b + 1)) for a, b in _runs(octaves)),
    )


def _bins(source: ShowerSource) -> Int64[Array, " event"] | None:
    """Number the bins in energy and abs(eta) that showers are in; None if eta is not known."""
    abs_eta = source.abs_eta()
    if abs_eta is None:
        return None
    octaves = np.floor(np.log2(source.incident_energy())).astype(np.int64)
    slices = np.searchsorted(_ETA_EDGES, abs_eta, side="right") - 1
    return np.asarray(octaves * _N_ETA_BINS + slices)


def _runs(bins: Int64[Array, " bin"]) -> list[tuple[int, int]]:
    """Give first and last of each run of neighbouring bins."""
    rising = np.unique(bins)
    parts = np.split(rising, np.flatnonzero(np.diff(rising) > 1) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]


def select_photons(
    samples: Mapping[str, SourceChain], photons: PhotonRange | None
) -> dict[str, SourceChain]:
    """Leave out showers of other photons.

    Args:
        samples: The reference, then simulations, by name.
        photons: Which photons are kept; None for all.

    Returns:
        The same samples, with showers of these photons alone.

    Raises:
        ValueError: If a sample has none, or a file does not tell what is needed.
    """
    if photons is None or not samples:
        return dict(samples)
    (label, reference), *others = samples.items()
    known, inside = _numbers(reference), _own(reference, photons)
    selected = {label: _select(label, reference, photons, inside)}
    for label, chain in others:
        chosen, rows = _own(chain, photons), _numbers(chain).rows_in(known)
        chosen[rows >= 0] = inside[rows[rows >= 0]]
        selected[label] = _select(label, chain, photons, chosen)
    return selected


def _select(
    label: str, chain: SourceChain, photons: PhotonRange, inside: Bool[Array, " event"]
) -> SourceChain:
    if not inside.any():
        raise ValueError(
            f"{label}: expected showers of photons with {photons}, got none in {chain.path}"
        )
    starts = np.cumsum([len(source) for source in chain.sources])[:-1]
    return chain.select(np.split(inside, starts))


def _numbers(chain: SourceChain) -> PhotonNumbers:
    """Number photons by their index, or by their row if a file does not say it."""
    index = np.concatenate([_index(source) for source in chain.sources])
    return PhotonNumbers(index, chain.incident_energy())


def _index(source: ShowerSource) -> Int64[Array, " event"]:
    if not isinstance(source, DatasetSource):
        return np.arange(len(source))
    index = source.index()
    return source.rows() if index is None else index


def _own(chain: SourceChain, photons: PhotonRange) -> Bool[Array, " event"]:
    """Judge each photon by what its own file says."""
    inside = []
    for source in chain.sources:
        eta = source.photon_eta() if isinstance(source, DatasetSource) else None
        try:
            inside.append(photons.holds(source.incident_energy(), eta))
        except ValueError as problem:
            raise ValueError(f"{source.path}: {problem}: leave it out") from None
    return np.concatenate(inside)
